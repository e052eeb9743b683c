/// Turns the edges of a contact into single changes. Pure: time comes with the calls.
///
/// A contact that closes bounces: many edges within some milliseconds, then quiet. A line whose wire is broken floats:
/// edges for ever, with gaps of any length. So the first change counts once the line was quiet for the short time
/// `settle`; after it the line has to be quiet for the long time `calm` before another change counts. A bounce train
/// of any length makes one change and a floating line one at most.
///
/// Times are nanoseconds of one monotonic clock, such as those of `GPIOEdge`. One that is earlier than what was heard
/// before counts as the latest heard.
public struct Debouncer: Equatable, Sendable {
    /// Quiet time after which the first change counts, in nanoseconds. 0 where the kernel debounces.
    public let settle: UInt64
    /// Quiet time that ends the unrest after a change, in nanoseconds; at least `settle`.
    public let calm: UInt64
    /// Unrest of this many nanoseconds means that the line floats.
    public let floatingAfter: UInt64

    /// The level that counts.
    public private(set) var level: Bool
    /// True while the line has not been calm for a long time: a broken wire or a missing pull resistor.
    public private(set) var isFloating = false

    private var raw: Bool
    /// The last edge; nil once the line was calm after it.
    private var lastEdge: UInt64?
    private var firstEdge: UInt64 = 0
    /// A change was told since the line was last calm.
    private var hasTold = false

    /// A line that is calm at `level`.
    ///
    /// - Parameters:
    ///   - level: what the line is now.
    ///   - settle: nanoseconds, see the property.
    ///   - calm: nanoseconds, see the property.
    ///   - floatingAfter: nanoseconds, see the property.
    public init(
        level: Bool, settle: UInt64 = 20_000_000, calm: UInt64 = 500_000_000, floatingAfter: UInt64 = 5_000_000_000
    ) {
        self.level = level
        raw = level
        self.settle = settle
        self.calm = max(calm, settle)
        self.floatingAfter = floatingAfter
    }

    /// When `advance` has to be called next, nil when only an edge can bring news.
    public var deadline: UInt64? {
        guard let lastEdge else { return nil }
        let isShort = !hasTold && raw != level
        return lastEdge &+ (isShort ? settle : calm)
    }

    /// Takes an edge. Call `advance` before with the same time: quiet that ended with this edge may count.
    ///
    /// - Parameters:
    ///   - level: the line's level after the edge.
    ///   - time: when it was.
    public mutating func take(_ level: Bool, at time: UInt64) {
        let time = max(time, lastEdge ?? 0)
        if lastEdge == nil { firstEdge = time }
        lastEdge = time
        raw = level
        if time - firstEdge >= floatingAfter { isFloating = true }
    }

    /// Lets time pass. The new level when a change counts now, else nil.
    public mutating func advance(to now: UInt64) -> Bool? {
        guard let lastEdge, now >= lastEdge else { return nil }
        let quiet = now - lastEdge
        let isCalm = quiet >= calm
        let counts = raw != level && (isCalm || (quiet >= settle && !hasTold))
        if counts {
            level = raw
            hasTold = true
        }
        if isCalm {
            self.lastEdge = nil
            hasTold = false
            isFloating = false
        }
        return counts ? level : nil
    }
}
