// The container of Prusa's binary G-code (.bgcode), version 1: a header of ten bytes, then blocks one after another.
// All numbers are little-endian. Source: the specification in prusa3d/libbgcode.

/// How a file's blocks are protected.
public enum ChecksumType: UInt16, Sendable {
    /// Not at all.
    case none = 0
    /// Four bytes of CRC-32 behind each block, over its header, parameters and data.
    case crc32 = 1

    /// Bytes behind each block.
    public var size: Int { self == .crc32 ? 4 : 0 }
}

/// The header of a file.
public struct FileHeader: Sendable, Equatable {
    /// Its length in bytes.
    public static let size = 10

    /// How the blocks are protected.
    public let checksum: ChecksumType

    /// Reads a header from the first bytes of a file; nil when there are fewer than ``size``.
    public static func parse(_ bytes: Span<UInt8>) throws(BinaryGCodeError) -> FileHeader? {
        do throws(BinaryGCodeError.Reason) {
            guard hasMagic(bytes) else { throw .notBinaryGCode }
            guard bytes.count >= size else { return nil }
            let version = bytes.littleEndian32(at: 4)
            guard version == 1 else { throw .unsupportedVersion(version) }
            let number = bytes.littleEndian16(at: 8)
            guard let checksum = ChecksumType(rawValue: number) else { throw .unknownChecksum(number) }
            return FileHeader(checksum: checksum)
        } catch {
            throw BinaryGCodeError(reason: error, block: nil, kind: nil, offset: 0)
        }
    }

    /// True when `bytes` are the beginning of binary G-code as far as they go.
    public static func hasMagic(_ bytes: Span<UInt8>) -> Bool {
        let magic: StaticString = "GCDE"
        for index in 0..<min(bytes.count, magic.utf8CodeUnitCount)
        where bytes[index] != (unsafe magic.utf8Start[index]) { return false }
        return true
    }
}

extension Span<UInt8> {
    func littleEndian16(at index: Int) -> UInt16 { UInt16(self[index]) | UInt16(self[index + 1]) << 8 }

    func littleEndian32(at index: Int) -> UInt32 {
        UInt32(littleEndian16(at: index)) | UInt32(littleEndian16(at: index + 2)) << 16
    }
}
