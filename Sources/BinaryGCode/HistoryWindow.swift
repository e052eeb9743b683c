/// The last 32 KiB that a decompressor put out, for references back: as far as DEFLATE reaches, and eight times as
/// far as heatshrink does.
///
/// What only reads is `mutating` all the same: a borrowed value of this size is copied as a whole for each call (Swift
/// 6.3).
struct HistoryWindow: ~Copyable {
    static let size = 32768

    private var bytes = InlineArray<32768, UInt8>(repeating: 0)
    private var head = 0

    /// Forgets everything. Heatshrink may refer to before its beginning: zeros stand there, `reach` bytes of them.
    mutating func restart(reach: Int) {
        head = 0
        for index in Self.size - reach..<Self.size { bytes[index] = 0 }
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        bytes[head] = byte
        head = (head + 1) & (Self.size - 1)
    }

    /// The byte that came `distance` bytes ago; 1 is the last one.
    @inline(__always)
    mutating func byte(back distance: Int) -> UInt8 { bytes[(head - distance) & (Self.size - 1)] }
}
