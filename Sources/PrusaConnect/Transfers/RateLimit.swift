/// Spreads bytes over time, so that a download leaves card and processor to a print.
struct RateLimit: Sendable {
    /// When the bytes so far are paid for.
    private var paidUntil: Duration = .zero

    /// How long to wait after `count` bytes before the next are read. Idle time is not saved up for a burst.
    mutating func pause(after count: Int, bytesPerSecond: Int?, now: Duration) -> Duration {
        guard let bytesPerSecond else {
            paidUntil = now
            return .zero
        }
        // Slower than this a connection counts as silent.
        let rate = max(bytesPerSecond, Self.slowest)
        paidUntil = max(paidUntil, now) + .nanoseconds(Int64(count) * 1_000_000_000 / Int64(rate))
        return paidUntil - now
    }

    /// Bytes a second.
    static let slowest = 4096
}
