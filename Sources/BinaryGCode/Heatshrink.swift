/// Decompresses heatshrink data a byte at a time.
///
/// The format, bits from the highest down: a 1 and the eight bits of a byte; or a 0, how far back (window bits, less 1)
/// and how many bytes (four bits, less 1) to repeat. There is no end mark: whoever reads knows the size, and the last
/// byte's rest is padding. Any bits are valid.
struct Heatshrink {
    private static let lookaheadBits = 4

    private var windowBits = 11
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var copyLength = 0
    private var copyDistance = 0

    /// At the beginning of data with a window of 2^`windowBits` bytes.
    mutating func restart(windowBits: Int) {
        self.windowBits = windowBits
        bitCount = 0
        copyLength = 0
    }

    /// Whether bytes were taken from the input that the decompressed data had no use for.
    var hasLeftover: Bool { bitCount >= 8 || copyLength > 0 }

    /// The next decompressed byte; nil when all of `input` from `position` on was taken and more is needed.
    @inline(__always)
    mutating func next(_ input: Span<UInt8>, _ position: inout Int, _ window: inout HistoryWindow) -> UInt8? {
        if copyLength == 0 {
            while bitCount <= 24, position < input.count {
                bits = bits << 8 | UInt32(input[position])
                bitCount += 8
                position += 1
            }
            guard bitCount > 0 else { return nil }
            if peek(1) == 1 {
                guard bitCount >= 9 else { return nil }
                let byte = UInt8(truncatingIfNeeded: take(9))
                window.append(byte)
                return byte
            }
            guard bitCount >= 1 + windowBits + Self.lookaheadBits else { return nil }
            copyDistance = Int(take(1 + windowBits)) + 1
            copyLength = Int(take(Self.lookaheadBits)) + 1
        }
        copyLength -= 1
        let byte = window.byte(back: copyDistance)
        window.append(byte)
        return byte
    }

    private func peek(_ count: Int) -> UInt32 { bits >> UInt32(bitCount - count) & (1 << UInt32(count) - 1) }

    private mutating func take(_ count: Int) -> UInt32 {
        let value = peek(count)
        bitCount -= count
        return value
    }
}
