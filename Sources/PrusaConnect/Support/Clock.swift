import Glibc

/// The two clocks of the library. Waiting and ages use the monotonic one, which no adjustment moves.
struct ConnectClock: Sendable {
    /// Time since some fixed moment in the past.
    var monotonic: @Sendable () -> Duration
    /// Time since 1 January 1970 UTC, as the system believes.
    var wall: @Sendable () -> Duration

    static let system = ConnectClock(
        monotonic: { read(CLOCK_MONOTONIC) },
        wall: { read(CLOCK_REALTIME) })

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        clock_gettime(clock, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

extension Duration {
    /// The whole milliseconds, rounded up so that a wait never ends just before its time.
    var millisecondsRoundedUp: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }

    /// As seconds with fraction.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// The moment at which something became true, as it travels in the header `Timestamp`: seconds since 1 January 1970
/// with one decimal, cut off, not rounded (Python SDK 0.8.1, without its binary noise).
public struct Timestamp: Sendable, Hashable, CustomStringConvertible {
    /// Tenths of a second since 1 January 1970 UTC.
    public let tenths: Int64

    /// A moment by tenths of a second since 1 January 1970 UTC.
    public init(tenths: Int64) { self.tenths = tenths }

    /// A moment by the time since 1 January 1970 UTC.
    public init(sinceEpoch time: Duration) {
        let (seconds, attoseconds) = time.components
        tenths = seconds * 10 + attoseconds / 100_000_000_000_000_000
    }

    /// The present moment by the system's clock.
    public static var now: Timestamp { Timestamp(sinceEpoch: ConnectClock.system.wall()) }

    /// For example `1719312345.1`.
    public var description: String { "\(tenths / 10).\(tenths.magnitude % 10)" }
}

/// Notices that the wall clock was adjusted, so that the server can be told that timestamps jumped.
struct ClockWatch: Sendable {
    private var offset: Duration
    /// Whether the next request carries `Clock-Adjusted`: until one that did was successful.
    private(set) var isAdjusted = false

    init(wall: Duration, monotonic: Duration) { offset = wall - monotonic }

    /// Compares the clocks; a second or more apart from last time is an adjustment (Python SDK 0.8.1).
    mutating func check(wall: Duration, monotonic: Duration) {
        let present = wall - monotonic
        let moved = present - offset
        guard moved >= .seconds(1) || moved <= .seconds(-1) else { return }
        offset = present
        isAdjusted = true
    }

    /// A request that carried the header was successful.
    mutating func reported() { isAdjusted = false }
}
