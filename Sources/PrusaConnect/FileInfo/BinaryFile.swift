import BinaryGCode

/// Reads what a binary G-code file (.bgcode) tells: its metadata blocks, its pictures, and its first commands.
///
/// A damaged block is passed over; the next one stands where its header says. Nothing is held but the picture that is
/// to be the preview.
final class BinaryFile {
    private let file: PositionedFile
    private var decoder = BlockDecoder()
    private var comments = SlicerComments()
    private var choice = PreviewChoice()
    private var lines = GCodeLines()

    /// Blocks in front of the G-code: four of metadata and a few pictures. Damage must not send us through a file of
    /// gigabytes block by block.
    private static let mostBlocks = 64
    /// Uncompressed bytes of a metadata block; PrusaSlicer's configuration has some 30,000.
    private static let longestMetadata: UInt32 = 1 << 20
    private static let longestPicture = UInt32(Thumbnail.longestBase64 / 4 * 3)

    private init(_ file: PositionedFile) { self.file = file }

    /// Reads a file that begins with `GCDE`.
    static func read(_ file: PositionedFile) throws(FileReadError) -> FileContent {
        let reader = BinaryFile(file)
        try reader.readBlocks()
        var content = FileContent()
        content.metadata = reader.lines.metadata
        content.metadata.merge(reader.comments.finished(isCura: false))
        content.preview = reader.choice.best
        return content
    }

    private func readBlocks() throws(FileReadError) {
        let start = try file.read(at: 0, count: FileHeader.size)
        guard let header = try? FileHeader.parse(start.span) else { return }
        var offset = UInt64(FileHeader.size)
        for number in 0..<UInt32(Self.mostBlocks) where offset < file.size {
            let bytes = try file.read(at: offset, count: BlockHeader.maximumSize)
            guard let block = try? BlockHeader.parse(bytes.span, number: number, offset: offset) else { return }
            try read(block, header.checksum)
            offset = block.end(header.checksum)
            if block.kind == .gcode, lines.hasSeenEnoughCommands { return }
        }
    }

    private func read(_ block: BlockHeader, _ checksum: ChecksumType) throws(FileReadError) {
        switch block.parameters {
        case .metadata:
            guard block.uncompressedSize <= Self.longestMetadata else { return }
            if let data = try decoded(block, checksum) { takeMetadata(data) }
        case .thumbnail(let image, let width, let height):
            guard let format = Thumbnail.format(image), block.uncompressedSize <= Self.longestPicture,
                choice.wants(format, width: Int(width), height: Int(height)),
                let data = try decoded(block, checksum),
                let thumbnail = Thumbnail(
                    format: format, width: Int(width), height: Int(height), base64: Base64.encode(data))
            else { return }
            choice.take(thumbnail)
        case .gcode:
            // Unchecked: M73 and layer marks of a damaged block are good enough for what they are used for.
            _ = try decode(block, checksum) { lines.take($0) }
        }
    }

    /// `key=value` in lines, of each kind of metadata block.
    private func takeMetadata(_ data: [UInt8]) {
        for line in data.split(separator: 0x0A) {
            guard let mark = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = String(decoding: line[..<mark], as: UTF8.self).trimmed
            let value = String(decoding: line[(mark + 1)...], as: UTF8.self).trimmed
            comments.take(key: key, value: value)
        }
    }

    /// The whole data of a block; nil when it is damaged.
    private func decoded(_ block: BlockHeader, _ checksum: ChecksumType) throws(FileReadError) -> [UInt8]? {
        var data: [UInt8] = []
        data.reserveCapacity(Int(block.uncompressedSize))
        return try decode(block, checksum) { data.append(contentsOf: $0) } ? data : nil
    }

    /// Decodes a block piece by piece; false when it is damaged.
    private func decode(
        _ block: BlockHeader, _ checksum: ChecksumType, _ take: (ArraySlice<UInt8>) -> Void
    ) throws(FileReadError) -> Bool {
        decoder.begin(block, checksum: checksum)
        var isDamaged = false
        var output = [UInt8](repeating: 0, count: 16384)
        try file.forEachPiece(block.dataOffset..<block.end(checksum)) { piece in
            guard !isDamaged, !decoder.isFinished else { return }
            isDamaged = !decode(piece, &output, take)
        }
        return !isDamaged && decoder.isFinished
    }

    /// Decodes one piece of a block's bytes; false when it is damaged.
    private func decode(
        _ piece: ArraySlice<UInt8>, _ output: inout [UInt8], _ take: (ArraySlice<UInt8>) -> Void
    ) -> Bool {
        var rest = piece
        while true {
            var count = 0
            do {
                count = try output.withUnsafeMutableBufferPointer { buffer in
                    var span = OutputSpan(buffer: buffer, initializedCount: 0)
                    rest = try rest.dropFirst(decoder.decode(rest.span, into: &span))
                    return span.finalize(for: buffer)
                }
            } catch {
                return false
            }
            take(output[..<count])
            if decoder.isFinished || rest.isEmpty && count < output.count { return true }
        }
    }
}
