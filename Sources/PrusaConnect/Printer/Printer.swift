import Glibc
import Synchronization

/// Why a printer cannot be made or started.
public enum PrinterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The serial number is empty.
    case emptySerialNumber
    /// libcurl is missing or a thread could not be started.
    case notStarted(String)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .emptySerialNumber: "the printer has no serial number: Connect needs one to tell printers apart"
        case .notStarted(let problem): "the connection to Connect cannot start: \(problem)"
        }
    }
}

/// A printer that is connected to Prusa Connect.
///
/// The printer keeps what the application says about it, sends it, and calls the application for commands. Any thread
/// may call any method; none waits for the network except ``stop(deadline:)``. Threads of its own, each started when it is needed:
/// "connect" speaks to the server, "commands" runs handlers one at a time, "connect-calls" makes all other calls to
/// the application, "connect-files" watches the directories of storages, "connect-disk" waits for the disk.
///
/// A started printer lives until ``stop(deadline:)``. Handlers are kept by the printer: one that needs the printer
/// should capture it weakly where the printer shall go away some time.
public final class Printer: Sendable {
    typealias MakeTransport = @Sendable () throws(TransportError) -> any Transport

    let clock: ConnectClock
    private let core: Mutex<PrinterCore>
    private let commands = Mutex(SerialWorker(name: "commands"))
    private let calls = SerialWorker(name: "connect-calls")
    private let disk = SerialWorker(name: "connect-disk")
    /// The chain to Connect with the application's own conditions around it. It follows ``conditions`` on
    /// "connect-calls", before the handlers of ``onConditions(_:)``.
    public let conditionTree: ConditionTree
    let storages: Storages
    let watcher: FileWatcher
    /// What was found in print files; nil without a state directory.
    let fileContents: FileContentCache?
    private let makeTransport: MakeTransport
    private let logSink: PrinterLog?

    /// A printer. Nothing is sent before ``start()``.
    ///
    /// - Parameters:
    ///   - type: the model.
    ///   - serialNumber: the printer's serial number, not empty.
    ///   - fingerprint: the lasting identity; made from the serial number when `nil`, as PrusaLink does.
    ///   - connection: server and token; can be set later by ``connection``.
    ///   - info: facts about the printer; can be changed later by ``updateInfo(_:)``.
    ///   - options: times and limits.
    ///   - log: takes log lines.
    public convenience init(
        type: PrinterType, serialNumber: String, fingerprint: Fingerprint? = nil, connection: ConnectSettings? = nil,
        info: PrinterInfo = PrinterInfo(), options: ConnectOptions = ConnectOptions(), log: PrinterLog? = nil
    ) throws(PrinterError) {
        try self.init(
            type: type, serialNumber: serialNumber, fingerprint: fingerprint, connection: connection, info: info,
            options: options, log: log, clock: .system,
            makeTransport: { () throws(TransportError) -> any Transport in try CurlTransport() })
    }

    /// With another clock and another network, for tests.
    init(
        type: PrinterType, serialNumber: String, fingerprint: Fingerprint?, connection: ConnectSettings?,
        info: PrinterInfo, options: ConnectOptions, log: PrinterLog?, clock: ConnectClock,
        storages: Storages = Storages(), watching: WatchOptions = WatchOptions(),
        makeTransport: @escaping MakeTransport
    ) throws(PrinterError) {
        guard !serialNumber.isEmpty else { throw .emptySerialNumber }
        let identity = PrinterIdentity(
            type: type, serialNumber: serialNumber, fingerprint: fingerprint ?? Fingerprint(serialNumber: serialNumber))
        self.clock = clock
        self.makeTransport = makeTransport
        logSink = log
        let tree = ConditionTree(calls: calls)
        conditionTree = tree
        self.storages = storages
        watcher = FileWatcher(storages: storages, options: watching, log: log)
        fileContents = options.stateDirectory.map { FileContentCache(stateDirectory: $0) }
        let state = options.stateDirectory.map { StateDirectory(path: $0, fingerprint: identity.fingerprint) }
        core = Mutex(
            PrinterCore(
                identity: identity, info: info, settings: connection, options: options, state: state,
                now: clock.monotonic(), wall: clock.wall(), chance: { Double.random(in: 0..<1) }))
        tree.take(conditions)
        onConditions { tree.take($0) }
    }

    deinit {
        commands.withLock { $0.finish() }
        calls.finish()
        disk.finish()
        watcher.post(.stop)
    }

