import BoardIO
import Foundation
import Logging
import PrusaConnect
import Simulators
import Testing

@testable import Gantry

typealias SimulatedConnect = Simulators.ConnectServer

/// A simulated printer behind a pseudo-terminal, a simulated Connect server on loopback, and the daemon between them.
final class DaemonRig: Sendable {
    static let token = "6Y1t9EwL56nGisiWgNZq"

    let folder: TemporaryDirectory
    let printer: PrinterSimulator
    let server: SimulatedConnect
    let daemon: Daemon
    let log = CapturedLog()
    private let isRunning = Shared(false)
    private let failure = Shared<String?>(nil)

    /// `token` is what the daemon has; the server knows `DaemonRig.token`.
    init(
        firmware: FirmwareProfile = .marlin2Custom, token: String = DaemonRig.token,
        files: [String: [UInt8]] = [:], isPluggedIn: Bool = true, board: BoardConfiguration = BoardConfiguration(),
        relay: (any PowerSwitch)? = nil, led: (any PowerSwitch)? = nil, scripts: Scripts = Scripts(),
        printer change: (inout MarlinPrinter.Configuration) -> Void = { _ in }
    ) throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
        for (name, bytes) in files { try folder.write(bytes, to: "gcodes/" + name) }
        var mainboard = MarlinPrinter.Configuration(profile: firmware)
        mainboard.timeScale = .infinity
        mainboard.keepsCommands = true
        change(&mainboard)
        var options = PrinterSimulator.Options(printer: mainboard)
        options.link = folder.file("ttyPrinter")
        printer = PrinterSimulator(options)
        if isPluggedIn { try printer.start() }
        server = SimulatedConnect()
        let port = try server.start()
        try folder.write(
            "[service::connect]\nhostname = 127.0.0.1\nport = \(port)\ntls = False\ntoken = \(token)\n",
            to: "prusa_printer_settings.ini")
        var configuration = GantryConfiguration()
        configuration.port = folder.file("ttyPrinter")
        configuration.type = .mk3s
        configuration.serialNumber = "CZPX0123X004XC00042"
        configuration.settings = folder.file("prusa_printer_settings.ini")
        configuration.directory = folder.file("gcodes")
        configuration.controlSocket = folder.file("run/control")
        configuration.board = board
        configuration.scripts = scripts
        let log = log
        daemon = try Daemon(
            configuration: configuration, logger: Logger(label: "test") { _ in log },
            makeSwitch: { power throws(GPIOError) in
                if let led, power == board.led { return led }
                if let relay, power == board.power { return relay }
                return try GPIOSwitch(power)
            })
    }

    /// Where `gantry power` would reach it.
    var controlSocket: String { folder.file("run/control") }

    /// Runs the daemon until `stop()`.
    func start() throws {
        isRunning.change { $0 = true }
        let started = startThread { [self] in
            do { try daemon.run() } catch { failure.change { $0 = "\(error)" } }
            isRunning.change { $0 = false }
        }
        try #require(started)
    }

    /// Starts, runs the body, and stops everything whatever happened.
    func run(_ body: (DaemonRig) async throws -> Void) async throws {
        try start()
        do {
            try await eventually("the printer is idle") { daemon.state == .idle }
            try await body(self)
        } catch {
            try? await stop()
            throw error
        }
        try await stop()
        #expect(server.violations == [])
    }

    func stop() async throws {
        daemon.stop()
        try await eventually("the daemon ends") { !isRunning.value }
        #expect(failure.value == nil)
        printer.stop()
        server.stop()
    }
}

// What Connect does and sees.
extension DaemonRig {
    /// Sends a command and waits for its end; the event that ended it.
    @discardableResult
    func order(
        _ name: String, _ keywords: PlainJSON = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ReceivedEvent {
        try await answer(to: server.queue(command: name, kwargs: keywords), name, sourceLocation)
    }

    @discardableResult
    func gcode(
        _ text: String, force: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ReceivedEvent {
        try await answer(to: server.queue(gcode: text, force: force), text, sourceLocation)
    }

    private func answer(to id: UInt32, _ name: String, _ location: SourceLocation) async throws -> ReceivedEvent {
        try await eventually("\(name) is answered", sourceLocation: location) { server.command(id)?.answer != nil }
        return try #require(server.command(id)?.answer)
    }

    func startPrint(_ name: String) async throws {
        let answer = try await order("START_PRINT", ["path": .string("/local/" + name)])
        #expect(answer.name == "FINISHED", "\(answer.body)")
    }

    /// States that Connect was told, repetitions left out.
    var states: [String] {
        var result: [String] = []
        for event in server.events where event.name == "STATE_CHANGED" {
            if let state = event.body["state"]?.string, state != result.last { result.append(state) }
        }
        return result
    }

    /// The last event of this state.
    func change(to state: String) -> ReceivedEvent? {
        server.events.last { $0.name == "STATE_CHANGED" && $0.body["state"]?.string == state }
    }

    func waitForState(_ state: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("Connect sees \(state), not \(states)", sourceLocation: sourceLocation) {
            states.last == state
        }
    }
}

extension ReceivedEvent {
    var reason: String? { body["reason"]?.string }
    var error: String? { body["data"]?["error"]?.string }
    var data: PlainJSON { body["data"] ?? .null }
}

/// Keeps every log line.
final class CapturedLog: LogHandler, @unchecked Sendable {
    // @unchecked: the lines have a lock, the rest is never changed.
    private let stored = Shared<[String]>([])
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        stored.change { $0.append("\(event.level): \(event.message) \(event.metadata ?? [:])") }
    }

    var lines: [String] { stored.value }
}
