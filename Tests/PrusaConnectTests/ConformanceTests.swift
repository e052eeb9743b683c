import Foundation
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct ConformanceTests {
    private func checkHeaders(_ received: ReceivedRequest, _ expected: Exchange, _ situation: String) {
        let isOld = !expected.headers.contains { $0.name == "User-Agent-Printer" }
        let headers = received.headers.filter { !isOld || !IntendedDifference.newHeaders.contains($0.name) }
        #expect(headers.map(\.name) == expected.headers.map(\.name), "\(situation)")
        for (ours, theirs) in zip(headers, expected.headers)
        where !(isOld && ours.name == "User-Agent") && !IntendedDifference.freeHeaders.contains(ours.name) {
            #expect(ours.value == theirs.value, "\(situation)")
        }
    }

    @Test(
        "Commands: arrival checks, life, repeats, answers",
        arguments: [
            "command: SEND_INFO", "command: SEND_INFO with an MMU", "command: SEND_STATE_INFO",
            "command: SET_PRINTER_READY / CANCEL_PRINTER_READY",
            "command: SET_PRINTER_READY while printing is not refused",
            "command: DIALOG_ACTION", "command: GCODE", "command: a handler raises",
            "command: known, without a handler",
            "command: unknown", "command: JSON without a command", "ids: a finished command is repeated",
            "ids: a failed command is repeated", "ids: a rejected command is repeated",
            "ids: a running command is repeated, another one comes", "ids: RESET_PRINTER interrupts a running command",
            "ids: a repeated RESET_PRINTER runs again", "ids: Command-Id missing, empty, not a number",
            "ids: Command-Id 0", "content types and bodies",
        ])
    func commands(_ situation: String) throws { try replay(situation) }

    @Test(
        "Commands as 0.7.1 answered them, but for what 0.8.1 changed",
        arguments: [
            "command: SEND_INFO", "command: SEND_STATE_INFO is unknown to 0.7", "command: DIALOG_ACTION",
            "command: GCODE", "command: known, without a handler", "ids: a finished command is repeated",
            "ids: a running command is repeated, another one comes", "ids: RESET_PRINTER interrupts a running command",
            "content types and bodies",
        ])
    func commandsOf071(_ situation: String) throws { try replay(situation, of: "0.7.1") }

    private func replay(_ situation: String, of version: String = "0.8.1") throws {
        let isOld = version == "0.7.1"
        let recording = try Exchange.recording("python-\(version)")
        var recorded = try #require(recording[situation])
        if situation.hasPrefix("ids: a running command") {
            recorded += recording["ids: telemetry of a running command names it"] ?? []
        }
        let replay = Replay(
            isOld
                ? IntendedDifference.apply071(to: recorded, of: situation)
                : IntendedDifference.apply(to: recorded, of: situation))
        let server = try ScriptedServer { replay.react($0) }
        let isEarly = situation.hasPrefix("command: SEND_INFO") && !situation.hasSuffix("MMU")
        let mmu = PrinterInfo.MMU(
            isEnabled: situation.hasSuffix("MMU"), version: isEarly ? nil : "3.0.1+892", slots: 5)
        let printer = try recordedPrinter(nil, mmu: isOld ? nil : mmu)
        let folder = try TemporaryDirectory()
        let files = replay.exchanges.compactMap { $0.json?["data"]?["files"] }.first
        for storage in files?["children"]?.array ?? [] { try printer.attach(folder.recorded(storage)) }
        let gcodes = Shared<[String]>([])
        printer.on(.gcode) { command in
            gcodes.change { $0.append("\(command.gcode ?? "") \(command.isForced)") }
            return .finished(source: .marlin)
        }
        printer.on(.pausePrint) { _ in throw CommandError("nothing to pause") }
        printer.on(.startPrint) { command in
            while !command.isInterrupted, !replay.waitsForEnd(of: command.id) { usleep(1000) }
            return .finished
        }
        printer.on(.resetPrinter) { _ in .finished }
        // Without a token nothing of this is sent.
        printer.setState(situation.contains("while printing") ? .printing : .idle, source: .user)
        printer.connection = server.settings
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("\(situation) is over") { replay.isDone && printer.waitingEvents == 0 }
        let expected = replay.exchanges.filter { $0.path == Wire.eventsPath }
        for (received, expected) in zip(replay.events, expected) {
            #expect(received.json?.normalised == expected.json?.normalised, "\(situation)")
            checkHeaders(received, expected, situation)
        }
        #expect(replay.events.count == expected.count)
        if situation == "command: GCODE" {
            #expect(
                gcodes.value == [
                    "G28\nM104 S215 false", "M117 hot true", "M117 0 false", "M300 false", "M117 Žluť false",
                ])
        }
        for received in server.requests where received.isTelemetry {
            checkHeaders(received, try #require(recorded.first { $0.isCommand }), situation)
        }
    }

    @Test("Events: envelope and kinds")
    func events() throws {
        let recording = try Exchange.recording()
        let situations = [
            "events: states, every value", "events: with a job", "events: the remaining kinds",
            "events: None and empty values inside data are filtered",
        ]
        let expected = situations.flatMap { recording[$0] ?? [] }
        let server = try ScriptedServer()
        let printer = try recordedPrinter(server.settings)
        for exchange in expected {
            let json = try #require(exchange.json)
            let kind = try #require(EventKind(rawValue: json["event"]?.string ?? ""))
            let source = try #require(EventSource(rawValue: json["source"]?.string ?? ""))
            let state = try #require(PrinterState(rawValue: json["state"]?.string ?? ""))
            let reason = json["reason"]?.string
            let dialog = json["dialog_id"]?.unsigned
            let job = json["job_id"]?.unsigned
            if kind == .stateChanged {
                printer.setState(state, source: source, reason: reason, jobID: job, dialogID: dialog)
                continue
            }
            printer.jobID = job
            var data = json["data"]?.object ?? [:]
            data["unknown"] = .null
            // Ids of transfers are names in the recording.
            let transfer: UInt64? = json["transfer_id"] == nil ? nil : 99
            printer.send(
                event: kind, source: source, reason: reason, data: data, transferID: transfer, dialogID: dialog,
                state: state)
            printer.jobID = nil
        }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all there") { server.events.count == expected.count }
        for (received, exchange) in zip(server.events, expected) {
            let json = exchange.json?["transfer_id"] == nil ? exchange.json : exchange.json?.with([("transfer_id", 99)])
            #expect(received.json == json)
            checkHeaders(received, exchange, "events")
        }
        #expect(expected.count > 25)
    }

    @Test("Telemetry: every field, zeros kept, slots, job")
    func telemetry() throws {
        let recording = try Exchange.recording()
        var full = Telemetry()
        (full.x, full.y, full.z) = (12.5, 100, 0.6)
        (full.nozzleTemperature, full.nozzleTarget, full.bedTemperature, full.bedTarget) = (214.9, 215, 60.1, 60)
        (full.extruderFan, full.hotendFan, full.printFan) = (5030, 5030, 2012)
        (full.extruderFanTarget, full.hotendFanTarget, full.printFanTarget) = (0, 0, 80)
        (full.progress, full.flow, full.speed, full.timePrinting, full.timeRemaining) = (12, 95, 100, 754, 5400)
        (full.filamentChangeIn, full.inaccurateEstimates, full.material) = (300, false, "PLA")
        (full.totalFilament, full.totalPrintTime) = (1_234_000, 86400)
        var zeros = Telemetry()
        (zeros.material, zeros.progress, zeros.bedTemperature, zeros.extra) = ("", 0, 0, ["temp_nozzle": nil])
        var slots = Telemetry()
        var slot = Telemetry.SlotTelemetry()
        (slot.active, slot.state, slot.command, slot.progress) = (2, 0, "T1", 50)
        slot.filaments = [1: .init(material: "PLA", temperature: 215, printFan: 1200), 2: .init(material: "PETG")]
        slots.slot = slot
        var job = Telemetry()
        job.progress = 1
        let cases: [(String, Telemetry, UInt64?)] = [
            ("telemetry: nothing but the state", Telemetry(), nil), ("telemetry: every field of a MK3S", full, nil),
            ("telemetry: None is left out, zero is kept", zeros, nil), ("telemetry: MMU slots", slots, nil),
            ("telemetry: with a job", job, 42),
        ]
        for (situation, telemetry, jobID) in cases {
            let expected = try #require(recording[situation]?.first)
            let server = try ScriptedServer()
            let printer = try recordedPrinter(server.settings)
            printer.telemetry(telemetry)
            printer.jobID = jobID
            try printer.start()
            eventually("telemetry") { server.requests.count >= 2 }
            printer.stop(deadline: .zero)
            let first = try #require(server.requests.first)
            #expect(first.json == expected.json, "\(situation)")
            checkHeaders(first, expected, situation)
            #expect(
                server.requests[1].json == .object(jobID == nil ? ["state": "BUSY"] : ["job_id": 42, "state": "BUSY"]))
        }
    }

    @Test("Registration: the code, two polls, the token")
    func registration() async throws {
        let exchanges = try #require(try Exchange.recording()["registration: code, two polls, token"])
        let count = Shared(0)
        let server = try ScriptedServer { request in
            guard request.isRegistration else { return .noContent }
            let exchange = exchanges[
                min(
                    count.change { count in
                        defer { count += 1 }; return count
                    }, exchanges.count - 1)]
            return .respond(exchange.status, exchange.answerHeaders, exchange.answerBody)
        }
        var settings = server.settings
        settings.token = nil
        let printer = try recordedPrinter(settings)
        var progress: [RegistrationProgress] = []
        for await step in printer.register() { progress.append(step) }
        let token = try #require(Token("<token-1>"))
        #expect(progress.last == .registered(token) && progress.count == 2)
        #expect(server.requests.count == exchanges.count)
        for (received, exchange) in zip(server.requests, exchanges) {
            #expect(received.method == exchange.method && received.json == exchange.json)
            checkHeaders(received, exchange, "registration")
        }
    }

    @Test("Registration: refusals end it, trouble of the server does not")
    func registrationRefused() throws {
        let exchanges = try #require(try Exchange.recording()["registration: the server refuses"])
        for exchange in exchanges {
            let server = try ScriptedServer { _ in
                .respond(exchange.status, exchange.answerHeaders, exchange.answerBody)
            }
            var settings = server.settings
            settings.token = nil
            let printer = try recordedPrinter(settings)
            let steps = Shared<[RegistrationProgress]>([])
            printer.register { step in steps.change { $0.append(step) } }
            if exchange.status == 403 {
                eventually("ends") { steps.value == [.failed(.refused(status: 403, message: exchange.answerBody))] }
            } else {
                // The Python package gives up here.
                eventually("goes on") { steps.value.count >= 3 && steps.value.allSatisfy { !$0.isEnd } }
            }
            printer.stop()
            #expect(try #require(server.requests.first).json == exchange.json)
            checkHeaders(try #require(server.requests.first), exchange, "registration")
        }
    }
}
