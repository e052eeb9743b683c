/// The checksum of binary G-code's blocks: CRC-32 as zlib and PNG have it (polynomial 0x04C11DB7, reflected).
struct CRC32: Sendable, Equatable {
    /// The checksums of the sixteen half bytes. A table of 256 would be twice as fast and sixty times as large; this
    /// one does some hundred megabytes a second.
    private static let table: [16 of UInt32] = [
        0x0000_0000, 0x1DB7_1064, 0x3B6E_20C8, 0x26D9_30AC, 0x76DC_4190, 0x6B6B_51F4, 0x4DB2_6158, 0x5005_713C,
        0xEDB8_8320, 0xF00F_9344, 0xD6D6_A3E8, 0xCB61_B38C, 0x9B64_C2B0, 0x86D3_D2D4, 0xA00A_E278, 0xBDBD_F21C,
    ]

    private var state: UInt32 = 0xFFFF_FFFF

    /// The checksum of what was added so far.
    var value: UInt32 { ~state }

    mutating func add(_ byte: UInt8) {
        state ^= UInt32(byte)
        state = (state >> 4) ^ Self.table[Int(state & 15)]
        state = (state >> 4) ^ Self.table[Int(state & 15)]
    }

    /// Adds the bytes of `bytes` in `range`.
    mutating func add(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        for index in range { add(bytes[index]) }
    }
}
