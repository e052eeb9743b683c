import Foundation
import Testing

@testable import PrusaConnect

/// What survives the end of a process: real processes, files and sockets.
@Suite(.timeLimit(.minutes(2))) struct SurvivalTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private var options: ConnectOptions {
        var options = quickOptions
        options.stateDirectory = folder.file("state")
        return options
    }

    /// The program that is killed. It lies beside the tests.
    private func startPoster(port: UInt16, count: Int) throws -> (process: Process, posted: Shared<Int>) {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = [own, Bundle.module.bundlePath].map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let binary = try #require(
            folders.map { $0.appendingPathComponent("EventPoster") }.first {
                FileManager.default.isExecutableFile(atPath: $0.path)
            })
        let process = Process()
        process.executableURL = binary
        process.arguments = [String(port), folder.file("state"), String(count)]
        let pipe = Pipe()
        process.standardOutput = pipe
        let posted = Shared(0)
        pipe.fileHandleForReading.readabilityHandler = { handle in
            let lines = handle.availableData.count { $0 == UInt8(ascii: "\n") }
            posted.change { $0 += lines }
        }
        try process.run()
        return (process, posted)
    }

    private func end(_ process: Process) {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
    }

    private func reasons(_ events: [ReceivedRequest]) -> [Int] {
        events.compactMap { $0.json?["reason"]?.string.flatMap { Int($0) } }
    }

    @Test("Killed while the server is away: everything posted arrives after the restart, in order and once")
    func killedOffline() throws {
        let dead = try ScriptedServer()
        dead.stop()
        let (process, posted) = try startPoster(port: dead.port, count: 100_000)
        eventually("much is posted") { posted.value >= 300 }
        end(process)
        let server = try ScriptedServer()
        let printer = try makePrinter(server.settings, options: options)
        let waiting = printer.waitingEvents
        #expect(waiting >= 300)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all arrived") { printer.waitingEvents == 0 }
        #expect(reasons(server.events) == Array(0..<waiting))
    }

    @Test("Killed while events are delivered: in order, none lost, at most the one under way twice")
    func killedOnline() throws {
        let server = try ScriptedServer()
        let (process, posted) = try startPoster(port: server.port, count: 100_000)
        eventually("some arrived") { server.events.count >= 20 && posted.value >= 50 }
        end(process)
        let printer = try makePrinter(server.settings, options: options)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all arrived") { printer.waitingEvents == 0 && reasons(server.events).last ?? 0 >= posted.value - 1 }
        let arrived = reasons(server.events)
        let last = try #require(arrived.last)
        #expect(arrived.count - (last + 1) <= 1)
        var once: [Int] = []
        for number in arrived where once.last != number { once.append(number) }
        #expect(once == Array(0...last))
    }

    @Test("A stop keeps what could not be sent")
    func stopped() throws {
        let first = try ScriptedServer { _ in .status(503) }
        let printer = try makePrinter(first.settings, options: options)
        try printer.start()
        for number in 0..<5 { printer.send(event: .failed, source: .wui, reason: "\(number)") }
        printer.stop(deadline: .milliseconds(100))
        #expect(printer.waitingEvents == 5)
        // The first one is there still and has the lock: a second one manages without the disk.
        let lines = Shared<[String]>([])
        let second = try makePrinter(first.settings, options: options) { _, text in lines.change { $0.append(text) } }
        second.send(event: .failed, source: .wui)
        #expect(second.waitingEvents == 1 && lines.value.contains { $0.contains("another process uses it") })
        #expect(printer.waitingEvents == 5)
    }

    /// A server that gives each command once, and takes everything else.
    private func commanding(_ commands: Shared<[Reaction]>) throws -> ScriptedServer {
        try ScriptedServer { request in
            guard request.isTelemetry else { return .noContent }
            return commands.change { $0.isEmpty ? .noContent : $0.removeFirst() }
        }
    }

    @Test("A command that was answered before a restart gets the same answer again and is not carried out")
    func repeatedCommand() throws {
        let commands = Shared<[Reaction]>([])
        let server = try commanding(commands)
        let runs = Shared(0)
        let reset = Reaction.command("5012", #"{"command": "RESET_PRINTER"}"#)
        for life in 0..<3 {
            let printer = try makePrinter(server.settings, options: options)
            printer.on(.resetPrinter) { _ in
                runs.change { $0 += 1 }
                return .finished(source: .hardware, data: ["took": 3])
            }
            try printer.start()
            commands.change { $0.append(reset) }
            eventually("answered") { server.events.count { $0.eventKind == "FINISHED" } == life + 1 }
            printer.stop()
        }
        #expect(runs.value == 1)
        let ends = server.events.filter { $0.eventKind == "FINISHED" }
        #expect(Set(ends.map(\.body)).count == 1 && Set(ends.map { $0.header("Timestamp") }).count == 1)
        #expect(ends.first?.json?["data"] == ["took": 3])
        // Another registration has other ids.
        var settings = server.settings
        settings.token = Token("another-token-123456")
        let printer = try makePrinter(settings, options: options)
        printer.on(.resetPrinter) { _ in
            runs.change { $0 += 1 }
            return .finished
        }
        try printer.start()
        commands.change { $0.append(reset) }
        eventually("carried out") { runs.value == 2 }
        printer.stop()
    }
}
