extension InlineArray where Element == UInt8 {
    /// Puts the first `count` bytes of `source` where `start` is, in one go; both must have room for them.
    @inline(__always)
    mutating func write(_ source: Span<UInt8>, count: Int, at start: Int) {
        precondition(count >= 0 && count <= source.count && start >= 0 && start + count <= self.count)
        guard count > 0 else { return }
        var span = mutableSpan
        unsafe source.withUnsafeBufferPointer { from in
            unsafe span.withUnsafeMutableBufferPointer { to in
                guard let from = from.baseAddress, let to = to.baseAddress else { return }
                unsafe (to + start).update(from: from, count: count)
            }
        }
    }
}

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

    /// Adds as many of `source` as fit.
    public mutating func append(contentsOf source: Span<UInt8>) {
        let taken = Swift.min(source.count, Self.capacity - count)
        bytes.write(source, count: taken, at: count)
        count += taken
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
        bytes.write(source, count: source.count, at: 0)
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
        var digits = InlineArray<10, UInt8>(repeating: 0)
        var length = 0
        var rest = value
        repeat {
            digits[length] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
            rest /= 10
            length += 1
        } while rest > 0
        while length > 0 {
            length -= 1
            append(digits[length])
        }
    }
}
