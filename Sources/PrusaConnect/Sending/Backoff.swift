/// Waiting times between attempts: 0.1 s doubling to 60 s, the second half of each left to chance so that a fleet of
/// printers does not come back in step after an outage.
struct Backoff: Sendable, Hashable {
    static let shortest: Duration = .milliseconds(100)
    static let longest: Duration = .seconds(60)

    /// Failures in a row.
    private(set) var failures = 0

    /// The time to wait after one more failure; `chance` is in 0..<1.
    mutating func next(chance: Double) -> Duration {
        // 100 ms doubled ten times is beyond the longest.
        let full = min(Self.shortest * (1 << min(failures, 10)), Self.longest)
        failures += 1
        return max(full / 2 + full / 2 * chance, Self.shortest)
    }

    mutating func reset() { failures = 0 }
}

/// When something may be tried again.
struct RetryTimer: Sendable, Hashable {
    private var backoff = Backoff()
    /// Not before this moment of the monotonic clock.
    private(set) var notBefore: Duration = .zero

    var failures: Int { backoff.failures }

    /// Counts a failure. `retryAfter` is what the server asked for; it is believed up to ten minutes.
    mutating func failed(now: Duration, chance: Double, retryAfter: Duration? = nil) {
        let own = backoff.next(chance: chance)
        let asked = min(retryAfter ?? .zero, .seconds(600))
        notBefore = now + max(own, asked)
    }

    mutating func succeeded() { self = RetryTimer() }
}
