/// When waiting events are brought to the medium: those that wait for longer than a second, every ten seconds at most.
struct DiskTimer: Sendable {
    static let patience: Duration = .seconds(1)
    static let interval: Duration = .seconds(10)

    let isInUse: Bool
    private var lastAt: Duration?
    /// The moment of the next sync; `nil` when nothing is owed.
    private(set) var dueAt: Duration?

    init(isInUse: Bool) { self.isInUse = isInUse }

    mutating func appended(now: Duration) {
        guard isInUse, dueAt == nil else { return }
        dueAt = max(now + Self.patience, lastAt.map { $0 + Self.interval } ?? now)
    }

    /// Everything has been delivered: there is nothing worth the wear.
    mutating func emptied() { dueAt = nil }

    mutating func began(now: Duration) { (lastAt, dueAt) = (now, nil) }
}
