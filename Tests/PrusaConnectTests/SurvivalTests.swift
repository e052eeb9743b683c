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

    private func reasons(_ events: [ReceivedRequest]) -> [Int] {
        events.compactMap { $0.json?["reason"]?.string.flatMap { Int($0) } }
    }

    @Test("Killed while the server is away: everything posted arrives after the restart, in order and once")
    func killedOffline() throws {
        let dead = try ScriptedServer()
        dead.stop()
        let poster = try EventPosterProcess(port: dead.port, state: folder.file("state"))
        eventually("much is posted") { poster.posted >= 300 }
        poster.kill()
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
        let poster = try EventPosterProcess(port: server.port, state: folder.file("state"))
        eventually("some arrived") { server.events.count >= 20 && poster.posted >= 50 }
        poster.kill()
        let printer = try makePrinter(server.settings, options: options)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all arrived") {
            printer.waitingEvents == 0 && reasons(server.events).last ?? 0 >= poster.posted - 1
        }
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

    /// A server that gives the command until it is finished, as Connect does: a request that a stop gave up may reach it
    /// late and take the only copy with it.
    private func commanding(_ command: Shared<Reaction?>) throws -> ScriptedServer {
        try ScriptedServer { request in
            if request.eventKind == "FINISHED" { command.change { $0 = nil } }
            return request.isTelemetry ? command.value ?? .noContent : .noContent
        }
    }

    @Test("A command that was answered before a restart gets the same answer again and is not carried out")
    func repeatedCommand() throws {
        let command = Shared<Reaction?>(nil)
        let server = try commanding(command)
        let runs = Shared(0)
        let reset = Reaction.command("5012", #"{"command": "RESET_PRINTER"}"#)
        weak var old: Printer?
        for _ in 0..<3 {
            // Its threads let go of it in their own time; until then it has the directory's lock.
            eventually("the one before is gone") { old == nil }
            let printer = try makePrinter(server.settings, options: options)
            old = printer
            printer.on(.resetPrinter) { _ in
                runs.change { $0 += 1 }
                return .finished(source: .hardware, data: ["took": 3])
            }
            try printer.start()
            // A stop that had to give up a request sends its event again: only more than before counts.
            eventually("nothing waits") { printer.waitingEvents == 0 }
            let before = server.events.count { $0.eventKind == "FINISHED" }
            command.change { $0 = reset }
            eventually("answered") { server.events.count { $0.eventKind == "FINISHED" } > before }
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
        command.change { $0 = reset }
        eventually("carried out") { runs.value == 2 }
        printer.stop()
    }
}
