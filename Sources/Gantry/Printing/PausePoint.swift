import MarlinLink

/// Where a print stands that was paused, and what brings it back there.
struct PausePoint: Sendable {
    /// Commands of the job that the printer has executed.
    var commands: UInt64
    /// What the printer told when it came to rest.
    var readings: PrinterReadings

    /// Millimetres that the nozzle is lifted above both heights before it moves to the side.
    private static let lift = 1.0
    /// Less than what a nozzle can be moved on purpose; firmware rounds to hundredths.
    private static let tolerance: Float = 0.06

    /// Whether the nozzle is elsewhere now. Firmware that does not tell its position has not been moved.
    func isDisplaced(_ now: PrinterReadings) -> Bool {
        [(readings.x, now.x), (readings.y, now.y), (readings.z, now.z)].contains { before, after in
            before.isFinite && after.isFinite && abs(before - after) > Self.tolerance
        }
    }

    /// Whether a target temperature is another one now.
    func isCooler(_ now: PrinterReadings) -> Bool {
        [(readings.hotend.target, now.hotend.target), (readings.bed.target, now.bed.target)].contains { before, after in
            before.isFinite && after.isFinite && after < before - 0.5
        }
    }

    /// The commands that bring everything back: temperatures first and waited for, then the place, from above, then what else
    /// the job had set up, its modes last.
    static func restoring(_ state: JobState, _ now: PrinterReadings) -> [String] {
        heating(state, now) + moving(state, now) + modes(state)
    }

    /// Targets that are lower now.
    static func heating(_ state: JobState, _ now: PrinterReadings) -> [String] {
        func isLow(_ wanted: Double?, _ target: Float) -> Bool {
            guard let wanted, wanted > 0, target.isFinite else { return false }
            return Double(target) < wanted - 0.5
        }
        var list: [String] = []
        if isLow(state.bed, now.bed.target), let bed = state.bed {
            list += ["M140 S\(bed.gcode())", "M190 S\(bed.gcode())"]
        }
        if isLow(state.hotend, now.hotend.target), let hotend = state.hotend { list.append("M109 S\(hotend.gcode())") }
        return list
    }

    private static func moving(_ state: JobState, _ now: PrinterReadings) -> [String] {
        var list = ["G21", "G90"]
        if let z = state.z, state.x != nil || state.y != nil {
            let height = max(z, now.z.isFinite ? Double(now.z) : z) + lift
            list.append("G1 Z\(height.gcode(digits: 3)) F600")
        }
        let side = [state.x.map { "X\($0.gcode())" }, state.y.map { "Y\($0.gcode())" }].compactMap { $0 }
        if !side.isEmpty { list.append("G1 \(side.joined(separator: " ")) F6000") }
        if let z = state.z { list.append("G1 Z\(z.gcode()) F600") }
        return list
    }

    /// Fans, feed rate, units, how axes and E are counted.
    static func modes(_ state: JobState) -> [String] {
        var list: [String] = []
        for (fan, speed) in state.fans.sorted(by: { $0.key < $1.key }) {
            list.append(fan == 0 ? "M106 S\(speed)" : "M106 P\(fan) S\(speed)")
        }
        if let rate = state.feedRate { list.append("G1 F\(rate.gcode())") }
        if state.isInInches { list.append("G20") }
        list.append(state.isRelative ? "G91" : "G90")
        // Behind G90 and G91, which set it too on some firmware.
        list.append(state.isExtruderRelative ? "M83" : "M82")
        list.append("G92 E\((state.e / (state.isInInches ? 25.4 : 1)).gcode())")
        return list
    }
}
