import Foundation
import Testing

@testable import PrusaConnect

/// The situations of the recording in which the server or the network misbehaves. What is lost or blamed on the wrong
/// link there is not here: the tables say so situation by situation.
@Suite(.timeLimit(.minutes(2))) struct ConformanceTroubleTests {
    /// The conditions after an answer, as the recording states them: `Internet=OK, HTTP=OK, Token=OK, API=NOK`.
    private func recordedConditions(after fault: String, isEvent: Bool) throws -> String {
        var isEventPart = false
        for (mark, _) in try Exchange.inOrder("python-0.8.1-trouble") {
            if mark.hasPrefix("trouble: statuses of telemetry") { isEventPart = false }
            if mark.hasPrefix("trouble: statuses of events") || mark.hasPrefix("trouble: connections") {
                isEventPart = true
            }
            if isEventPart == isEvent, mark.hasPrefix("fact: after \(fault): ") {
                return String(mark.dropFirst("fact: after \(fault): ".count))
            }
        }
        Issue.record("no fact about \(fault)")
        return ""
    }

    /// In the recording's spelling.
    private func text(_ conditions: ConnectionConditions) -> String {
        Condition.allCases.map { "\($0)=\(conditions[$0] == .ok ? "OK" : "NOK")" }.joined(separator: ", ")
    }

    /// Answers that are blamed on another link than in the recording, and on which.
    private static let otherwise: [String: String] = [
        // A refused request is a refused request.
        "400": "Internet=OK, HTTP=OK, Token=OK, API=NOK",
        // 401 is about the token as 403 is.
        "401": "Internet=OK, HTTP=OK, Token=NOK, API=NOK",
        // The server's own trouble is HTTP's.
        "500": "Internet=OK, HTTP=NOK, Token=NOK, API=NOK",
        "502": "Internet=OK, HTTP=NOK, Token=NOK, API=NOK",
        "503": "Internet=OK, HTTP=NOK, Token=NOK, API=NOK",
        // Who began an answer was reached.
        "truncate": "Internet=OK, HTTP=NOK, Token=NOK, API=NOK",
    ]

    @Test(
        "What an answer to telemetry proves",
        arguments: ["200", "201", "202", "205", "400", "401", "403", "404", "409", "413", "429", "500", "502", "503"])
    func telemetry(_ status: String) throws {
        let recorded = try recordedConditions(after: status, isEvent: false)
        let expected = Self.otherwise[status] ?? recorded
        let isAsked = Shared(0)
        let server = try ScriptedServer { request in
            guard request.isTelemetry else { return .noContent }
            let count = isAsked.change { count in
                count += 1
                return count
            }
            return count == 2 ? .status(Int(status) ?? 0, [("Content-Type", "text/plain")], body: "oh no") : .noContent
        }
        let printer = try recordedPrinter(server.settings)
        let seen = Shared<[String]>([])
        printer.onConditions { conditions in seen.change { $0.append(text(conditions)) } }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("asked often enough") { isAsked.value >= 4 && printer.conditions.isConnected }
        let fine = "Internet=OK, HTTP=OK, Token=OK, API=OK"
        eventually("told") { seen.value.last == fine }
        #expect(seen.value.contains(expected) && seen.value.allSatisfy { $0 == fine || $0 == expected })
        if status == "200" {
            // Without Command-Id it is no command.
            #expect(server.events.first?.json?["reason"] == "Invalid Command-Id header")
        }
    }

    @Test("What becomes of an event", arguments: ["400", "403", "500", "reset", "close", "garbage", "truncate"])
    func events(_ fault: String) throws {
        let recorded = try recordedConditions(after: fault, isEvent: true)
        let expected = Self.otherwise[fault] ?? recorded
        let attempts = Shared(0)
        let server = try ScriptedServer { request in
            guard request.isEvent else { return .noContent }
            let isFirst = attempts.change { count in
                count += 1
                return count == 1
            }
            guard isFirst else { return .noContent }
            switch fault {
            case "reset": return .reset
            case "close": return .close
            case "garbage": return .raw("garbage\r\n\r\n")
            case "truncate": return .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            default: return .status(Int(fault) ?? 0, [("Content-Type", "text/plain")], body: "oh no")
            }
        }
        let printer = try recordedPrinter(server.settings)
        let seen = Shared<[String]>([])
        printer.onConditions { conditions in seen.change { $0.append(text(conditions)) } }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("connected") { printer.conditions.isConnected }
        printer.send(event: .info, source: .wui, data: ["active_sheet": 1])
        eventually("it is gone") { printer.waitingEvents == 0 && printer.conditions.isConnected }
        // The package sends each once. Here only what the server has understood and refused is given up.
        #expect(attempts.value == (fault == "400" ? 1 : 2) || fault == "close")
        // libcurl itself tries a connection again that was closed before the answer began.
        if fault != "close", fault != "reset" { #expect(seen.value.contains(expected)) }
        #expect(Set(server.events.map(\.body)).count == 1)
    }

    @Test("Redirects are not followed: the token stays where it is")
    func redirects() throws {
        let exchanges = try #require(try Exchange.recording("python-0.8.1-trouble")["trouble: redirects are followed"])
        let elsewhere = try ScriptedServer()
        let server = try ScriptedServer { _ in
            .respond(exchanges[0].status, [("Location", "http://127.0.0.1:\(elsewhere.port)/p/telemetry")], "")
        }
        let printer = try recordedPrinter(server.settings)
        try printer.start()
        eventually("asked more than once") { server.requests.count >= 3 }
        printer.stop(deadline: .zero)
        #expect(elsewhere.requests.isEmpty && server.requests[0].json == exchanges[0].json)
    }

    @Test("A revoked token: told, kept, and taken again when it is valid again; the event comes through")
    func revoked() throws {
        let exchanges = try #require(try Exchange.recording("python-0.8.1-trouble")["trouble: the token is revoked"])
        let server = try ScriptedServer { request in
            let recorded = exchanges[request.isEvent ? 1 : 0]
            return .respond(recorded.status, recorded.answerHeaders, recorded.answerBody)
        }
        let printer = try recordedPrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        printer.send(event: .info, source: .wui, data: ["active_sheet": 3])
        eventually("broken") { printer.conditions.firstBroken == .token && server.requests.count > 2 }
        #expect(printer.connection?.token?.value == testToken)
        server.setScript { _ in .noContent }
        eventually("fine") { printer.conditions.isConnected && printer.waitingEvents == 0 }
        #expect(server.events.last?.json == exchanges[1].json)
    }

    @Test("A registration whose poll fails goes on, where the package ends without a word")
    func pollFails() async throws {
        let recording = try Exchange.recording("python-0.8.1-trouble")
        let exchanges = try #require(recording["trouble: the registration poll fails once"])
        let count = Shared(0)
        let server = try ScriptedServer { _ in
            let number = count.change { count in
                defer { count += 1 }
                return count
            }
            guard number < exchanges.count else { return .status(200, [("Token", "fresh-token-12345678")]) }
            return .respond(exchanges[number].status, exchanges[number].answerHeaders, exchanges[number].answerBody)
        }
        var settings = server.settings
        settings.token = nil
        let printer = try recordedPrinter(settings)
        var last: RegistrationProgress?
        for await step in printer.register() { last = step }
        #expect(last == Token("fresh-token-12345678").map(RegistrationProgress.registered))
        for (received, recorded) in zip(server.requests, exchanges) {
            #expect(received.method == recorded.method && received.json == recorded.json)
        }
        #expect(server.requests.count == 3)
    }

    @Test("A late answer still counts")
    func late() throws {
        let recording = try Exchange.recording("python-0.8.1-trouble")
        let exchanges = try #require(recording["trouble: a late answer still counts"])
        let isGiven = Shared(false)
        let server = try ScriptedServer { request in
            let isFirst = isGiven.change { isGiven in
                defer { isGiven = true }
                return !isGiven
            }
            guard isFirst else { return .noContent }
            usleep(300_000)
            return .respond(200, exchanges[0].answerHeaders, exchanges[0].answerBody)
        }
        let printer = try recordedPrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("answered") { server.events.map(\.eventKind) == ["ACCEPTED", "INFO"] }
        #expect(server.events[0].json == exchanges[1].json)
    }

    @Test("The clock: one adjustment of more than a second is told once, a smaller one is not")
    func clock() throws {
        let adjusted = try #require(try Exchange.recording()["clock: an adjustment is reported once"])
        let small = try #require(
            try Exchange.recording("python-0.8.1-trouble")["clock: less than a second is no adjustment"])
        let server = try ScriptedServer()
        let offset = Shared<Duration>(.zero)
        let clock = ConnectClock(
            monotonic: ConnectClock.system.monotonic, wall: { ConnectClock.system.wall() + offset.value })
        let printer = try Printer(
            type: .mk3s, serialNumber: testSerial, fingerprint: nil, connection: server.settings, info: PrinterInfo(),
            options: quickOptions, log: nil, clock: clock,
            makeTransport: { () throws(TransportError) -> any Transport in try CurlTransport() })
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        for (change, exchanges) in [(Duration.seconds(3600), adjusted), (.milliseconds(700), small)] {
            let before = server.requests.count
            eventually("runs") { server.requests.count > before + 1 }
            let changed = server.requests.count
            offset.change { $0 += change }
            eventually("told") { server.requests.count > changed + 4 }
            let told = server.requests[changed...].filter { $0.header("Clock-Adjusted") == "1" }
            #expect(told.count == exchanges.count { $0.headers.contains { $0.name == "Clock-Adjusted" } })
        }
    }

    @Test("Telemetry with a time of its own, and events without a token")
    func small() throws {
        let recording = try Exchange.recording("python-0.8.1-trouble")
        let exchanges = try #require(recording["telemetry: own timestamp, integer and fraction"])
        #expect(recording["offline: no token, no events"]?.isEmpty ?? true)
        let server = try ScriptedServer()
        var settings = server.settings
        settings.token = nil
        let printer = try recordedPrinter(settings)
        printer.send(event: .info, source: .wui)
        #expect(printer.waitingEvents == 0)
        printer.jobID = 42
        printer.telemetry(Telemetry(), timestamp: Timestamp(tenths: 17_193_120_000))
        printer.connection = server.settings
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("telemetry") { !server.requests.isEmpty }
        #expect(server.requests[0].json == exchanges[0].json)
        #expect(server.requests[0].header("Timestamp") == "1719312000.0")
    }
}
