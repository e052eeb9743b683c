/// A sensor whose wheel turns with the filament and gives pulses. It knows more than a switch: a clog or a tangle stops
/// the wheel as well. Its time is the extruded length, so a slow move or a wait is no alarm. Pure.
public struct FilamentMotion: Equatable, Sendable {
    /// Millimetres that may be extruded without a pulse; some times the length of one pulse.
    public let detectionLength: Double

    private var reach = 0.0
    private var reachAtPulse = 0.0
    private var hasAlarmed = false

    /// - Parameter detectionLength: millimetres, more than 0.
    public init(detectionLength: Double) {
        self.detectionLength = detectionLength
    }

    /// The extruder begins anew at `position`: a print began, was resumed, or its E axis was set.
    ///
    /// - Parameter position: net extruded length in millimetres.
    public mutating func restart(at position: Double) {
        reach = position
        reachAtPulse = position
        hasAlarmed = false
    }

    /// The wheel turned.
    public mutating func pulse() {
        reachAtPulse = reach
        hasAlarmed = false
    }

    /// The extruder went to `position`. True when there should have been a pulse long ago; told once.
    ///
    /// - Parameter position: net extruded length in millimetres. What is pulled back and pushed again counts nothing:
    ///   the wheel turns for it, but play in the tube may hide that.
    public mutating func extruded(to position: Double) -> Bool {
        guard position > reach else { return false }
        reach = position
        guard !hasAlarmed, reach - reachAtPulse > detectionLength else { return false }
        hasAlarmed = true
        return true
    }
}
