/// Decides when a printer's power relay is on. Pure: the caller switches the line, tells what happened and when.
///
/// | what happens | relay |
/// | --- | --- |
/// | start of Gantry | `atStart` |
/// | a print is wanted | on; the print waits for the printer to boot |
/// | nothing happens for `idleOff`, hotend known and under `hotendLimit` | off |
/// | the firmware was killed or found a thermal error | off at once when `offWhenHalted` |
/// | somebody demands off | off; in a print only when forced |
/// | a power cycle | off, on again after `cyclePause`; in a print only when forced |
/// | end of Gantry | `atExit`; in a print it stays on |
///
/// Times are nanoseconds of one monotonic clock.
public struct PowerPolicy: Equatable, Sendable {
    /// What becomes of the relay when Gantry starts or ends.
    public enum Level: String, Equatable, Sendable, CaseIterable {
        /// It stays as it is.
        case keep
        /// On.
        case on
        /// Off.
        case off
    }

    /// How the owner wants it.
    public struct Settings: Equatable, Sendable {
        /// At the start of Gantry.
        public var atStart = Level.keep
        /// At the end of Gantry.
        public var atExit = Level.keep
        /// Nanoseconds that the printer needs after power on before it takes commands.
        public var bootTime: UInt64 = 5_000_000_000
        /// Nanoseconds without a print or demand after which it goes off; nil: never.
        public var idleOff: UInt64?
        /// Degrees Celsius: hotter, it stays on for its fan.
        public var hotendLimit: Float = 50
        /// Off at once when the firmware halts.
        public var offWhenHalted = true
        /// Nanoseconds without power in a power cycle.
        public var cyclePause: UInt64 = 5_000_000_000

        /// The defaults.
        public init() {}
    }

    /// Why an order is refused.
    public enum Refusal: Error, Equatable, Sendable, CustomStringConvertible {
        /// The power would go in the middle of a print.
        case printing

        /// What to do.
        public var description: String { "A print is under way: cancel it first, or force it." }
    }

    /// The settings.
    public let settings: Settings
    /// What the relay should be.
    public private(set) var isOn: Bool
    /// A print is under way, paused ones included.
    public private(set) var isPrinting = false

    private var onSince: UInt64?
    private var activeAt: UInt64
    private var onAgainAt: UInt64?

    /// The relay at the start of Gantry.
    ///
    /// - Parameters:
    ///   - settings: how the owner wants it.
    ///   - isOn: what the relay is; when it was switched on is not known, so the printer counts as booted.
    ///   - now: the time.
    public init(settings: Settings, isOn: Bool, now: UInt64) {
        self.settings = settings
        activeAt = now
        self.isOn = isOn
        switch settings.atStart {
        case .keep: break
        case .on: if !isOn { switchOn(now) }
        case .off: self.isOn = false
        }
    }

    /// When `advance` has something to do without news, nil when never.
    public var deadline: UInt64? {
        if let onAgainAt { return onAgainAt }
        guard isOn, !isPrinting, let idleOff = settings.idleOff else { return nil }
        return activeAt &+ idleOff
    }

    /// A print is wanted: switches on. The time from which on it may begin.
    public mutating func printWanted(now: UInt64) -> UInt64 {
        activeAt = now
        onAgainAt = nil
        if !isOn { switchOn(now) }
        return max(now, (onSince ?? 0) &+ (onSince == nil ? 0 : settings.bootTime))
    }

    /// A print began or ended.
    public mutating func noteJob(isUnderWay: Bool, now: UInt64) {
        if isPrinting != isUnderWay { activeAt = now }
        isPrinting = isUnderWay
    }

    /// Something else happened that says the printer is in use: a command of the user.
    public mutating func noteUse(now: UInt64) { activeAt = now }

    /// Somebody demands on or off.
    ///
    /// - Throws: `Refusal.printing` for off in a print that is not forced.
    public mutating func demand(on: Bool, force: Bool = false, now: UInt64) throws(Refusal) {
        if !on, isPrinting, !force { throw .printing }
        activeAt = now
        onAgainAt = nil
        if on { switchOn(now) } else { switchOff() }
    }

    /// Off, and on again after a pause: the reset of printers without a reset line.
    ///
    /// - Throws: `Refusal.printing` in a print that is not forced.
    public mutating func cycle(force: Bool = false, now: UInt64) throws(Refusal) {
        if isPrinting, !force { throw .printing }
        activeAt = now
        switchOff()
        onAgainAt = now &+ settings.cyclePause
    }

    /// The firmware was killed or found a thermal error.
    public mutating func halted(now: UInt64) {
        activeAt = now
        guard settings.offWhenHalted else { return }
        onAgainAt = nil
        switchOff()
    }

    /// Lets time pass.
    ///
    /// - Parameters:
    ///   - hotend: degrees Celsius as measured, nil or not a number when not known.
    ///   - now: the time.
    public mutating func advance(hotend: Float?, now: UInt64) {
        if let again = onAgainAt, now >= again {
            onAgainAt = nil
            switchOn(now)
            activeAt = now
        }
        guard isOn, !isPrinting, let idleOff = settings.idleOff, now >= activeAt, now - activeAt >= idleOff else {
            return
        }
        // A hotend that nobody measures may be hot.
        if let hotend, hotend < settings.hotendLimit { switchOff() }
    }

    /// What the relay should be when Gantry ends; nil: as it is.
    public var levelAtExit: Bool? {
        switch settings.atExit {
        case .keep: nil
        case .on: true
        case .off: isPrinting ? nil : false
        }
    }

    private mutating func switchOn(_ now: UInt64) {
        if !isOn { onSince = now }
        isOn = true
    }

    private mutating func switchOff() {
        isOn = false
        onSince = nil
    }
}
