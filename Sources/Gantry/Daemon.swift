import BoardIO
import GCodeStream
import Logging
import MarlinLink
import PrusaConnect
import Synchronization

/// `gantry run`: the printer and Connect together, until somebody stops it.
public final class Daemon: Sendable {
    let machine: Machine
    private let journal: PrintJournal
    private let cameras: CameraDuty
    let bridge: ConnectBridge
    let board: Board
    private let control: ControlSocket
    private let notifier: ServiceNotifier
    private let logger: Logger

    /// Puts the parts together; nothing runs yet.
    ///
    /// - Parameters:
    ///   - configuration: what `gantry.ini` and the command line say.
    ///   - logger: takes the log; secrets never get there.
    public convenience init(configuration: GantryConfiguration, logger: Logger) throws {
        try self.init(
            configuration: configuration, logger: logger,
            makeSwitch: { power throws(GPIOError) in try GPIOSwitch(power) })
    }

    /// `makeSwitch` takes output lines.
    init(
        configuration: GantryConfiguration, logger: Logger, makeSwitch: @escaping Board.SwitchMaker
    ) throws {
        guard let type = configuration.type else { throw ConfigurationError.noType }
        guard let serialNumber = configuration.serialNumber else { throw ConfigurationError.noSerialNumber }
        let settings = try Self.settings(configuration.settings)
        let storage = try LocalStorage(directory: configuration.directory)
        var info = PrinterInfo()
        info.firmware = configuration.firmware
        info.softwareVersion = gantryVersion
        info.mmu = nil
        var options = ConnectOptions()
        options.stateDirectory = configuration.stateDirectory
        let printer = try Printer(
            type: type, serialNumber: serialNumber, connection: settings, info: info, options: options,
            log: { level, message in logger.log(level: level.swiftLog, "\(message)") })
        let observers = Mutex(Observers())
        let notifier = ServiceNotifier()
        let watchdog = Watchdog(notifier)
        let journal = PrintJournal(
            directory: configuration.stateDirectory, runtimeDirectory: PrintJournal.runtimeDirectory,
            onProblem: { logger.warning("\($0)") })
        let cameras = CameraDuty(printer: printer, path: configuration.settings)
        let machine = Machine(
            configuration: configuration.link, scripts: configuration.scripts, journal: journal,
            onTick: { link in
                watchdog.tick()
                if let link { cameras.note(link) }
            }
        ) { change in
            log(change, to: logger)
            let (bridge, board) = observers.withLock { ($0.bridge, $0.board) }
            bridge?.take(change)
            board?.take(change)
        }
        let bridge = ConnectBridge(
            printer: printer, machine: machine, storage: storage, firmware: configuration.firmware,
            onProblem: { logger.warning("\($0)") })
        let board = Board(configuration.board, machine: machine, makeSwitch: makeSwitch) { [weak bridge] change in
            log(change, to: logger)
            switch change {
            case .attention(let reason): bridge?.takeAttention(reason)
            case .storage(let event):
                switch event {
                case .detached(let stick, _): machine.mediumIsGone(stick.path)
                case .attached(let stick): machine.mediumIsBack(stick.path)
                case .failed, .noted: break
                }
                bridge?.take(event)
            case .warning, .notice: break
            }
        }
        bridge.attach(board)
        observers.withLock { $0 = Observers(bridge: bridge, board: board) }
        self.bridge = bridge
        self.board = board
        self.notifier = notifier
        self.journal = journal
        self.cameras = cameras
        control = ControlSocket(path: configuration.controlSocket, board: board, machine: machine)
        printer.onConditions { conditions in logger.info("Connect: \(conditions)") }
        self.machine = machine
        self.logger = logger
    }

    private static func settings(_ path: String) throws -> ConnectSettings {
        let advice = "register the printer first with `gantry register`"
        let settings: ConnectSettings
        do throws(INIError) {
            settings = try ConnectSettings(path: path)
        } catch {
            guard error.isMissingFile else { throw error }
            throw ConfigurationError.missing(
                "\(path) is missing: \(advice), or set settings in [printer] or --settings to the file that Connect "
                    + "offers for download")
        }
        guard settings.token != nil else { throw ConfigurationError.missing("\(path) has no token: \(advice)") }
        return settings
    }

    /// Runs on the calling thread until `stop`.
    public func run() throws {
        StartupMemory.release()
        let isWatching = try startBoard()
        defer { if isWatching { board.stop() } }
        // Without it the daemon prints all the same; only `gantry power` and `gantry storage` do not reach it.
        if let problem = control.start() { logger.warning("\(problem)") }
        defer { control.stop() }
        try bridge.start()
        for problem in cameras.start() { logger.warning("\(problem)") }
        defer { cameras.stop() }
        StartupMemory.release()
        notifier.ready()
        machine.run()
        journal.stop()
        notifier.stopping()
        bridge.stop()
        logger.notice("stopped")
    }

    /// False when the board cannot be watched and nothing in the configuration needs it: a container without netlink.
    private func startBoard() throws -> Bool {
        do {
            try board.start()
            return true
        } catch {
            guard board.configuration.isEmpty else { throw error }
            logger.warning("\(error)")
            return false
        }
    }

    /// Ends `run`: a running print is cancelled safely. Any thread.
    public func stop() { machine.stop() }

    /// What the link knows now.
    public var snapshot: LinkSnapshot { machine.snapshot }

    /// The state now.
    public var state: MachineState { machine.state }

    /// How far the present or last job is; nil before the first.
    public var progress: JobProgress? {
        guard let job = machine.job else { return nil }
        return JobProgress(snapshot: machine.snapshot, size: job.file.size, elapsed: job.elapsed(at: .now))
    }
}

/// Gantry's version.
public let gantryVersion = "0.1.0"

/// Who hears of the machine's changes. Weak: they hold the machine, and the daemon holds all three.
private struct Observers {
    weak var bridge: ConnectBridge?
    weak var board: Board?
}

private func log(_ change: Machine.Change, to logger: Logger) {
    switch change {
    case .state(let state, let reason, _):
        let text = "\(state.rawValue)\(reason.map { ": \($0)" } ?? "")"
        logger.log(level: state == .error ? .error : .notice, "\(text)")
    case .halted, .used:
        break
    case .attention(let reason):
        logger.notice("\(reason ?? "nobody has to act any more")")
    case .identified(let identity):
        logger.notice("printer: \(identity.firmware.isEmpty ? "unknown firmware" : identity.firmware)")
    case .warning(let text):
        logger.warning("\(text)")
    case .message(let text):
        logger.debug("\(text)")
    }
}

private func log(_ change: Board.Change, to logger: Logger) {
    switch change {
    case .attention(let reason):
        if let reason { logger.warning("attention: \(reason)") }
    case .warning(let text):
        logger.warning("\(text)")
    case .notice(let text):
        logger.notice("\(text)")
    case .storage(.attached(let storage)):
        logger.notice("stick \(storage.name) is at \(storage.path)\(storage.isReadOnly ? ", read-only" : "")")
    case .storage(.detached(let storage, let wasEjected)):
        logger.notice("stick \(storage.name) \(wasEjected ? "was ejected" : "was torn out")")
    case .storage(.failed(let error)), .storage(.noted(let error)):
        logger.warning("\(error)")
    }
}

extension LogLevel {
    fileprivate var swiftLog: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}
