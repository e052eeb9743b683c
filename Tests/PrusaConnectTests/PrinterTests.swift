import Foundation
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct PrinterTests {
    /// Gives out commands, one with each telemetry answer, and takes everything else.
    private final class CommandQueue: @unchecked Sendable {
        // @unchecked: the commands are in a `Shared` box.
        let waiting = Shared<[Reaction]>([])

        func push(_ id: Int, _ name: String, _ kwargs: String = "{}") {
            let json = "{\"command\": \"\(name)\", \"kwargs\": \(kwargs)}"
            waiting.change { $0.append(.command(String(id), json)) }
        }

        func react(_ request: ReceivedRequest) -> Reaction {
            guard request.isTelemetry else { return .noContent }
            return waiting.change { $0.isEmpty ? .noContent : $0.removeFirst() }
        }
    }

    private func kinds(_ server: ScriptedServer) -> [String] {
        server.events.compactMap { event in
            guard let kind = event.eventKind else { return nil }
            return event.json?["command_id"]?.unsigned.map { "\(kind) \($0)" } ?? kind
        }
    }

    @Test("Commands reach their handlers, and their ends reach the server")
    func commands() throws {
        let queue = CommandQueue()
        let server = try ScriptedServer { queue.react($0) }
        let printer = try makePrinter(server.settings)
        let paths = Shared<[String]>([])
        printer.on(.startPrint) { command in
            let path = try command.required("path")
            paths.change { $0.append(path) }
            return .finished(source: .marlin, data: ["lines": 3])
        }
        printer.on(.stopPrint) { _ in .rejected("No print to stop") }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let cases:
            [(name: String, arguments: String, end: String, source: String, data: JSONValue, reason: JSONValue?)] = [
                ("START_PRINT", #"{"path": "/local/box.gcode"}"#, "FINISHED", "MARLIN", ["lines": 3], nil),
                ("START_PRINT", "{}", "FAILED", "WUI", ["error": "START_PRINT requires path"], "Command error"),
                ("STOP_PRINT", "{}", "REJECTED", "WUI", [:], "No print to stop"),
                ("PAUSE_PRINT", "{}", "REJECTED", "WUI", [:], "Not Implemented"),
                ("MAKE_COFFEE", "{}", "REJECTED", "WUI", [:], "Unknown command"),
                ("SEND_STATE_INFO", "{}", "STATE_CHANGED", "CONNECT", [:], nil),
            ]
        for (id, expected) in cases.enumerated() {
            queue.push(id, expected.name, expected.arguments)
            eventually("\(expected.name) answered") {
                kinds(server).suffix(2) == ["ACCEPTED \(id)", "\(expected.end) \(id)"]
            }
            let end = server.events.last?.json
            #expect(end?["source"] == .string(expected.source) && end?["data"] == expected.data)
            #expect(end?["reason"] == expected.reason)
        }
        #expect(paths.value == ["/local/box.gcode"])
    }

    @Test("A slow handler does not hold up telemetry, other commands are refused meanwhile, a repeat is accepted again")
    func slowHandler() throws {
        let queue = CommandQueue()
        let server = try ScriptedServer { queue.react($0) }
        let printer = try makePrinter(server.settings)
        let mayEnd = Shared(false)
        printer.on(.startPrint) { _ in
            while !mayEnd.value { usleep(1000) }
            return .finished
        }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        queue.push(7, "START_PRINT")
        eventually("accepted") { kinds(server) == ["ACCEPTED 7"] }
        let before = server.requests.count
        eventually("telemetry names the command") {
            server.requests.dropFirst(before).count { $0.json?["command_id"] == 7 && $0.isTelemetry } >= 5
        }
        queue.push(8, "START_PRINT")
        eventually("refused") { kinds(server) == ["ACCEPTED 7", "REJECTED 8"] }
        #expect(server.events.last?.json?["data"] == ["actual_command_id": 7])
        queue.push(7, "START_PRINT")
        eventually("accepted again") { kinds(server).last == "ACCEPTED 7" }
        mayEnd.change { $0 = true }
        eventually("finished") { kinds(server).last == "FINISHED 7" }
        queue.push(7, "START_PRINT")
        eventually("finished again") { kinds(server).count { $0 == "FINISHED 7" } == 2 }
    }

    @Test("A reset gets through although a handler never ends; its late end changes nothing")
    func resetBesideStuckHandler() throws {
        let queue = CommandQueue()
        let server = try ScriptedServer { queue.react($0) }
        let printer = try makePrinter(server.settings)
        let mayEnd = Shared(false)
        let interrupted = Shared<[UInt64]>([])
        printer.on(.startPrint) { _ in
            while !mayEnd.value { usleep(1000) }
            throw CommandError("interrupted")
        }
        printer.on(.resetPrinter) { _ in .finished }
        printer.onInterrupt { command in interrupted.change { $0.append(command.id) } }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        queue.push(1, "START_PRINT")
        eventually("accepted") { kinds(server) == ["ACCEPTED 1"] }
        queue.push(2, "RESET_PRINTER")
        eventually("reset done") { kinds(server) == ["ACCEPTED 1", "ACCEPTED 2", "FINISHED 2"] }
        #expect(interrupted.value == [1])
        mayEnd.change { $0 = true }
        eventually("late end told") { kinds(server).last == "FAILED 1" }
        queue.push(3, "RESET_PRINTER")
        eventually("next command runs") { kinds(server).suffix(2) == ["ACCEPTED 3", "FINISHED 3"] }
    }

    @Test(
        "Events survive whatever the network does, in order, once each, unchanged",
        arguments: [
            .reset, .close, .raw("garbage\r\n\r\n"), .raw("HTTP/1.1 204 OK\r\nContent-Le"), .hold, .status(500),
            .status(429),
            .status(503, [("Retry-After", "0")]), .status(302, [("Location", "http://127.0.0.1:1/")]),
            .trickle("HTTP/1.1 204"),
        ] as [Reaction])
    func eventsSurvive(_ trouble: Reaction) throws {
        let failuresLeft = Shared(3)
        let delivered = Shared<[ReceivedRequest]>([])
        let attempts = Shared<[ReceivedRequest]>([])
        let server = try ScriptedServer { request in
            guard request.isEvent else { return .noContent }
            attempts.change { $0.append(request) }
            let fails = failuresLeft.change { left in
                left -= 1
                return left >= 0
            }
            if fails { return trouble }
            delivered.change { $0.append(request) }
            return .noContent
        }
        var options = quickOptions
        options.requestDeadline = .milliseconds(500)
        let printer = try makePrinter(server.settings, options: options)
        for reason in ["first", "second", "third"] { printer.send(event: .failed, source: .wui, reason: reason) }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all delivered") { delivered.value.count == 3 && printer.waitingEvents == 0 }
        #expect(delivered.value.compactMap { $0.json?["reason"]?.string } == ["first", "second", "third"])
        let firsts = attempts.value.filter { $0.json?["reason"] == "first" }
        #expect(firsts.count == 4)
        #expect(Set(firsts.map { $0.header("Timestamp") }).count == 1 && Set(firsts.map(\.body)).count == 1)
    }

    @Test("A server that comes later gets everything that waited")
    func offline() throws {
        let first = try ScriptedServer()
        let settings = first.settings
        first.stop()
        let broken = Shared<[Condition?]>([])
        let printer = try makePrinter(settings)
        printer.onConditions { conditions in broken.change { $0.append(conditions.firstBroken) } }
        for _ in 0..<50 { printer.setState(.idle, source: .marlin) }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("HTTP is broken") { broken.value.last == .http }
        #expect(printer.waitingEvents == 50)
        let server = try ScriptedServer()
        printer.connection = server.settings
        eventually("all there") { server.events.count == 50 && printer.waitingEvents == 0 }
        eventually("connected") { broken.value.last == .some(nil) && printer.conditions.isConnected }
    }

    @Test("A stop sends what waits and then nothing")
    func stopFlushes() throws {
        let server = try ScriptedServer()
        let printer = try makePrinter(server.settings)
        try printer.start()
        eventually("connected") { printer.conditions.isConnected }
        for _ in 0..<20 { printer.send(event: .info, source: .user) }
        printer.stop(deadline: .seconds(20))
        #expect(printer.waitingEvents == 0 && server.events.count == 20)
        let count = server.requests.count
        printer.stop()
        try printer.start()
        eventually("goes on after another start") { server.requests.count > count + 2 }
        printer.stop()
    }

    @Test("A stop does not wait longer than asked")
    func stopGivesUp() throws {
        let server = try ScriptedServer { _ in .hold }
        var options = quickOptions
        options.requestDeadline = .seconds(1000)
        let printer = try makePrinter(server.settings, options: options)
        try printer.start()
        printer.send(event: .info, source: .user)
        eventually("a request hangs") { !server.requests.isEmpty }
        printer.stop(deadline: .milliseconds(200))
        #expect(printer.waitingEvents == 1)
    }

    @Test("Registration without start: code, token, INFO after the start")
    func registers() async throws {
        let polls = Shared(0)
        let server = try ScriptedServer { request in
            switch (request.method, request.target) {
            case ("POST", "/p/register"): return .status(200, [("Code", "7P48QBJTSP")])
            case ("GET", "/p/register"):
                switch polls.change({ count in
                    count += 1; return count
                }) {
                case 1: return .status(202)
                case 2: return .status(503)
                case 3: return .reset
                default: return .status(200, [("Token", "fresh-token-12345678")])
                }
            default: return .noContent
            }
        }
        var settings = server.settings
        settings.token = nil
        let printer = try makePrinter(settings)
        printer.send(event: .failed, source: .wui, reason: "before the registration")
        try printer.attach(Storage(name: "SD Card", files: [.file("BENCHY.GCO")]))
        var steps: [String] = []
        for await progress in printer.register(name: "Left", location: nil) {
            switch progress {
            case .code(let code):
                steps.append("code")
                #expect(code.url == "http://127.0.0.1:\(server.port)/add-printer/connect/1.3.1/7P48QBJTSP?name=Left")
            // libcurl hides a reset of a connection that was kept alive by trying again itself.
            case .delayed: if steps.last != "delayed" { steps.append("delayed") }
            case .registered(let token): steps.append(token.value)
            case .failed(let error): steps.append("\(error)")
            }
        }
        #expect(steps == ["code", "delayed", "fresh-token-12345678"])
        #expect(printer.connection?.token?.value == "fresh-token-12345678")
        #expect(server.requests.allSatisfy { $0.isRegistration && $0.header("Token") == nil })
        try printer.start()
        eventually("INFO") { server.events.contains { $0.eventKind == "INFO" } && printer.conditions.isConnected }
        #expect(server.events.count == 1 && server.events[0].header("Token") == "fresh-token-12345678")
        // What was attached without a token is told now.
        #expect(server.events[0].json?["data"]?["files"]?.child("SD Card")?.childNames == ["BENCHY.GCO"])
        printer.stop()
    }

    @Test("A registration ends when it is refused, cancelled, or replaced, and without a server")
    func registrationEnds() throws {
        let server = try ScriptedServer { request in
            request.method == "POST" ? .status(403, body: #"{"code": "X", "message": "no"}"#) : .noContent
        }
        let printer = try makePrinter(server.settings)
        let ends = Shared<[RegistrationProgress]>([])
        let report: @Sendable (RegistrationProgress) -> Void = { progress in ends.change { $0.append(progress) } }
        printer.register(report: report)
        eventually("refused") { ends.value == [.failed(.refused(status: 403, message: "no"))] }
        server.setScript { _ in .hold }
        printer.register(report: report)
        printer.register(report: report)
        eventually("replaced") { ends.value.count == 2 && ends.value.last == .failed(.cancelled) }
        printer.cancelRegistration()
        eventually("cancelled") { ends.value.count == 3 && ends.value.last == .failed(.cancelled) }
        printer.connection = nil
        printer.register(report: report)
        eventually("no server") { ends.value.last == .failed(.noServer) }
        printer.stop()
    }

    @Test("SET_PRINTER_READY only where a print could start; CANCEL only from READY; the flag is the state")
    func ready() throws {
        let printer = try makePrinter(nil)
        for state in PrinterState.allCases {
            printer.setState(state, source: .marlin)
            #expect(printer.isReady == (state == .ready))
            if [.idle, .ready, .finished, .stopped].contains(state) {
                try printer.markReady(source: .connect)
                #expect(printer.isReady)
                try printer.cancelReady(source: .connect)
                #expect(printer.state == .idle)
            } else {
                #expect(throws: CommandError.self) { try printer.markReady(source: .connect) }
                #expect(throws: CommandError.self) { try printer.cancelReady(source: .connect) }
                #expect(printer.state == state)
            }
        }
    }

    @Test("Neither logs nor descriptions tell the token or the API key")
    func secrecy() throws {
        let secret = testToken
        let lines = Shared<[String]>([])
        let troubles: [Reaction] = [
            .status(403, body: "{\"code\": \"FORBIDDEN\", \"message\": \"token \(secret) is not valid\"}"),
            .status(500, body: "oh \(secret)"), .reset, .status(400, body: secret), .command("x", "{}"), .noContent,
        ]
        let count = Shared(0)
        let server = try ScriptedServer { request in
            let number = count.change { count in
                count += 1; return count
            }
            return troubles[number % troubles.count]
        }
        var options = quickOptions
        options.telemetryInterval = .milliseconds(1)
        let printer = try makePrinter(server.settings, options: options) { level, text in
            lines.change { $0.append("\(level) \(text)") }
        }
        printer.updateInfo { $0.apiKey = "hunter2key" }
        try printer.start()
        for _ in 0..<20 { printer.sendInfo() }
        eventually("much went wrong") { lines.value.count > 40 && server.requests.count > 20 }
        printer.stop(deadline: .zero)
        #expect(lines.value.contains { $0.contains("<token>") })
        #expect(!lines.value.contains { $0.contains(secret) || $0.contains("hunter2key") })
        let settings = server.settings
        let texts = [
            "\(settings)", String(describing: settings.token), String(reflecting: settings), "\([settings.token])",
            "\(RegistrationProgress.registered(settings.token!))", "\(printer)",
        ]
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!(texts + [dumped]).contains { $0.contains(secret) })
        #expect(settings.token?.value == secret)
    }

    @Test("A printer needs a serial number")
    func serialNumber() {
        #expect(throws: PrinterError.emptySerialNumber) {
            try Printer(type: .mk3, serialNumber: "")
        }
    }
}
