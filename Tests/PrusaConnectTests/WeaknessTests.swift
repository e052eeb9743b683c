import Foundation
import Testing

@testable import PrusaConnect

/// Weaknesses of the Python package that no other test shows to be absent; the numbers are those of `Weaknesses.md`.
@Suite(.timeLimit(.minutes(2))) struct WeaknessTests {
    @Test("5: a time of 0 is a time")
    func timeZero() throws {
        let rig = CoreRig()
        rig.core.setTelemetry(Telemetry(), timestamp: Timestamp(tenths: 0))
        #expect(try #require(rig.next()).header("Timestamp") == "0.0")
    }

    @Test("12: proxies of the environment and ~/.netrc change nothing")
    func environment() throws {
        let folder = try TemporaryDirectory()
        try "machine 127.0.0.1\nlogin somebody\npassword hunter2\n"
            .write(toFile: folder.file(".netrc"), atomically: true, encoding: .utf8)
        var environment = ["HOME": folder.path]
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            environment[name] = "http://127.0.0.1:1"
        }
        let server = try ScriptedServer()
        // A process of its own: the environment of this one belongs to all tests.
        let poster = try EventPosterProcess(
            port: server.port, state: folder.file("state"), count: 3, environment: environment)
        defer { poster.kill() }
        eventually("it arrives all the same") { server.events.count == 3 }
        #expect(server.requests.allSatisfy { $0.header("Authorization") == nil && $0.target.hasPrefix("/p/") })
    }

    @Test("36: an application that takes its time with the token holds nothing up")
    func slowTokenHandler() throws {
        let server = try ScriptedServer { request in
            switch (request.method, request.target) {
            case ("POST", "/p/register"): .status(200, [("Code", "7P48QBJTSP")])
            case ("GET", "/p/register"): .status(200, [("Token", "fresh-token-12345678")])
            default: .noContent
            }
        }
        let printer = try makePrinter(server.settings)
        let (isTold, mayGoOn) = (Shared(false), Shared(false))
        try printer.start()
        printer.register { progress in
            guard progress.isEnd else { return }
            isTold.change { $0 = true }
            while !mayGoOn.value { usleep(1000) }
        }
        eventually("told") { isTold.value }
        let count = server.requests.count
        printer.send(event: .failed, source: .wui)
        eventually("telemetry and events go on") {
            server.requests.count > count + 5 && server.events.contains { $0.eventKind == "FAILED" }
        }
        mayGoOn.change { $0 = true }
        printer.stop(deadline: .zero)
    }

    @Test("46: the call for an interruption cannot fail, and a slow one holds nothing up")
    func slowInterrupt() throws {
        let commands = Shared(["START_PRINT", "RESET_PRINTER"])
        let server = try ScriptedServer { request in
            guard request.isTelemetry, let name = commands.change({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                return .noContent
            }
            return .command(String(2 - commands.value.count), "{\"command\": \"\(name)\"}")
        }
        let printer = try makePrinter(server.settings)
        let mayGoOn = Shared(false)
        printer.onInterrupt { _ in while !mayGoOn.value { usleep(1000) } }
        printer.on(.startPrint) { command in
            while !command.isInterrupted { usleep(1000) }
            throw CommandError("interrupted")
        }
        printer.on(.resetPrinter) { _ in .finished }
        try printer.start()
        eventually("reset") { server.events.last?.eventKind == "FINISHED" }
        #expect(server.events.compactMap(\.eventKind) == ["ACCEPTED", "FAILED", "ACCEPTED", "FINISHED"])
        mayGoOn.change { $0 = true }
        printer.stop(deadline: .zero)
    }

    @Test("47: an error that does not speak for itself tells its name, not what it holds")
    func errors() {
        struct Opaque: Error { var path = "/home/maker/secret" }
        #expect(CommandResult.failed(Opaque()).data["error"] == "Opaque")
        #expect(CommandResult.failed(CommandError("no such file")).data["error"] == "no such file")
    }
}
