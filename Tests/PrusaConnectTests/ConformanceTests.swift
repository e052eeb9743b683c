import Foundation
import Testing

@testable import PrusaConnect

/// One request of the Python package 0.8.1 and the answer that it got.
struct Exchange: Sendable {
    var method: String
    var path: String
    var headers: [(name: String, value: String)]
    var json: JSONValue?
    var status: Int
    var answerHeaders: [(String, String)]
    var answerBody: String

    var isCommand: Bool { path == Wire.telemetryPath && status == 200 }

    init(_ line: JSONValue) {
        func pairs(_ value: JSONValue?) -> [(String, String)] {
            (value?.array ?? []).map { ($0.array?.first?.string ?? "", $0.array?.last?.string ?? "") }
        }
        method = line["method"]?.string ?? ""
        path = line["path"]?.string ?? ""
        headers = pairs(line["headers"]).map { (name: $0.0, value: $0.1) }
        json = line["json"]
        let response = line["response"]
        status = Int(response?["status"]?.int ?? 0)
        answerHeaders = pairs(response?["headers"])
        answerBody = response?["text"]?.string ?? response?["json"]?.wireText ?? ""
    }

    /// The recording, situation by situation.
    static func recording() throws -> [String: [Exchange]] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/python-0.8.1", withExtension: "jsonl"))
        var situations: [String: [Exchange]] = [:]
        var mark = ""
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
            let value = try JSONValue(parsing: String(line))
            if let name = value["mark"]?.string {
                mark = name
            } else {
                situations[mark, default: []].append(Exchange(value))
            }
        }
        return situations
    }
}

extension JSONValue {
    /// The value with some keys set anew; a key set to `nil` goes away.
    func with(_ changes: [(String, JSONValue?)]) -> JSONValue {
        var object = object ?? JSONObject()
        for (key, value) in changes { object[key] = value }
        return .object(object)
    }
}

/// Where this library means to differ from the recording: it corrects what was recorded before it is compared.
enum IntendedDifference {
    static func apply(to exchanges: [Exchange], of situation: String) -> [Exchange] {
        var all = exchanges
        func change(_ index: Int, _ changes: [(String, JSONValue?)]) {
            all[index].json = all[index].json?.with(changes)
        }
        switch situation {
        case "command: SEND_INFO", "command: SEND_INFO with an MMU":
            // Everything on a disk has its attributes: what was moved in as part of a tree, too.
            guard let data = all[2].json?["data"], let files = data["files"] else { break }
            let storages = (files["children"]?.array ?? []).map { $0["free_space"] == nil ? $0 : $0.withAttributes }
            change(2, [("data", data.with([("files", files.with([("children", .array(storages))]))]))])
        case "ids: a finished command is repeated":
            // A repeat gets the same answer, not FINISHED without data.
            all[4].json = all[2].json
        case "ids: a failed command is repeated":
            change(2, [("data", ["error": "nothing to pause"])])
            all[4].json = all[2].json
        case "ids: a rejected command is repeated": all[4].json = all[2].json
        case "ids: a repeated RESET_PRINTER runs again":
            // The printer is not reset a second time.
            all.remove(at: 4)
        case "ids: Command-Id 0":
            // 0 is an id.
            change(1, [("command_id", 0)])
            change(2, [("command_id", 0)])
        case "command: a handler raises":
            // The message instead of Python's repr.
            change(2, [("data", ["error": "nothing to pause"])])
        case "command: SET_PRINTER_READY / CANCEL_PRINTER_READY":
            change(10, [("data", ["error": "Can't cancel, printer isn't ready"])])
        case "command: SET_PRINTER_READY while printing is not refused":
            // It is refused: no STATE_CHANGED READY.
            all = Array(all[1...2]) + [all[4]]
            change(
                2,
                [
                    ("event", "FAILED"), ("source", "WUI"), ("reason", "Command error"), ("state", "PRINTING"),
                    ("data", ["error": "Can't set ready, printer is PRINTING"]),
                ])
        case "command: DIALOG_ACTION":
            // Nothing is done, so nothing is called FINISHED.
            let notImplemented: [(String, JSONValue?)] = [
                ("event", "REJECTED"), ("source", "WUI"), ("reason", "Not Implemented"), ("data", [:]),
            ]
            change(2, notImplemented)
            change(5, notImplemented)
        case "content types and bodies":
            // Reasons of this library's own parser, and text/x.gcode may have parameters.
            change(8, [("event", "ACCEPTED"), ("reason", nil)])
            var finished = all[8]
            finished.json = finished.json?.with([("event", "FINISHED"), ("source", "MARLIN")])
            change(10, [("reason", "Expected a key in double quotes at byte 1")])
            change(12, [("reason", "Command is not a JSON object")])
            change(14, [("reason", "Expected a JSON value at byte 0")])
            all.insert(finished, at: 9)
        default: break
        }
        return all
    }