    /// The model.
    public var type: PrinterType { read { $0.identity.type } }

    /// The serial number.
    public var serialNumber: String { read { $0.identity.serialNumber } }

    /// The lasting identity on the wire.
    public var fingerprint: Fingerprint { read { $0.identity.fingerprint } }

    /// Server and token. A new token or server is used from the next request on.
    public var connection: ConnectSettings? {
        get { read { $0.settings } }
        set { change { [clock] core in core.setSettings(newValue, now: clock.monotonic()) } }
    }

    /// How the last requests went.
    public var conditions: ConnectionConditions { read { $0.conditions } }

    /// Events that wait to be sent.
    public var waitingEvents: Int { read { $0.outbox.count } }
}

// Starting and stopping.
extension Printer {
    /// Starts to send. Nothing happens when it is started already.
    public func start() throws(PrinterError) {
        change { [clock] core in
            core.isStarted = true
            core.stopDeadline = nil
            core.nextTelemetry = clock.monotonic()
        }
        do {
            try startLoop()
        } catch {
            change { $0.isStarted = false }
            throw error
        }
    }

    /// Sends the events that wait, for at most `deadline`, and ends the connection; telemetry stops at once. Returns
    /// when the connection has ended, two seconds after the deadline at the latest. Handlers that still run are not
    /// waited for, and their answers stay in the outbox. The printer can be started again.
    public func stop(deadline: Duration = .seconds(5)) {
        let end = clock.monotonic() + deadline
        abortTransfer(until: end)
        let run = change { core in
            core.stopDeadline = core.run == nil ? nil : end
            core.endRegistration(.failed(.cancelled))
            return core.run
        }
        // Not for ever: another thread may have started the printer again meanwhile.
        run?.ended.wait(until: end + .seconds(2))
        if let sync = change({ $0.outbox.makeSync() }) { carryOut(sync) }
    }

    /// Makes sure that the connect thread runs.
    func startLoop() throws(PrinterError) {
        guard read({ $0.run == nil }) else { return }
        let transport: any Transport
        do {
            transport = try makeTransport()
        } catch {
            throw .notStarted(error.message)
        }
        let run = LoopRun(waker: transport.waker)
        let isFirst = core.withLock { core in
            guard core.run == nil else { return false }
            core.run = run
            return true
        }
        guard isFirst else { return }
        let loop = ConnectLoop(printer: self, transport: transport, life: run)
        let error = startThread(name: "connect") { loop.run() }
        if error != 0 {
            core.withLock { $0.run = nil }
            run.ended.open()
            throw .notStarted("no thread: \(String(cString: strerror(error)))")
        }
    }
}

// Access to the core.
extension Printer {
    func read<Value: Sendable>(_ body: (PrinterCore) -> Value) -> Value { core.withLock { body($0) } }

    /// Changes the core, carries out what follows from it, and lets the connect thread look at it.
    @discardableResult
    func change<Value: Sendable>(_ body: (inout PrinterCore) -> Value) -> Value {
        let (value, waker) = step { core in (body(&core), core.run?.waker) }
        waker?.wake()
        return value
    }

    /// The same without waking the connect thread: for that thread itself.
    func step<Value: Sendable>(_ body: (inout PrinterCore) -> Value) -> Value {
        let (value, effects) = core.withLock { core in
            let value = body(&core)
            return (value, core.takeEffects())
        }
        for effect in effects { carryOut(effect) }
        return value
    }

    private func carryOut(_ sync: DiskSync) {
        let error = sync()
        step { $0.synced(error) }
    }

    /// A log line about something that runs beside the connection.
    func log(_ level: LogLevel, _ message: String) { step { $0.log(level, message) } }

    private func carryOut(_ effect: CoreEffect) {
        switch effect {
        case .log(let level, let message): logSink?(level, message)
        case .notify(let call): calls.run(call)
        case .sync(let sync): disk.run { [self] in carryOut(sync) }
        case .sendInfo: calls.run { [self] in send(event: .info, source: .connect, data: infoData()) }
        case .run(let command, let besideAbandoned):
            let worker = commands.withLock { worker in
                if besideAbandoned {
                    worker.finish()
                    worker = SerialWorker(name: "commands")
                }
                return worker
            }
            if !worker.run({ [self] in execute(command) }) {
                finish(command, .failed("no thread for the command"))
            }
        }
    }
}
