import Gantry
import Glibc
import Logging
import MarlinLink
import PrusaConnect
import Simulators
import Synchronization

/// Printer, Connect server and daemon for the demo, and what they have to show at the end.
final class Demo: Sendable {
    private let folder: String
    private let sample: SampleGCode
    private let expected: CommandDigest
    private let printer: PrinterSimulator
    private let server = ConnectServer(Demo.serverConfiguration)
    private let configuration: GantryConfiguration

    private static let fileName = "gear.gcode"

    private static var serverConfiguration: Simulators.ConnectServer.Configuration {
        var configuration = Simulators.ConnectServer.Configuration()
        configuration.pollsUntilToken = 1
        return configuration
    }

    init(speed: Double, layers: Int) throws {
        folder = try Self.makeFolder()
        var parameters = SampleGCode.Parameters()
        parameters.layers = layers
        sample = SampleGCode(parameters)
        expected = CommandDigest.of(file: sample.bytes)
        var board = MarlinPrinter.Configuration(profile: .marlin2Custom)
        board.baud = 250_000
        board.timeScale = speed
        var options = PrinterSimulator.Options(printer: board)
        options.link = folder + "/ttyPrinter"
        printer = PrinterSimulator(options)
        var configuration = GantryConfiguration()
        configuration.port = folder + "/ttyPrinter"
        configuration.baudrate = 250_000
        configuration.type = .mk3s
        configuration.serialNumber = "CZPX0123X004XC00042"
        configuration.settings = folder + "/prusa_printer_settings.ini"
        configuration.directory = folder + "/gcodes"
        configuration.controlSocket = folder + "/control"
        self.configuration = configuration
    }

    private static func makeFolder() throws -> String {
        // mkdtemp(3) puts a name that is free in place of the six X. In /tmp whatever TMPDIR says: a socket's path is short.
        var template = Array("/tmp/gantry-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SimulatorError.failed("making a folder in /tmp", errno) }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Removes the demo's folder in /tmp and all that is in it.
    func cleanUp() { Self.remove(folder) }

    private static func remove(_ path: String) {
        // A link, a socket or a file; a folder must be emptied first.
        guard unlink(path) != 0, let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        closedir(folder)
        for name in names where name != "." && name != ".." { remove(path + "/" + name) }
        rmdir(path)
    }

    // MARK: The run

    func run() throws -> DemoProof {
        mkdir(configuration.directory, 0o755)
        try sample.write(to: configuration.directory + "/" + Self.fileName)
        try printer.start()
        defer { printer.stop() }
        let port = try server.start()
        defer { server.stop() }
        Terminal.line("Printer: simulated Marlin 2.1.2 on \(printer.devicePath), 250000 baud")
        Terminal.line("Connect: simulated server on \(server.url)")
        Terminal.line("File:    \(Self.fileName), \(sample.bytes.count) bytes, \(expected.count) commands")
        try register(port: port)
        let begin = MonotonicTime.now
        let daemon = try Daemon(
            configuration: configuration, logger: Logger(label: "demo") { _ in SwiftLogNoOpLogHandler() })
        let finished = Mutex(false)
        let failure = Mutex<String?>(nil)
        let thread = startThread {
            do { try daemon.run() } catch { failure.withLock { $0 = "\(error)" } }
            finished.withLock { $0 = true }
        }
        guard thread else { leave("no thread for the daemon") }
        try print(with: daemon, failure: failure)
        daemon.stop()
        wait(seconds: 10) { finished.withLock { $0 } }
        return DemoProof(
            expected: expected, printer: printer.snapshot(), server: server,
            seconds: MonotonicTime.now.seconds(since: begin))
    }

    private func register(port: UInt16) throws {
        let registrar = try Registrar(configuration: configuration) { _ in
            PrusaConnect.ConnectServer(host: "127.0.0.1", port: port, usesTLS: false) ?? .prusa
        }
        try registrar.run { step in
            if case .code(let code) = step {
                Terminal.line("Code:    \(code.code), entered at once by the server itself")
            }
        }
        Terminal.line("Token:   stored in prusa_printer_settings.ini\n")
    }

    /// Lets Connect start the print and shows it until it is over.
    private func print(with daemon: Daemon, failure: borrowing Mutex<String?>) throws {
        wait(seconds: 20) { daemon.state == .idle }
        _ = server.queue(command: "SEND_INFO")
        _ = server.queue(command: "SEND_FILE_INFO", kwargs: ["path": .string("/local/" + Self.fileName)])
        _ = server.queue(command: "START_PRINT", kwargs: ["path": .string("/local/" + Self.fileName)])
        var line = StatusLine(descriptor: STDOUT_FILENO)
        var rate = RateMeter()
        var askedForJob = false
        let end = MonotonicTime.now + 120
        while daemon.state != .finished, MonotonicTime.now < end {
            if let text = failure.withLock({ $0 }) { leave(text) }
            if daemon.state == .error || daemon.state == .stopped { break }
            let snapshot = daemon.snapshot
            if !askedForJob, snapshot.jobCommands > 1000 {
                askedForJob = true
                _ = server.queue(command: "SEND_JOB_INFO")
            }
            show(daemon, snapshot, rate: &rate, on: &line)
            usleep(100_000)
        }
        show(daemon, daemon.snapshot, rate: &rate, on: &line)
        line.finish()
        // The end must reach Connect too.
        wait(seconds: 10) { server.events.contains { $0.body["state"]?.string == "FINISHED" } }
    }

    private func show(_ daemon: Daemon, _ snapshot: LinkSnapshot, rate: inout RateMeter, on line: inout StatusLine) {
        let counts = server.counts
        let percent = daemon.progress?.percent ?? 0
        let linesPerSecond = rate.update(snapshot.jobCommands)
        let state = snapshot.readings.isHeating && daemon.state == .printing ? "heating" : daemon.state.rawValue
        let layer = daemon.progress == nil ? "" : "layer \(snapshot.layer)/\(sample.parameters.layers)"
        // On a narrow terminal without bar and with few words.
        let columns = line.isInteractive ? line.columns : 110
        let connect =
            columns < 110
            ? "Connect \(counts.telemetry)+\(counts.events)"
            : "Connect: \(counts.telemetry) telemetry, \(counts.events) events"
        let text = [
            line.isInteractive && columns >= 110 ? PrintDisplay.bar(percent, width: min(columns - 100, 24)) : "",
            "\(percent) %", state, layer, "\(linesPerSecond) lines/s", PrintDisplay.temperatures(snapshot), connect,
        ]
        line.show(
            text.filter { !$0.isEmpty }.joined(separator: "  "), key: "\(percent / 10) \(state)")
    }

    private func wait(seconds: Double, until condition: () -> Bool) {
        let end = MonotonicTime.now + seconds
        while !condition(), MonotonicTime.now < end { usleep(20_000) }
    }
}

/// Commands per second over the last moments.
private struct RateMeter {
    private var samples: [(time: MonotonicTime, count: UInt64)] = []

    mutating func update(_ count: UInt64) -> Int {
        let now = MonotonicTime.now
        samples.append((now, count))
        if samples.count > 10 { samples.removeFirst() }
        guard let first = samples.first, count > first.count else { return 0 }
        return Int(Double(count - first.count) / max(now.seconds(since: first.time), 0.001))
    }
}
