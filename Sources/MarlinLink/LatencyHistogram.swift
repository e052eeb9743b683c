/// How long the next line took behind an ok: counts by duration. Plain bytes; each entry costs a few instructions.
///
/// Four buckets to each doubling, from a microsecond to a second: a percentile is told to within a quarter.
public struct LatencyHistogram: Sendable, BitwiseCopyable {
    private static let octaves = 20
    private static let bucketCount = octaves * 4

    private var buckets = InlineArray<80, UInt32>(repeating: 0)
    /// How many durations were counted.
    public private(set) var count: UInt64 = 0
    /// The longest of them in nanoseconds.
    public private(set) var longest: UInt64 = 0

    /// Empty.
    public init() {}

    /// Counts a duration in nanoseconds.
    public mutating func add(_ nanoseconds: UInt64) {
        buckets[Self.bucket(nanoseconds)] &+= 1
        count += 1
        if nanoseconds > longest { longest = nanoseconds }
    }

    /// A duration in nanoseconds that so many of a thousand do not exceed; 0 when there is none.
    public func permille(_ part: UInt64) -> UInt64 {
        guard count > 0 else { return 0 }
        let wanted = (count * Swift.min(part, 1000) + 999) / 1000
        var seen: UInt64 = 0
        for index in 0..<Self.bucketCount {
            seen += UInt64(buckets[index])
            if seen >= Swift.max(wanted, 1) { return Swift.min(Self.upperBound(index), longest) }
        }
        return longest
    }

    /// Microseconds times four, in octaves: the two bits below the highest choose the bucket.
    private static func bucket(_ nanoseconds: UInt64) -> Int {
        let quarters = Swift.max(nanoseconds / 250, 4)
        let octave = 61 - quarters.leadingZeroBitCount
        guard octave < octaves else { return bucketCount - 1 }
        return octave * 4 + Int(quarters >> UInt64(octave) & 3)
    }

    private static func upperBound(_ index: Int) -> UInt64 {
        (UInt64(5 + index % 4) << UInt64(index / 4)) * 250
    }
}
