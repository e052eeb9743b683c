// What the printer knows, and every decision about what to do next, as one value without threads, sockets or clocks.
// `Printer` keeps it under a lock; tests drive it with times of their own.

/// What has to be done outside the lock.
enum CoreEffect: Sendable {
    /// Run a command's handler on the commands thread, or on a new one when the old may never come back.
    case run(Command, besideAbandoned: Bool)
    /// Call the application.
    case notify(@Sendable () -> Void)
    case log(LogLevel, String)
    /// Make a complete INFO, which can be large, and queue it.
    case sendInfo
    /// Bring the events that wait to the medium, on a thread that may wait for it.
    case sync(DiskSync)
}

/// The printer's side of the conversation. See ``nextAction(now:wall:)`` for what is sent when, and
/// ``completed(_:with:now:wall:)`` for what answers mean.
struct PrinterCore: Sendable {
    let identity: PrinterIdentity
    let options: ConnectOptions
    /// 0..<1 for jitter.
    let chance: @Sendable () -> Double

    // What the application says.
    var info: PrinterInfo
    private(set) var settings: ConnectSettings?
    /// Counts changes of the settings: a request on its way with the old ones is given up.
    private(set) var settingsVersion: UInt64 = 0
    var state = PrinterState.busy
    var jobID: UInt64?
    var handlers: [CommandName: CommandHandler] = [:]
    var printedFile: (@Sendable () -> String?)?
    var onConditions: [@Sendable (ConnectionConditions) -> Void] = []
    var onInterrupt: (@Sendable (Command) -> Void)?
    var onRegistration: (@Sendable (RegistrationProgress) -> Void)?

    // Telemetry: a value of which only the newest matters.
    private(set) var telemetry = Telemetry()
    private(set) var telemetryTimestamp = Timestamp(tenths: 0)
    var telemetryVersion: UInt64 = 0
    var sentTelemetryVersion: UInt64 = 0
    /// When the newest telemetry is sent again although the server has it.
    var repeatTelemetryAt: Duration?

    // What waits and what is known about the other side.
    var outbox: any EventOutbox
    /// The commands as they survive a restart; `nil` without a state directory.
    let commandJournal: CommandJournal?
    var diskTimer: DiskTimer
    /// How the last sync failed, if it did.
    var syncError: FileError?
    var machine = CommandMachine()
    var registration: Registration?
    /// Counts registrations, so that a late answer to a replaced one is not taken for the new one's.
    var registrationNumber: UInt64 = 0
    var registrationPage: (name: String?, location: String?) = (nil, nil)
    var conditions = ConnectionConditions()
    var clockWatch: ClockWatch

    // When what may be sent; times of the monotonic clock.
    var channel = RetryTimer()
    var eventTimer = RetryTimer()
    var telemetryTimer = RetryTimer()
    var nextTelemetry: Duration = .zero
    /// When the first event of the outbox came to its place.
    var firstEventSince: Duration = .zero
    var firstEventTrouble = EventTrouble()
    /// The server has refused the token and not taken it since.
    var isTokenRefused = false
    /// Telemetry requests that the server took: proof that token and server are good.
    var acceptedTelemetry: UInt64 = 0
    /// Events about files were lost: an INFO with the whole tree must follow.
    var owesInfo = false

    // The thread.
    var isStarted = false
    var stopDeadline: Duration?
    /// The connect thread that runs now.
    var run: LoopRun?

    var effects: [CoreEffect] = []

    init(
        identity: PrinterIdentity, info: PrinterInfo, settings: ConnectSettings?, options: ConnectOptions,
        state: StateDirectory? = nil, now: Duration, wall: Duration, chance: @escaping @Sendable () -> Double
    ) {
        self.identity = identity
        self.info = info
        self.settings = settings
        self.options = options
        self.chance = chance
        let memoryLimits = OutboxLimits(events: options.waitingEvents, bytes: options.waitingBytes)
        if let state {
            outbox = JournalOutbox(
                directory: state, limits: OutboxLimits(events: options.storedEvents, bytes: options.storedBytes),
                memoryLimits: memoryLimits)
            commandJournal = CommandJournal(directory: state, registration: settings?.registration ?? 0)
        } else {
            outbox = MemoryOutbox(limits: memoryLimits)
            commandJournal = nil
        }
        diskTimer = DiskTimer(isInUse: state != nil)
        clockWatch = ClockWatch(wall: wall, monotonic: now)
        conditions.tokenChanged(isKnown: settings?.token != nil)
        restoreCommands(now: now, wall: wall)
    }

    /// Takes what has to be done outside the lock.
    mutating func takeEffects() -> [CoreEffect] {
        for note in outbox.takeNotes() + (commandJournal?.takeNotes() ?? []) { log(note.level, note.text) }
        defer { effects = [] }
        return effects
    }

    mutating func log(_ level: LogLevel, _ message: String) { effects.append(.log(level, redacted(message))) }

    /// An answer of the server may repeat the secret that it got.
    private func redacted(_ message: String) -> String {
        guard let secret = settings?.token?.value else { return message }
        return message.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "<token>")
    }
}

// What the application says.
extension PrinterCore {
    mutating func setTelemetry(_ value: Telemetry, timestamp: Timestamp) {
        telemetry = value
        telemetryTimestamp = timestamp
        telemetryVersion += 1
    }

    mutating func setSettings(_ new: ConnectSettings?, now: Duration) {
        let isOtherToken = new?.token != settings?.token
        let isOtherServer = new?.server != settings?.server
        settings = new
        guard isOtherToken || isOtherServer else { return }
        settingsVersion += 1
        forgetCommands()
        isTokenRefused = false
        channel = RetryTimer()
        eventTimer = RetryTimer()
        telemetryTimer = RetryTimer()
        firstEventTrouble = EventTrouble()
        nextTelemetry = now
        changeConditions { conditions in
            if isOtherServer { conditions = ConnectionConditions() }
            conditions.tokenChanged(isKnown: new?.token != nil)
        }
    }

