import BoardIO
import MarlinLink

/// What the board's thread does with its news. For that thread only.
struct BoardDuties {
    static let filament = "filament"
    static let emergencyStop = "emergency stop"
    static let door = "door"

    private let configuration: BoardConfiguration
    private let machine: Machine
    private let onChange: @Sendable (Board.Change) -> Void
    private let onFilament: (Bool?) -> Void
    private let onLength: @Sendable (Double, UInt64) -> Void
    private var power: PowerDuty?
    private var led: PowerDuty?
    private var watch: FilamentWatch?
    private var motion: FilamentMotion?
    private var state = MachineState.busy
    private var job: UInt64?
    /// Why somebody has to act, by the line's role; the first is told.
    private var reasons: [(role: String, text: String)] = []
    /// Lines whose pause was refused: tried again while the reason stands.
    private var owedPauses: Set<String> = []
    private var isDoorOpen = false
    /// The machine says that somebody has to act.
    private var machineWaits = false
    private var ticks: UInt = 0

    init(
        _ configuration: BoardConfiguration, machine: Machine, makeSwitch: @escaping Board.SwitchMaker,
        onChange: @escaping @Sendable (Board.Change) -> Void, onFilament: @escaping (Bool?) -> Void,
        onLength: @escaping @Sendable (Double, UInt64) -> Void
    ) {
        self.configuration = configuration
        self.machine = machine
        self.onChange = onChange
        self.onFilament = onFilament
        self.onLength = onLength
        let now = MonotonicTime.now.nanoseconds
        power = configuration.power.map { PowerDuty($0, now: now, makeSwitch: makeSwitch) }
        led = configuration.led.map { PowerDuty($0, now: now, makeSwitch: makeSwitch) }
        if let length = configuration.filamentSensor?.detectionLength {
            motion = FilamentMotion(detectionLength: length)
            watch = FilamentWatch(isPresent: true)
        }
        changePower { _ in }
    }

    mutating func take(_ message: Board.Message) {
        switch message {
        case .device(let event): take(event)
        case .machine(let change): take(change)
        case .printWanted(let answer):
            var booted: UInt64 = 0
            changePower { policy in booted = policy.printWanted(now: MonotonicTime.now.nanoseconds) }
            answer.post(booted)
        case .extruded(let length, let job): extruded(length, of: job)
        case .power(let order, let answer): answer.post(obey(order))
        case .stop: break
        }
    }

    /// Called about twice a second.
    mutating func tick() {
        ticks &+= 1
        let snapshot = machine.snapshot
        changePower { $0.advance(hotend: snapshot.readings.hotend.current, now: MonotonicTime.now.nanoseconds) }
        if state == .printing, motion != nil { measure() }
        payOwedPauses()
        showState()
    }

    mutating func close() {
        power?.close()
        if led != nil { set(&led, to: false) }
    }

    // MARK: Devices

    private mutating func take(_ event: BoardDevices.Event) {
        switch event {
        case .level(Self.filament, let isActive, let isFirst, _): filamentIs(isActive, isFirst: isFirst)
        case .pulses(Self.filament, _): filamentMoved()
        case .level(Self.emergencyStop, true, isFirst: false, _): pressEmergencyStop()
        case .level(Self.door, let isOpen, let isFirst, _): doorIs(isOpen, isFirst: isFirst)
        case .level, .pulses: break
        case .floating(let role):
            onChange(.warning("The \(role) line does not come to rest: is its wire or pull resistor missing?"))
        case .lineFailed(let role, let error):
            if role == Self.filament { onFilament(nil) }
            onChange(.warning("\(role): \(error)"))
        case .storage(let event): onChange(.storage(event))
        case .serialPort(let port, let isAttached):
            if isAttached { machine.portAppeared() }
            onChange(.notice("serial port \(port.node) \(isAttached ? "was plugged in" : "is gone")"))
        }
    }

    private mutating func filamentIs(_ isPresent: Bool, isFirst: Bool) {
        onFilament(isPresent)
        guard watch != nil else {
            watch = FilamentWatch(isPresent: isPresent)
            onChange(.notice(isPresent ? "filament is there" : "there is no filament"))
            if state == .printing { act(on: watch?.printRuns(isResumed: false)) }
            return
        }
        act(on: watch?.take(isPresent: isPresent))
    }

    private mutating func filamentMoved() {
        motion?.pulse()
        // Where a run-out pauses, somebody has to resume: till then a pulse may come from whoever pulls the filament out.
        if configuration.filamentSensor?.action != .pause { act(on: watch?.moved()) }
    }

    private mutating func act(on news: FilamentWatch.News?) {
        switch news {
        case .inserted:
            onChange(.notice("filament was inserted"))
            setReason(nil, for: Self.filament)
        case .removed: onChange(.notice("filament was removed"))
        case .ranOut: ranOut()
        case nil: break
        }
    }

    private mutating func ranOut() {
        let what = motion == nil ? "Filament ran out" : "The filament does not move: it ran out, tangled or clogged"
        onChange(.warning(what))
        let action = configuration.filamentSensor?.action ?? .report
        do throws(MachineError) {
            switch action {
            case .report: return
            case .pause: pause("\(what). Insert filament, then resume.", for: Self.filament)
            case .m600:
                setReason("\(what). The printer changes it.", for: Self.filament)
                try machine.insert(["M600"])
            }
        } catch {
            onChange(.warning("The print goes on: \(error)"))
        }
    }

    private mutating func doorIs(_ isOpen: Bool, isFirst: Bool) {
        isDoorOpen = isOpen
        if !isFirst || isOpen { onChange(.notice("the door is \(isOpen ? "open" : "closed")")) }
        if !isOpen { setReason(nil, for: Self.door) }
        if state == .printing { pauseForDoor() }
    }

