import ArgumentParser
import Gantry
import Glibc
import Logging
import PrusaConnect
import Synchronization

/// What `run` and `register` read from `gantry.ini`, and a flag for each of its keys.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "Path of gantry.ini.")
    var config: String?

    @Option(help: "Serial port of the printer; auto: the only USB serial port.")
    var port: String?

    @Option(help: "Baud rate.")
    var baudrate: UInt32?

    @Flag(inversion: .prefixedNo, help: "Pack lines (MeatPack) where the printer reads that.")
    var meatpack: Bool?

    @Option(help: DialectName.help)
    var dialect: DialectName?

    @Option(help: "Printer model: I3MK3S, MK4S, …, or dotted numbers such as 1.3.1.")
    var type: String?

    @Option(help: "Serial number of the printer.")
    var serialNumber: String?

    @Option(help: "Firmware version told to Connect.")
    var firmware: String?

    @Option(help: "Path of prusa_printer_settings.ini.")
    var settings: String?

    @Option(help: "Directory of G-code files, Connect's /local.")
    var directory: String?

    @Option(help: "Directory for what must survive a restart, such as events that Connect has not got yet.")
    var state: String?

    func validate() throws {
        guard baudrate.map({ (1200...4_000_000).contains($0) }) ?? true else {
            throw ValidationError("--baudrate takes 1200 to 4000000.")
        }
    }

    func load() throws -> GantryConfiguration {
        var result = try config.map { try GantryConfiguration(path: $0) } ?? GantryConfiguration()
        if let port { result.port = port }
        if let baudrate { result.baudrate = baudrate }
        if let meatpack { result.meatPack = meatpack }
        if let dialect { result.firmwareOverrides.dialect = dialect.row }
        if let type {
            guard let known = PrinterType(type) else {
                throw ValidationError("--type takes \(GantryConfiguration.typeHint).")
            }
            result.type = known
        }
        if let serialNumber { result.serialNumber = serialNumber }
        if let firmware { result.firmware = firmware }
        if let settings { result.settings = settings }
        if let directory { result.directory = directory }
        if let state { result.state = state }
        return result
    }
}

/// `gantry run`: the daemon.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the daemon: printer and Prusa Connect together, in the foreground.")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "What to log: trace, debug, info, notice, warning, error.")
    var logLevel = "info"

    func validate() throws {
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level takes trace, debug, info, notice, warning or error.")
        }
    }

    func run() throws {
        let configuration = try options.load()
        LoggingSystem.bootstrap { StderrLog(label: $0) }
        var logger = Logger(label: "gantry")
        logger.logLevel = Logger.Level(rawValue: logLevel) ?? .info
        // Before the daemon is made: its threads inherit that the signals are blocked.
        let running = Mutex<Daemon?>(nil)
        let stops = Mutex(0)
        SignalWatch.begin { _ in
            let count = stops.withLock { count in
                count += 1
                return count
            }
            guard count == 1, let daemon = running.withLock({ $0 }) else { _exit(ExitStatus.cancelled) }
            daemon.stop()
        }
        let daemon = try Daemon(configuration: configuration, logger: logger)
        running.withLock { $0 = daemon }
        try daemon.run()
    }
}
