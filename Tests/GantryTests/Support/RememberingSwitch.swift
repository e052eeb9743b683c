import BoardIO
import Synchronization

@testable import Gantry

/// An output that only remembers what it was set to.
final class RememberingSwitch: PowerSwitch {
    private let states = Mutex<[Bool]>([])
    private let onSet: @Sendable (Bool) -> Void

    init(onSet: @escaping @Sendable (Bool) -> Void = { _ in }) { self.onSet = onSet }

    var history: [Bool] { states.withLock { $0 } }
    func isOn() throws(GPIOError) -> Bool { states.withLock { $0.last ?? false } }
    func set(_ isOn: Bool) throws(GPIOError) {
        states.withLock { $0.append(isOn) }
        onSet(isOn)
    }
}
