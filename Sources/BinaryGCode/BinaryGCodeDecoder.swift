/// Turns a binary G-code file (.bgcode), piece by piece from its beginning, into the text of its G-code.
///
///     var decoder = BinaryGCodeDecoder()
///     // Until the file ends:
///     let taken = try decoder.decode(bytesOfTheFile, into: &text)
///
/// Blocks that hold no G-code are passed over, but their checksums are compared: one damaged bit makes a picture of a block
/// of G-code, or leads on to a wrong place. A block's checksum stands behind it, so its text comes out before it is
/// known to be right; who must know before reads the file twice.
///
/// A value of some 40 KiB in place: no heap, no I/O. Keep it in a class or a long-lived variable.
public struct BinaryGCodeDecoder: ~Copyable {
    private enum Phase {
        case fileHeader
        case blockHeader
        case gcode
        case skipping
    }

    private var phase = Phase.fileHeader
    private var checksum = ChecksumType.none
    private var block = BlockDecoder()

    /// The bytes of a header that came so far.
    private var headerBytes = InlineArray<18, UInt8>(repeating: 0)
    private var headerCount = 0

    /// Blocks whose headers were read.
    public private(set) var blocks: UInt32 = 0

    /// Bytes of the file that were taken.
    public private(set) var offset: UInt64 = 0

    /// At the beginning of a file.
    public init() {}

    /// Back to the beginning of a file.
    public mutating func restart() {
        phase = .fileHeader
        headerCount = 0
        blocks = 0
        offset = 0
    }

    /// Decodes the next bytes of the file.
    ///
    /// Goes on until `output` is full or all of `input` was taken.
    ///
    /// - Returns: how many bytes of `input` were taken. When `output` is full, more text may come without any input:
    ///   go on calling, also at the end of the file with empty input, until room is left in it.
    public mutating func decode(
        _ input: Span<UInt8>, into output: inout OutputSpan<UInt8>
    ) throws(BinaryGCodeError) -> Int {
        var position = 0
        defer { offset += UInt64(position) }
        while true {
            switch phase {
            case .fileHeader, .blockHeader:
                guard position < input.count else { return position }
                headerBytes[headerCount] = input[position]
                headerCount += 1
                position += 1
                try readHeader(end: offset + UInt64(position))
            case .skipping:
                position += try block.pass(input.extracting(position..<input.count))
                guard block.isFinished else { return position }
                phase = .blockHeader
            case .gcode:
                position += try block.decode(input.extracting(position..<input.count), into: &output)
                guard block.isFinished else { return position }
                phase = .blockHeader
            }
        }
    }

    /// The file ends here: throws when it ends too early.
    public func end() throws(BinaryGCodeError) {
        switch phase {
        case .blockHeader where headerCount == 0: return
        case .gcode, .skipping: try block.end()
        case .fileHeader: throw BinaryGCodeError(reason: .cut, block: nil, kind: nil, offset: 0)
        case .blockHeader:
            throw BinaryGCodeError(reason: .cut, block: blocks, kind: nil, offset: offset - UInt64(headerCount))
        }
    }

    private mutating func readHeader(end: UInt64) throws(BinaryGCodeError) {
        let bytes = headerBytes.span.extracting(0..<headerCount)
        if phase == .fileHeader {
            guard let header = try FileHeader.parse(bytes) else { return }
            checksum = header.checksum
            phase = .blockHeader
        } else {
            let start = end - UInt64(headerCount)
            guard let header = try BlockHeader.parse(bytes, number: blocks, offset: start) else { return }
            blocks += 1
            block.begin(header, checksum: checksum)
            phase = header.kind == .gcode ? .gcode : .skipping
        }
        headerCount = 0
    }
}
