import BinaryGCode
import Glibc

/// What is in a print file.
public struct FileContent: Sendable, Hashable {
    /// What the slicer tells.
    public var metadata = GCodeMetadata()
    /// The largest PNG or JPG that the file has.
    public var preview: Thumbnail?

    /// Nothing is known.
    public init() {}

    /// What the name of a G-code file tells.
    init(name: String) { metadata = NameMetadata.parse(name) }

    /// Reads the G-code file `name` through an open descriptor. Of a text its first 400,000 and its last 40,000 bytes
    /// are read (Python package py-gcode-metadata 0.2.0), of binary G-code the blocks before the G-code and the first
    /// of that. Damage is no error: what can be read counts. Reads with `pread`: the descriptor's position does not
    /// matter.
    ///
    /// - Throws: when reading fails; the message names no path.
    static func read(descriptor: Int32, size: UInt64, name: String) throws(FileReadError) -> FileContent {
        var content = FileContent(name: name)
        let file = PositionedFile(descriptor: descriptor, size: size)
        let isBinary = try file.read(at: 0, count: 4) == Array("GCDE".utf8)
        let found = isBinary ? try BinaryFile.read(file) : try readText(file)
        content.metadata.merge(found.metadata)
        content.preview = found.preview
        return content
    }

    private static let headSize: UInt64 = 400_000
    private static let tailSize: UInt64 = 40_000

    private static func readText(_ file: PositionedFile) throws(FileReadError) -> FileContent {
        var lines = GCodeLines()
        let headEnd = min(file.size, headSize)
        try file.forEachPiece(0..<headEnd) { lines.take($0) }
        let tailStart = file.size - min(file.size, tailSize)
        if tailStart > headEnd { lines.skip() }
        try file.forEachPiece(max(headEnd, tailStart)..<file.size) { lines.take($0) }
        lines.end()
        var content = FileContent()
        content.metadata = lines.metadata
        content.preview = lines.preview
        return content
    }
}

/// Why a file's bytes could not be read.
struct FileReadError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error number of the operating system.
    let code: Int32

    var description: String { "The file cannot be read: \(String(cString: strerror(code)))" }
}

/// Reads pieces of an open file wherever they are.
struct PositionedFile {
    let descriptor: Int32
    let size: UInt64

    private static let pieceSize = 65536

    /// Up to `count` bytes from `offset` on; fewer where the file ends.
    func read(at offset: UInt64, count: Int) throws(FileReadError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let length = try read(into: &bytes, at: offset, count: count)
        bytes.removeLast(count - length)
        return bytes
    }

    /// Hands out the bytes in `range` piece by piece, as far as the file goes.
    func forEachPiece(_ range: Range<UInt64>, _ body: (ArraySlice<UInt8>) -> Void) throws(FileReadError) {
        var buffer = [UInt8](repeating: 0, count: Int(min(UInt64(Self.pieceSize), UInt64(range.count))))
        var offset = range.lowerBound
        while offset < range.upperBound {
            let wanted = Int(min(UInt64(buffer.count), range.upperBound - offset))
            let length = try read(into: &buffer, at: offset, count: wanted)
            guard length > 0 else { return }
            body(buffer[..<length])
            offset += UInt64(length)
        }
    }

    private func read(into buffer: inout [UInt8], at offset: UInt64, count: Int) throws(FileReadError) -> Int {
        while true {
            let length = pread(descriptor, &buffer, count, off_t(clamping: offset))
            if length >= 0 { return length }
            guard errno == EINTR else { throw FileReadError(code: errno) }
        }
    }
}
