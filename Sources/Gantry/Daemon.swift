import GCodeStream
import Logging
import MarlinLink
import PrusaConnect
import Synchronization

/// `gantry run`: the printer and Connect together, until somebody stops it.
public final class Daemon: Sendable {
    private let machine: Machine
    private let bridge: ConnectBridge
    private let logger: Logger

    /// Puts the parts together; nothing runs yet.
    ///
    /// - Parameters:
    ///   - configuration: what `gantry.ini` and the command line say.
    ///   - scripts: what is sent on pause, resume and cancel.
    ///   - logger: takes the log; secrets never get there.
    public init(configuration: GantryConfiguration, scripts: Scripts = Scripts(), logger: Logger) throws {
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
        let observer = Mutex<ConnectBridge?>(nil)
        let machine = Machine(configuration: configuration.link, scripts: scripts) { change in
            log(change, to: logger)
            observer.withLock { $0 }?.take(change)
        }
        bridge = ConnectBridge(
            printer: printer, machine: machine, storage: storage, firmware: configuration.firmware)
        let bridge = bridge
        observer.withLock { $0 = bridge }
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
        try bridge.start()
        StartupMemory.release()
        machine.run()
        bridge.stop()
        logger.notice("stopped")
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

private func log(_ change: Machine.Change, to logger: Logger) {
    switch change {
    case .state(let state, let reason, _):
        let text = "\(state.rawValue)\(reason.map { ": \($0)" } ?? "")"
        logger.log(level: state == .error ? .error : .notice, "\(text)")
    case .attention(let isNeeded):
        logger.notice("\(isNeeded ? "the printer waits for its user" : "the printer goes on")")
    case .identified(let identity):
        logger.notice("printer: \(identity.firmware.isEmpty ? "unknown firmware" : identity.firmware)")
    case .warning(let text):
        logger.warning("\(text)")
    case .message(let text):
        logger.debug("\(text)")
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
