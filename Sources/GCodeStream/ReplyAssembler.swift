/// Cuts the bytes from a printer into lines, however they were split on their way.
///
/// `\n`, `\r\n` and `\r` end a line (the MK3S mixes them); empty lines are left out. A line over the buffer's size
/// keeps its beginning: the rest is dropped up to its end, and nothing behind it is touched.
public struct ReplyAssembler: Sendable {
    private var bytes = InlineArray<384, UInt8>(repeating: 0)
    private var count = 0

    /// An assembler without a begun line.
    public init() {}

    /// Feeds a byte; true when it ended a line that `withLine` lends now. Feeding on begins a new line.
    @inline(__always)
    public mutating func feed(_ byte: UInt8) -> Bool {
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { return count > 0 }
        if count < Limits.reply {
            bytes[count] = byte
            count += 1
        }
        return false
    }

    /// Lends the line that ended, then forgets it.
    public mutating func takeLine<R>(_ body: (Span<UInt8>) -> R) -> R {
        let result = body(bytes.span.extracting(0..<count))
        count = 0
        return result
    }

    /// Forgets a begun line, when the port was reopened for example.
    public mutating func reset() { count = 0 }
}