    /// Sets the state and tells the server, as each call of the Python SDK's `set_state` does.
    mutating func setState(_ new: PrinterState, event: Event, now: Duration) {
        state = new
        var event = event
        event.state = new
        post(event, now: now)
    }

    /// Queues an event. Without a token it is dropped: nobody could be told, and the INFO that follows the
    /// registration says everything that is true then.
    mutating func post(_ event: Event, isAnswer: Bool = false, now: Duration) {
        guard isRegistered(for: event.kind) else { return }
        var event = event
        if event.jobID == nil { event.jobID = jobID }
        enqueue(StoredEvent(event, isAnswer: isAnswer), now: now)
    }

    /// Asked before an event is written: some are large.
    private mutating func isRegistered(for kind: EventKind) -> Bool {
        guard settings?.token == nil else { return true }
        log(.debug, "\(kind.rawValue) not kept: the printer is not registered")
        return false
    }

    mutating func enqueue(_ event: StoredEvent, now: Duration) {
        guard isRegistered(for: event.kind) else { return }
        if outbox.first == nil { firstEventSince = now }
        let head = outbox.first?.number
        for lost in outbox.append(event) {
            // An INFO is among them: it may be the one that makes good for the others.
            if [.fileChanged, .mediumInserted, .mediumEjected, .info].contains(lost) { owesInfo = true }
            log(.warning, "\(lost.rawValue) dropped: too many events wait for Connect")
        }
        diskTimer.appended(now: now)
        if outbox.first?.number != head, head != nil {
            firstEventSince = now
            firstEventTrouble = EventTrouble()
            eventTimer = RetryTimer()
        }
    }

    /// Applies a change to the conditions and tells the application when something is different.
    mutating func changeConditions(_ change: (inout ConnectionConditions) -> Void) {
        let old = conditions
        change(&conditions)
        guard conditions != old else { return }
        let now = conditions
        log(now.firstBroken == nil ? .info : .warning, "connection: \(now)")
        for handler in onConditions { effects.append(.notify { handler(now) }) }
    }
}

// Commands.
extension PrinterCore {
    mutating func arrive(_ response: HTTPResponse, now: Duration, wall: Duration) {
        // The server repeats what is not answered: a command without room for its answers comes again.
        guard outbox.hasRoomForAnswer else {
            log(.warning, "command not taken: too many answers wait for Connect")
            return
        }
        switch CommandArrival(response) {
        case .broken(let id, let reason):
            log(.warning, "command \(id.map(String.init) ?? "without id") rejected: \(reason)")
            answer(.rejected, to: id, reason: reason, now: now, wall: wall)
        case .command(let command):
            log(.debug, "command \(command.id) \(command.name)")
            apply(machine.arrive(command, now: now), now: now, wall: wall)
        }
    }

    /// A handler ended with `result`.
    mutating func finish(_ command: Command, _ result: CommandResult, now: Duration, wall: Duration) {
        let event = Event(
            kind: result.event, source: result.source, data: result.data, commandID: command.id,
            jobID: result.jobID ?? jobID, transferID: result.transferID, reason: result.reason,
            dialogID: result.dialogID, state: result.state ?? state, timestamp: Timestamp(sinceEpoch: wall))
        let answer = StoredEvent(event, isAnswer: true)
        // Before the answer can reach the server: should the process end in between, the server asks again.
        commandJournal?.end(command.id, answer: answer)
        enqueue(answer, now: now)
        apply(machine.finish(command.id, answer: answer), now: now, wall: wall)
    }

    mutating func apply(_ commandEffects: [CommandMachine.Effect], now: Duration, wall: Duration) {
        for effect in commandEffects {
            switch effect {
            case .accept(let id): answer(.accepted, to: id, now: now, wall: wall)
            case .rejectBusy(let id, let running):
                answer(
                    .rejected, to: id, reason: "Another command is running",
                    data: ["actual_command_id": JSONValue(running)], now: now, wall: wall)
            case .repeatAnswer(let event): enqueue(event, now: now)
            case .run(let command, let besideAbandoned):
                commandJournal?.begin(command.id)
                effects.append(.run(command, besideAbandoned: besideAbandoned))
            case .interrupt(let command):
                command.interrupt()
                if let onInterrupt { effects.append(.notify { onInterrupt(command) }) }
            }
        }
    }

    private mutating func answer(
        _ kind: EventKind, to id: UInt64?, reason: String? = nil, data: JSONObject = [:], now: Duration, wall: Duration
    ) {
        let event = Event(
            kind: kind, source: .connect, data: data, commandID: id, reason: reason, state: state,
            timestamp: Timestamp(sinceEpoch: wall))
        post(event, isAnswer: true, now: now)
    }
}

// Registration.
extension PrinterCore {
    mutating func startRegistration(
        name: String?, location: String?, now: Duration, report: @escaping @Sendable (RegistrationProgress) -> Void
    ) {
        endRegistration(.failed(.cancelled))
        onRegistration = report
        guard settings != nil else {
            endRegistration(.failed(.noServer))
            return
        }
        registrationPage = (name, location)
        registration = Registration(now: now, interval: options.registrationInterval)
        registrationNumber += 1
    }

    /// Ends the registration, if one is going on, with a last report.
    mutating func endRegistration(_ progress: RegistrationProgress) {
        registration = nil
        reportRegistration(progress)
        onRegistration = nil
    }

    mutating func reportRegistration(_ progress: RegistrationProgress) {
        guard let report = onRegistration else { return }
        effects.append(.notify { report(progress) })
    }
}
