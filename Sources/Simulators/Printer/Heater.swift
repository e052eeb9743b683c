import Glibc

/// How fast one heater of the simulated printer is.
public struct HeaterModel: Sendable, Equatable {
    /// °C/s at full power.
    public var rate: Double
    /// Seconds; near its target the heater closes in exponentially.
    public var settling: Double
    /// Seconds; cooling towards the room.
    public var cooling: Double

    /// A hotend: 2.5 °C/s.
    public static let hotend = HeaterModel(rate: 2.5, settling: 3, cooling: 60)
    /// A bed: 0.6 °C/s.
    public static let bed = HeaterModel(rate: 0.6, settling: 5, cooling: 300)

    /// A heater of the given speed.
    public init(rate: Double, settling: Double, cooling: Double) {
        self.rate = rate
        self.settling = settling
        self.cooling = cooling
    }
}

/// A first-order heater whose temperature follows from the time alone.
struct Heater: Sendable {
    private let model: HeaterModel
    private let ambient: Double
    private let scale: Double
    private var start: Double
    private var since: UInt64 = 0

    private(set) var target = 0.0

    init(_ model: HeaterModel, ambient: Double, scale: Double) {
        self.model = model
        self.ambient = ambient
        self.scale = scale
        start = ambient
    }

    mutating func set(_ newTarget: Double, at now: UInt64) {
        start = temperature(at: now)
        since = now
        target = newTarget
    }

    /// Where the temperature goes, °C.
    var goal: Double { max(target, ambient) }

    func temperature(at now: UInt64) -> Double {
        guard scale.isFinite else { return goal }
        let seconds = Double(now - min(since, now)) * 1e-9 * scale
        let gap = goal - start
        guard gap > 0 else { return max(goal, ambient + (start - ambient) * exp(-seconds / model.cooling)) }
        let knee = model.rate * model.settling
        let linear = max(0, (gap - knee) / model.rate)
        if seconds < linear { return start + model.rate * seconds }
        return goal - min(gap, knee) * exp(-(seconds - linear) / model.settling)
    }

    /// Heater power as the firmware prints it, 0...127.
    func power(at now: UInt64) -> Int {
        guard target > 0 else { return 0 }
        return Int(max(0, min(127, (goal - temperature(at: now)) * 20 + (goal - ambient) * 0.25)))
    }

    /// When the temperature will be within `window` °C of the target.
    func reaches(within window: Double, from now: UInt64) -> UInt64 {
        guard scale.isFinite else { return now }
        let current = temperature(at: now)
        let gap = goal - current
        let seconds: Double
        if gap > window {
            let knee = model.rate * model.settling
            if gap <= knee {
                seconds = model.settling * log(gap / window)
            } else if window >= knee {
                seconds = (gap - window) / model.rate
            } else {
                seconds = (gap - knee) / model.rate + model.settling * log(knee / window)
            }
        } else if gap < -window {
            seconds = model.cooling * log((current - ambient) / (goal + window - ambient))
        } else {
            seconds = 0
        }
        return now + UInt64(min(seconds / scale, 1e7) * 1e9)
    }
}