    /// Header values that differ on purpose or from run to run.
    static let freeHeaders: Set<String> = ["Host", "Accept-Encoding", "Timestamp", "Token", "Code", "Content-Length"]
}

/// Plays the server's part of a recorded situation: gives out each command when the events before it have come.
private final class Replay: @unchecked Sendable {
    // @unchecked: mutable state is in a `Shared` box.
    private struct State {
        var next = 0
        var events: [ReceivedRequest] = []
    }

    let exchanges: [Exchange]
    private let state = Shared(State())

    init(_ exchanges: [Exchange]) { self.exchanges = exchanges }

    var events: [ReceivedRequest] { state.value.events }
    var isDone: Bool { state.value.next >= exchanges.count }

    /// Whether the recording waits for the end of this command.
    func waitsForEnd(of id: UInt64) -> Bool {
        let next = state.value.next
        guard next < exchanges.count, let json = exchanges[next].json else { return next >= exchanges.count }
        return json["command_id"]?.unsigned == id && json["event"] != "ACCEPTED"
            && exchanges[next].path == Wire.eventsPath
    }

    func react(_ request: ReceivedRequest) -> Reaction {
        state.change { state in
            let expected = state.next < exchanges.count ? exchanges[state.next] : nil
            if request.isEvent {
                state.events.append(request)
                state.next += 1
                return .noContent
            }
            guard let expected, expected.isCommand else { return .noContent }
            state.next += 1
            return .respond(200, expected.answerHeaders, expected.answerBody)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct ConformanceTests {
    private func checkHeaders(_ received: ReceivedRequest, _ expected: Exchange, _ situation: String) {
        #expect(received.headers.map(\.name) == expected.headers.map(\.name), "\(situation)")
        for (ours, theirs) in zip(received.headers, expected.headers)
        where !IntendedDifference.freeHeaders.contains(ours.name) {
            #expect(ours.value == theirs.value, "\(situation)")
        }
    }

    /// The printer of the recording.
    private func recordedPrinter(_ settings: ConnectSettings?, mmuVersion: String? = nil, mmu: Bool = false) throws
        -> Printer
    {
        var info = PrinterInfo()
        info.firmware = "3.14.0-8066"
        info.softwareVersion = "0.8.1"
        info.apiKey = "key1234"
        info.network.hostname = "prusa-mk3s"
        info.network.lanIPv4 = "192.168.1.101"
        info.network.lanMAC = "b8:27:eb:00:11:22"
        info.network.username = "maker"
        info.meshHeights = [0.1, -0.2, 0, 0.05]
        info.sheets = [PrinterInfo.Sheet(name: "Smooth1", zOffset: -0.5)]
        info.activeSheet = 0
        info.mmu = PrinterInfo.MMU(isEnabled: mmu, version: mmuVersion, slots: 5)
        return try Printer(
            type: .mk3s, serialNumber: testSerial, connection: settings, info: info, options: quickOptions)
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
    func commands(_ situation: String) throws {
        let recording = try Exchange.recording()
        var recorded = try #require(recording[situation])
        if situation.hasPrefix("ids: a running command") {
            recorded += recording["ids: telemetry of a running command names it"] ?? []
        }
        let replay = Replay(IntendedDifference.apply(to: recorded, of: situation))
        let server = try ScriptedServer { replay.react($0) }
        let isEarly = situation.hasPrefix("command: SEND_INFO") && !situation.hasSuffix("MMU")
        let printer = try recordedPrinter(nil, mmuVersion: isEarly ? nil : "3.0.1+892", mmu: situation.hasSuffix("MMU"))
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
