import BoardIO
import Glibc
import MarlinLink
import Synchronization

/// The board's part of the bridge: what the filament sensor, the door and the button do to a print, when the relay is
/// on, which sticks there are. One thread of its own has all of it; whoever has news posts them and goes on.
final class Board: Sendable {
    /// What the board has to say.
    enum Change: Sendable {
        /// Somebody has to act, for this reason; nil: no longer.
        case attention(String?)
        /// A stick came, went or failed.
        case storage(StickEvent)
        /// For the log: something that somebody should do something about.
        case warning(String)
        /// For the log.
        case notice(String)
    }

    /// Takes an output line.
    typealias SwitchMaker = @Sendable (BoardConfiguration.Power) throws(GPIOError) -> any PowerSwitch

    /// What `gantry power` can want.
    enum PowerOrder: Sendable, Equatable {
        case on, status
        case off(force: Bool)
        case cycle(force: Bool)
    }

    enum Message: Sendable {
        case device(BoardDevices.Event)
        case machine(Machine.Change)
        case printWanted(Mailbox<UInt64>)
        /// So many millimetres of filament went through the nozzle for a job.
        case extruded(Double, job: UInt64)
        case power(PowerOrder, Mailbox<String>)
        case stop
    }

    let configuration: BoardConfiguration
    private let machine: Machine
    private let makeSwitch: SwitchMaker
    private let onChange: @Sendable (Change) -> Void
    private let mailbox = Mailbox<Message>()
    private let ended = Mailbox<Bool>()
    let devices = Mutex<BoardDevices?>(nil)
    private let seen = Mutex<Bool?>(nil)

    /// Nothing is taken before `start`. `onChange` is called on the board's thread.
    init(
        _ configuration: BoardConfiguration, machine: Machine,
        makeSwitch: @escaping SwitchMaker = { power throws(GPIOError) in try GPIOSwitch(power) },
        onChange: @escaping @Sendable (Change) -> Void
    ) {
        self.configuration = configuration
        self.machine = machine
        self.makeSwitch = makeSwitch
        self.onChange = onChange
    }

    /// True when there is filament; nil without a sensor or while it cannot be read.
    var hasFilament: Bool? { seen.withLock { $0 } }

    /// The sticks that can be read now.
    var storages: [Stick] { devices.withLock { $0 }?.storages ?? [] }

    /// Begins to watch; a board without anything watches serial ports only.
    func start() throws(BoardDevices.StartError) {
        let watch = try BoardDevices(lines: lines, storage: configuration.storage) { [mailbox] event in
            mailbox.post(.device(event))
        }
        try watch.start()
        devices.withLock { $0 = watch }
        guard startThread({ [self] in run() }) else {
            watch.stop()
            throw .resources
        }
    }

    /// Releases the lines and unmounts the sticks; the relay goes where it shall be. After `start` only.
    func stop() {
        mailbox.post(.stop)
        while ended.take(until: .now + 60).isEmpty {}
        devices.withLock { $0.take() }?.stop()
    }

    /// Takes news of a device. Any thread.
    func take(_ event: BoardDevices.Event) { mailbox.post(.device(event)) }

    /// Takes news of the machine. Any thread; never waits.
    func take(_ change: Machine.Change) { mailbox.post(.machine(change)) }

    /// Switches the printer on where that is the board's job, and waits until it takes commands. Not for threads that
    /// others wait for.
    func prepareForPrint() throws(MachineError) {
        guard configuration.power != nil else { return }
        let answer = Mailbox<UInt64>()
        mailbox.post(.printWanted(answer))
        guard let booted = answer.take(until: .now + 10).first else { return }
        let deadline = MonotonicTime(nanoseconds: booted) + Self.connectLimit
        while MonotonicTime.now.nanoseconds < booted || machine.state == .busy || machine.state == .error {
            guard MonotonicTime.now < deadline else {
                throw .wrongState(
                    "The printer was switched on but does not answer: \(machine.reason ?? "no reason known")")
            }
            // Nothing wakes this: a boot takes seconds.
            _ = answer.take(until: .now + 0.1)
        }
    }

    /// Does what `gantry power` wants; what to tell its user, behind `refused: ` when it was not done.
    func power(_ order: PowerOrder) -> String {
        let answer = Mailbox<String>()
        mailbox.post(.power(order, answer))
        return answer.take(until: .now + 10).first ?? "refused: the board does not answer"
    }

    /// Unmounts a stick; the error when it may not be pulled.
    func eject(_ name: String) -> StickError? {
        guard let watch = devices.withLock({ $0 }) else { return StickError(.eject, name, code: ENOENT) }
        let answer = Mailbox<StickError?>()
        watch.eject(name) { answer.post($0) }
        // What waits for a slow stick may take long to be written out.
        while true {
            if let result = answer.take(until: .now + 60).first { return result }
        }
    }

    /// Seconds that the printer has after its boot time until it takes commands.
    private static let connectLimit = 45.0

    private var lines: [BoardDevices.Line] {
        var lines: [BoardDevices.Line] = []
        if let sensor = configuration.filamentSensor {
            let kind = sensor.detectionLength == nil ? BoardDevices.Line.Kind.level : .pulses
            lines.append(sensor.input.line(role: BoardDuties.filament, kind: kind))
        }
        if let input = configuration.emergencyStop { lines.append(input.line(role: BoardDuties.emergencyStop)) }
        if let input = configuration.door { lines.append(input.line(role: BoardDuties.door)) }
        return lines
    }

    private func run() {
        var duties = BoardDuties(
            configuration, machine: machine, makeSwitch: makeSwitch, onChange: onChange,
            onFilament: { [self] value in seen.withLock { $0 = value } },
            onLength: { [mailbox] length, job in mailbox.post(.extruded(length, job: job)) })
        while true {
            for message in mailbox.take(until: .now + 0.5) {
                if case .stop = message {
                    duties.close()
                    ended.post(true)
                    return
                }
                duties.take(message)
            }
            duties.tick()
        }
    }
}
