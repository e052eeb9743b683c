import BoardIO
import Synchronization

/// An output of the board that is on or off.
protocol PowerSwitch: Sendable {
    /// True when it is on.
    func isOn() throws(GPIOError) -> Bool
    /// Switches.
    func set(_ isOn: Bool) throws(GPIOError)
}

/// An output line, held until the last reference to it is gone.
final class GPIOSwitch: PowerSwitch {
    private let line: Mutex<GPIOOutput>

    /// Takes the line; it keeps the level that it has.
    init(_ configuration: BoardConfiguration.Power) throws(GPIOError) {
        let (path, offset) = try configuration.address.resolve()
        let settings = GPIOOutput.Settings(
            isActive: nil, isActiveLow: configuration.isActiveLow, drive: configuration.drive)
        line = Mutex(try GPIOChip(path: path).output(offset, settings))
    }

    func isOn() throws(GPIOError) -> Bool {
        try line.withLock { (line: inout GPIOOutput) throws(GPIOError) in try line.isActive() }
    }

    func set(_ isOn: Bool) throws(GPIOError) {
        try line.withLock { (line: inout GPIOOutput) throws(GPIOError) in try line.set(isOn) }
    }
}
