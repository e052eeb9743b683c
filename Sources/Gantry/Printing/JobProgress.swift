import MarlinLink

/// How far a job is, and how long it will take.
public struct JobProgress: Sendable, Equatable {
    /// 0 to 100: what the job's M73 said last, else the part of its bytes that was executed.
    public var percent: Int
    /// Seconds that are left: the minutes of the job's last M73, else estimated from time and bytes; nil when nothing
    /// can be said yet.
    public var secondsLeft: Int?
    /// True when `secondsLeft` is an estimate from bytes.
    public var isEstimate: Bool

    /// - Parameters:
    ///   - snapshot: the link's state.
    ///   - size: the job's size in bytes.
    ///   - elapsed: seconds of printing, pauses not counted.
    public init(snapshot: LinkSnapshot, size: UInt64, elapsed: Double) {
        let fraction = size > 0 ? min(Double(snapshot.jobOffset) / Double(size), 1) : 0
        percent = snapshot.readings.progress >= 0 ? Int(snapshot.readings.progress) : Int(fraction * 100)
        if snapshot.readings.minutesLeft >= 0 {
            secondsLeft = Int(snapshot.readings.minutesLeft) * 60
            isEstimate = false
        } else {
            // The first percent says little: heating and homing are in it.
            secondsLeft = fraction >= 0.01 && elapsed >= 1 ? Int(elapsed / fraction * (1 - fraction)) : nil
            isEstimate = true
        }
    }
}
