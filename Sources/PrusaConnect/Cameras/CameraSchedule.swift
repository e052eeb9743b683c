/// When a camera takes its next picture, by the monotonic clock.
struct CameraSchedule: Sendable {
    /// The server wants no more pictures than one in this time (its camera API).
    static let shortestInterval: Duration = .seconds(10)

    let trigger: CameraTrigger
    /// When the next picture is due; `nil` while only a layer or a person can trigger one.
    private(set) var nextAt: Duration?
    private var lastAt: Duration?
    private var layers = 0

    /// Timed cameras take their first picture at once.
    init(_ trigger: CameraTrigger, now: Duration) {
        self.trigger = trigger
        if trigger.interval != nil { nextAt = now }
    }

    /// The print has begun a new layer.
    mutating func layerChanged(now: Duration) {
        guard let count = trigger.layers else { return }
        layers += 1
        guard layers >= count else { return }
        layers = 0
        ask(now: now)
    }

    /// Somebody wants a picture: now, or as soon as the server may want one again.
    mutating func ask(now: Duration) {
        let allowed = max(now, lastAt.map { $0 + Self.shortestInterval } ?? now)
        nextAt = min(nextAt ?? allowed, allowed)
    }

    /// True once when a picture is due.
    mutating func fire(now: Duration) -> Bool {
        guard let due = nextAt, due <= now else { return false }
        lastAt = now
        nextAt = trigger.interval.map { now + $0 }
        return true
    }
}
