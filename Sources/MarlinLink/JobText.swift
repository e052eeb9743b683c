import BinaryGCode

#if canImport(Glibc)
    import Glibc
#endif

/// Reads a job's file from front to back as the text of its G-code: plain G-code as it is, binary G-code decoded block
/// by block. Its buffers are allocated once; belongs to one thread.
final class JobText {
    /// A piece of text and where in the file it comes from.
    struct Piece {
        /// Valid until the next piece.
        let bytes: UnsafeRawBufferPointer
        fileprivate let start: UInt64
        fileprivate let end: UInt64

        /// Where in the file the byte at `index` ends, in bytes; inside a binary block as far as the piece lets tell.
        func end(of index: Int) -> UInt64 { start + (end - start) * UInt64(index + 1) / UInt64(bytes.count) }
    }

    /// Why there is no next piece.
    enum Failure: Error {
        /// `pread` failed.
        case unreadable(errno: Int32)
        /// The file ends before its size; so many bytes were found.
        case cut(found: UInt64)
        /// The file is no binary G-code as it should be.
        case binary(BinaryGCodeError)
    }

    /// Whether a file that begins like this is binary G-code.
    static func isBinaryGCode(_ head: UnsafeRawBufferPointer) -> Bool { head.starts(with: "GCDE".utf8) }

    private let descriptor: Int32
    private let size: UInt64
    private let isBinary: Bool
    private var decoder = BinaryGCodeDecoder()

    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    /// Bytes in `input`, and how many of them were decoded.
    private var inputCount = 0
    private var inputTaken = 0
    /// Bytes of the file that were read.
    private var offset: UInt64 = 0
    /// Decoded text; small, so that the position in the file is known well.
    private let text = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4096)

    init(descriptor: Int32, size: UInt64, isBinary: Bool) {
        self.descriptor = descriptor
        self.size = size
        self.isBinary = isBinary
    }

    convenience init(_ file: JobFile) {
        self.init(descriptor: file.descriptor, size: file.size, isBinary: file.isBinary)
    }

    deinit {
        input.deallocate()
        text.deallocate()
    }

    /// The next piece, never an empty one; nil at the end. Waits for the medium.
    func next() throws(Failure) -> Piece? {
        if isBinary { return try decodeNext() }
        let start = offset
        try read()
        guard inputCount > 0 else { return nil }
        return Piece(bytes: UnsafeRawBufferPointer(rebasing: input[..<inputCount]), start: start, end: offset)
    }

    private func decodeNext() throws(Failure) -> Piece? {
        while true {
            if inputTaken == inputCount { try read() }
            let start = decoder.offset
            let count: Int
            do {
                count = try decode()
                if count == 0, inputCount == 0 {
                    try decoder.end()
                    return nil
                }
            } catch {
                throw .binary(error)
            }
            if count > 0 {
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<count])
                return Piece(bytes: bytes, start: start, end: decoder.offset)
            }
        }
    }

    /// Decodes into `text`; how many bytes are in it.
    private func decode() throws(BinaryGCodeError) -> Int {
        var output = OutputSpan(buffer: text, initializedCount: 0)
        let rest = UnsafeRawBufferPointer(rebasing: input[inputTaken..<inputCount])
        inputTaken += try decoder.decode(Span(_unsafeBytes: rest), into: &output)
        return output.finalize(for: text)
    }

    /// Reads on into `input`; nothing at the end of the file.
    private func read() throws(Failure) {
        inputTaken = 0
        inputCount = 0
        while offset < size {
            let count = pread(descriptor, input.baseAddress, min(input.count, Int(size - offset)), off_t(offset))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(errno: errno) }
            guard count > 0 else { throw .cut(found: offset) }
            inputCount = count
            offset += UInt64(count)
            return
        }
    }
}