    private mutating func pauseForDoor() {
        guard isDoorOpen, configuration.doorPauses else { return }
        pause("The door is open. Close it, then resume.", for: Self.door)
    }

    private mutating func pause(_ reason: String, for role: String) {
        setReason(reason, for: role)
        do { try machine.pause() } catch {
            onChange(.warning("The print goes on: \(error)"))
            owedPauses.insert(role)
        }
    }

    /// A print that is being prepared cannot be paused, and must not begin as if nothing had been.
    private mutating func payOwedPauses() {
        guard !owedPauses.isEmpty, state == .printing else { return }
        do {
            try machine.pause()
            owedPauses = []
        } catch {
            // Told when it was refused first.
        }
    }

    private func pressEmergencyStop() {
        onChange(.warning("The emergency stop was pressed"))
        do { try machine.emergencyStop() } catch {
            onChange(.warning("The emergency stop did not get through: \(error)"))
        }
    }

    /// A motion sensor's patience is measured by what was extruded, as far as the printer acknowledged it.
    private func measure() {
        if let commands = machine.jobCommands { meter?.ask(after: commands) }
    }

    /// `job` is the one that the length is of.
    private mutating func extruded(_ length: Double, of job: UInt64) {
        guard job == machine.job?.id, state == .printing else { return }
        if isRestarting {
            motion?.restart(at: length)
            isRestarting = false
        } else if motion?.extruded(to: length) == true {
            act(on: watch?.stoodStill())
        }
    }

    private var meter: ExtrusionMeter?
    /// The next length is where the sensor's patience begins anew.
    private var isRestarting = false

    // MARK: The machine

    private mutating func take(_ change: Machine.Change) {
        let now = MonotonicTime.now.nanoseconds
        switch change {
        case .state(let next, _, _):
            let previous = state
            state = next
            changePower { $0.noteJob(isUnderWay: next.hasJob, now: now) }
            if next == .printing { printRuns(isResumed: previous == .paused) }
            if next != .printing { owedPauses = [] }
            if previous == .printing, next != .printing { watch?.printStops(isPaused: next == .paused) }
            if !next.hasJob, previous.hasJob {
                watch?.printStops(isPaused: false)
                meter = nil
                setReason(nil, for: Self.filament)
                setReason(nil, for: Self.door)
            }
            showState()
        case .halted:
            changePower { $0.halted(now: now) }
        case .used:
            changePower { $0.noteUse(now: now) }
        case .attention(let reason):
            machineWaits = reason != nil
            showState()
        case .identified, .warning, .message: break
        }
    }

    private func makeMeter(_ job: Job) -> ExtrusionMeter? {
        ExtrusionMeter(file: job.file) { [onLength] length in onLength(length, job.id) }
    }

    private mutating func printRuns(isResumed: Bool) {
        setReason(nil, for: Self.filament)
        setReason(nil, for: Self.door)
        if motion != nil {
            if meter == nil || !isResumed { meter = machine.job.flatMap(makeMeter) }
            isRestarting = true
        }
        act(on: watch?.printRuns(isResumed: isResumed))
        // Who resumes with an open door has seen why the print stood.
        if !isResumed { pauseForDoor() }
    }

    private mutating func setReason(_ text: String?, for role: String) {
        let before = reasons.first?.text
        reasons.removeAll { $0.role == role }
        if let text { reasons.append((role, text)) } else { owedPauses.remove(role) }
        if reasons.first?.text != before { onChange(.attention(reasons.first?.text)) }
    }

    // MARK: Outputs

    private mutating func obey(_ order: Board.PowerOrder) -> String {
        guard power != nil else { return "refused: there is no [power] in gantry.ini" }
        let now = MonotonicTime.now.nanoseconds
        let refusal = changePower { policy throws(PowerPolicy.Refusal) in
            switch order {
            case .on: try policy.demand(on: true, now: now)
            case .off(let force): try policy.demand(on: false, force: force, now: now)
            case .cycle(let force): try policy.cycle(force: force, now: now)
            case .status: break
            }
        }
        if let refusal { return "refused: \(refusal)" }
        // Whoever asks for the state gets it, known or not; an order that reached no relay was not carried out.
        if order != .status, let problem = power?.problem { return "refused: \(problem)" }
        return power?.status ?? ""
    }

    @discardableResult
    private mutating func changePower(
        _ change: (inout PowerPolicy) throws(PowerPolicy.Refusal) -> Void
    ) -> PowerPolicy.Refusal? {
        guard power != nil else { return nil }
        let before = power?.status
        do throws(PowerPolicy.Refusal) {
            if let error = try power?.apply(now: MonotonicTime.now.nanoseconds, change) {
                onChange(.warning("power: \(error)"))
            }
        } catch {
            return error
        }
        if let status = power?.status, status != before { onChange(.notice("power: \(status)")) }
        return nil
    }

    /// The LED: on in a print, blinking while somebody has to act, else off.
    private mutating func showState() {
        guard led != nil else { return }
        let blinks = !reasons.isEmpty || machineWaits || state == .error
        set(&led, to: blinks ? ticks % 2 == 0 : state.hasJob)
    }

    private func set(_ output: inout PowerDuty?, to isOn: Bool) {
        let now = MonotonicTime.now.nanoseconds
        // Never refused: an LED knows no print.
        let error = try? output?.apply(now: now) { policy throws(PowerPolicy.Refusal) in
            try policy.demand(on: isOn, now: now)
        }
        if let error = error ?? nil { onChange(.warning("led: \(error)")) }
    }
}
