/// One command or line of at most 96 bytes in place: no heap, a value like an integer.
public struct CommandBuffer: Sendable, BitwiseCopyable {
    /// Bytes that fit: the firmware's limit and a line break.
    public static let capacity = Limits.lineLength + 1

    private var bytes = InlineArray<96, UInt8>(repeating: 0)

    /// How many bytes are in use.
    public private(set) var count = 0

    /// An empty buffer.
    public init() {}

    /// Reads byte `index`, which must be below `count`.
    public subscript(index: Int) -> UInt8 { bytes[index] }

    /// Lends the bytes in use.
    public func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
        body(bytes.span.extracting(0..<count))
    }

    /// Empties the buffer.
    public mutating func removeAll() { count = 0 }

    /// Adds a byte; false, and nothing added, when the buffer is full.
    @discardableResult
    public mutating func append(_ byte: UInt8) -> Bool {
        guard count < Self.capacity else { return false }
        bytes[count] = byte
        count += 1
        return true
    }

    /// Takes the last byte away, if there is one.
    mutating func removeLast() {
        if count > 0 { count -= 1 }
    }

    /// Replaces the content. False, and the buffer empty, when `source` does not fit.
    @discardableResult
    public mutating func set(_ source: Span<UInt8>) -> Bool {
        count = 0
        guard source.count <= Self.capacity else { return false }
        for index in source.indices { bytes[index] = source[index] }
        count = source.count
        return true
    }

    /// Replaces the content by a constant that is known to fit.
    mutating func set(_ text: StaticString) {
        count = 0
        for index in 0..<text.utf8CodeUnitCount {
            append(unsafe text.utf8Start[index])
        }
    }

    /// Adds a number in decimal digits.
    mutating func append(decimal value: UInt32) {
        var divisor: UInt32 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(truncatingIfNeeded: value / divisor % 10) + UInt8(ascii: "0"))
            divisor /= 10
        }
    }
}
