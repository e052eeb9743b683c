/// What a block is for.
public enum BlockKind: UInt16, Sendable {
    /// Who made the file.
    case fileMetadata = 0
    /// Commands.
    case gcode = 1
    /// The slicer's whole configuration.
    case slicerMetadata = 2
    /// What a printer shows of a file: its model, filament, printing time.
    case printerMetadata = 3
    /// Statistics of the print.
    case printMetadata = 4
    /// A picture.
    case thumbnail = 5
}

/// How a block's data is compressed.
public enum Compression: UInt16, Sendable {
    /// Not at all.
    case none = 0
    /// DEFLATE in a zlib wrapping.
    case deflate = 1
    /// heatshrink with a window of 2^11 bytes and a lookahead of 2^4.
    case heatshrink11 = 2
    /// heatshrink with a window of 2^12 bytes and a lookahead of 2^4.
    case heatshrink12 = 3
}

/// How G-code is written inside its (uncompressed) block.
public enum GCodeEncoding: UInt16, Sendable {
    /// Plain text.
    case none = 0
    /// MeatPack; the slicer's comments are gone.
    case meatPack = 1
    /// MeatPack that leaves lines of comment in between.
    case meatPackWithComments = 2
}

/// The format of a thumbnail's picture.
public enum ImageFormat: UInt16, Sendable {
    /// Portable Network Graphics.
    case png = 0
    /// JPEG.
    case jpg = 1
    /// Quite OK Image.
    case qoi = 2
}

/// What a block's parameters say about its data.
public enum BlockParameters: Sendable, Equatable {
    /// Lines `key=value`, of any of the four kinds of metadata.
    case metadata
    /// Commands in this encoding.
    case gcode(GCodeEncoding)
    /// A picture of this size in pixels.
    case thumbnail(ImageFormat, width: UInt16, height: UInt16)
}

/// The header and parameters of a block.
public struct BlockHeader: Sendable, Equatable {
    /// The longest header with parameters in bytes.
    public static let maximumSize = 18

    /// What the block is for.
    public let kind: BlockKind
    /// How its data is compressed.
    public let compression: Compression
    /// What its data is.
    public let parameters: BlockParameters
    /// Bytes of its data in the file.
    public let dataSize: UInt32
    /// Bytes of its data when uncompressed.
    public let uncompressedSize: UInt32
    /// Length of header and parameters in bytes, 10 to ``maximumSize``.
    public let size: Int
    /// Its place among the file's blocks, from 0.
    public let number: UInt32
    /// Where it begins, in bytes from the beginning of the file.
    public let offset: UInt64

    /// The checksum of the header itself, with which that of the block begins.
    let headerChecksum: CRC32

    /// Where its data begins in the file.
    public var dataOffset: UInt64 { offset + UInt64(size) }

    /// Where the next block begins in the file.
    public func end(_ checksum: ChecksumType) -> UInt64 {
        dataOffset + UInt64(dataSize) + UInt64(checksum.size)
    }

    /// Reads the header of block `number` at `offset` in the file from its first bytes; nil when there are too few.
    ///
    /// ``maximumSize`` bytes are always enough.
    public static func parse(
        _ bytes: Span<UInt8>, number: UInt32, offset: UInt64
    ) throws(BinaryGCodeError) -> BlockHeader? {
        guard bytes.count >= 2 else { return nil }
        let kind = BlockKind(rawValue: bytes.littleEndian16(at: 0))
        do throws(BinaryGCodeError.Reason) {
            guard let kind else { throw .unknownBlock(bytes.littleEndian16(at: 0)) }
            guard bytes.count >= 4 else { return nil }
            let compressionNumber = bytes.littleEndian16(at: 2)
            guard let compression = Compression(rawValue: compressionNumber) else {
                throw .unknownCompression(compressionNumber)
            }
            let plainSize = compression == .none ? 8 : 12
            let size = plainSize + (kind == .thumbnail ? 6 : 2)
            guard bytes.count >= size else { return nil }
            var checksum = CRC32()
            checksum.add(bytes, 0..<size)
            return BlockHeader(
                kind: kind, compression: compression,
                parameters: try parameters(of: kind, bytes, at: plainSize),
                dataSize: bytes.littleEndian32(at: plainSize - 4), uncompressedSize: bytes.littleEndian32(at: 4),
                size: size, number: number, offset: offset, headerChecksum: checksum)
        } catch {
            throw BinaryGCodeError(reason: error, block: number, kind: kind, offset: offset)
        }
    }

    private static func parameters(
        of kind: BlockKind, _ bytes: Span<UInt8>, at index: Int
    ) throws(BinaryGCodeError.Reason) -> BlockParameters {
        let first = bytes.littleEndian16(at: index)
        switch kind {
        case .gcode:
            guard let encoding = GCodeEncoding(rawValue: first) else { throw .unknownEncoding(first) }
            return .gcode(encoding)
        case .thumbnail:
            guard let format = ImageFormat(rawValue: first) else { throw .unknownImageFormat(first) }
            return .thumbnail(
                format, width: bytes.littleEndian16(at: index + 2), height: bytes.littleEndian16(at: index + 4))
        case .fileMetadata, .slicerMetadata, .printerMetadata, .printMetadata:
            guard first == 0 else { throw .unknownEncoding(first) }
            return .metadata
        }
    }

    /// An error about this block.
    func error(_ reason: BinaryGCodeError.Reason) -> BinaryGCodeError {
        BinaryGCodeError(reason: reason, block: number, kind: kind, offset: offset)
    }
}
