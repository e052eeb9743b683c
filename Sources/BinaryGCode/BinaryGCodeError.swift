/// Why binary G-code cannot be read: what is wrong, and where.
public struct BinaryGCodeError: Error, Sendable, Equatable {
    /// What is wrong.
    public let reason: Reason
    /// The block that it is wrong with, counted from 0; nil for the file's header.
    public let block: UInt32?
    /// The block's kind; nil for the file's header and where the kind itself could not be read.
    public let kind: BlockKind?
    /// Where that block, or the file's header, begins: bytes from the beginning of the file.
    public let offset: UInt64

    /// What can be wrong.
    public enum Reason: Error, Sendable, Equatable {
        /// The file does not begin with `GCDE`.
        case notBinaryGCode
        /// Version of the format; there is only 1.
        case unsupportedVersion(UInt32)
        /// A way of checksumming that the format does not have.
        case unknownChecksum(UInt16)
        /// A kind of block that the format does not have. Its length cannot be known, so reading ends here.
        case unknownBlock(UInt16)
        /// A compression that the format does not have.
        case unknownCompression(UInt16)
        /// An encoding of metadata or G-code that the format does not have.
        case unknownEncoding(UInt16)
        /// An image format that the format does not have.
        case unknownImageFormat(UInt16)
        /// The file ends in the midst of a header or block.
        case cut
        /// The checksum in the file and the one of the bytes that were read.
        case checksum(inFile: UInt32, computed: UInt32)
        /// The compressed data ends before the announced size is reached.
        case tooShort
        /// The compressed data holds more than the announced size.
        case tooLong
        /// The DEFLATE stream is damaged.
        case deflate(DeflateProblem)
        /// A MeatPack command that the encoding does not have.
        case unknownMeatPackCommand(UInt8)
        /// The MeatPack data ends in the midst of a character.
        case meatPackCut
    }

    /// What can be wrong with a DEFLATE stream in its zlib wrapping (RFC 1950, RFC 1951).
    public enum DeflateProblem: Sendable, Equatable {
        /// The two bytes at the beginning are no zlib header, or one with a preset dictionary.
        case header
        /// A block type that does not exist.
        case blockType
        /// A stored block whose length and its complement do not agree.
        case storedLength
        /// Code lengths that make no Huffman code.
        case codeLengths
        /// Bits that are no code word, or a symbol that means nothing.
        case symbol
        /// A reference to before the beginning.
        case distance
        /// The Adler-32 checksum at the end does not fit.
        case checksum
    }
}

// Text needs the heap, which Embedded Swift without allocations does not have.
#if !hasFeature(Embedded)
    extension BinaryGCodeError: CustomStringConvertible {
        /// What happened, and where: `block 3 (G-code) at byte 5120: the checksum is wrong (…)`.
        public var description: String {
            guard let block else { return "header at byte \(offset): \(reason)" }
            let name = kind.map { " (\($0))" } ?? ""
            return "block \(block)\(name) at byte \(offset): \(reason)"
        }
    }

    extension BinaryGCodeError.Reason: CustomStringConvertible {
        /// What is wrong.
        public var description: String {
            switch self {
            case .notBinaryGCode: "the file does not begin with GCDE"
            case .unsupportedVersion(let version): "version \(version) of the format is not known, only 1 is"
            case .unknownChecksum(let number): "checksum type \(number) is not known"
            case .unknownBlock(let number): "block type \(number) is not known"
            case .unknownCompression(let number): "compression \(number) is not known"
            case .unknownEncoding(let number): "encoding \(number) is not known"
            case .unknownImageFormat(let number): "image format \(number) is not known"
            case .cut: "the file ends in the midst of it"
            case .checksum(let inFile, let computed):
                "the checksum is wrong (\(String(inFile, radix: 16)) in the file, \(String(computed, radix: 16)) computed)"
            case .tooShort: "the compressed data ends before the announced size"
            case .tooLong: "the compressed data goes on behind the announced size"
            case .deflate(let problem): "the DEFLATE data is damaged: \(problem)"
            case .unknownMeatPackCommand(let number): "MeatPack command \(number) is not known"
            case .meatPackCut: "the MeatPack data ends in the midst of a character"
            }
        }
    }

    extension BinaryGCodeError.DeflateProblem: CustomStringConvertible {
        /// What is wrong.
        public var description: String {
            switch self {
            case .header: "no zlib header"
            case .blockType: "unknown block type"
            case .storedLength: "wrong length of a stored block"
            case .codeLengths: "code lengths that make no code"
            case .symbol: "an undefined symbol"
            case .distance: "a reference to before the beginning"
            case .checksum: "the Adler-32 checksum is wrong"
            }
        }
    }

    extension BlockKind: CustomStringConvertible {
        /// Its name for people.
        public var description: String {
            switch self {
            case .fileMetadata: "file metadata"
            case .gcode: "G-code"
            case .slicerMetadata: "slicer metadata"
            case .printerMetadata: "printer metadata"
            case .printMetadata: "print metadata"
            case .thumbnail: "thumbnail"
            }
        }
    }
#endif
