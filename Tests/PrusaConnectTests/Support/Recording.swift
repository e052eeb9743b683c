import Foundation
import Testing

@testable import PrusaConnect

/// One request of the Python package and the answer that it got.
struct Exchange: Sendable {
    var method: String
    var path: String
    var headers: [(name: String, value: String)]
    var json: JSONValue?
    var status: Int
    var answerHeaders: [(String, String)]
    var answerBody: String
    /// How the server misbehaved on purpose.
    var fault: String?

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
        fault = response?["fault"]?.string
        answerHeaders = pairs(response?["headers"])
        answerBody = response?["text"]?.string ?? response?["json"]?.wireText ?? ""
    }

    /// A recording, situation by situation: `python-0.8.1`, `python-0.8.1-trouble` or `python-0.7.1`.
    static func recording(_ name: String = "python-0.8.1") throws -> [String: [Exchange]] {
        var situations: [String: [Exchange]] = [:]
        for (mark, exchanges) in try inOrder(name) { situations[mark, default: []] += exchanges }
        return situations
    }

    /// The same in its order; marks that state a fact have no exchanges of their own or those that follow.
    static func inOrder(_ name: String) throws -> [(mark: String, exchanges: [Exchange])] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/" + name, withExtension: "jsonl"))
        var situations: [(mark: String, exchanges: [Exchange])] = []
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
            let value = try JSONValue(parsing: String(line))
            if let name = value["mark"]?.string {
                situations.append((name, []))
            } else {
                situations[situations.count - 1].exchanges.append(Exchange(value))
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
        for index in all.indices where all[index].json?["event"] == "INFO" {
            // Everything on a disk has its attributes: what was moved in as part of a tree, too.
            guard let data = all[index].json?["data"], let files = data["files"] else { continue }
            let storages = (files["children"]?.array ?? []).map { $0["free_space"] == nil ? $0 : $0.withAttributes }
            change(index, [("data", data.with([("files", files.with([("children", .array(storages))]))]))])
        }
        switch situation {
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
        case "command: known, without a handler":
            // SET_VALUE came after 0.8.1.
            change(23, [("reason", "Not Implemented")])
        case "command: DIALOG_ACTION":
            // Nothing is done, so nothing is called FINISHED.
            let notImplemented: [(String, JSONValue?)] = [
                ("event", "REJECTED"), ("source", "WUI"), ("reason", "Not Implemented"), ("data", [:]),
            ]
            change(2, notImplemented)
            if all.count > 5 { change(5, notImplemented) }
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

    /// What 0.7.1 did otherwise than 0.8.1, which is what this library does.
    static func apply071(to exchanges: [Exchange], of situation: String) -> [Exchange] {
        var all = apply(to: exchanges, of: situation)
        for index in all.indices {
            // The version of the dialect.
            if all[index].json?["data"]?["sdk"] != nil, let data = all[index].json?["data"] {
                all[index].json = all[index].json?.with([("data", data.with([("sdk", "0.8.1")]))])
            }
        }
        switch situation {
        case "command: SEND_STATE_INFO is unknown to 0.7":
            all[2].json = all[2].json?.with([("event", "STATE_CHANGED"), ("source", "CONNECT"), ("reason", nil)])
        case "command: known, without a handler":
            for index in all.indices where all[index].json?["reason"] == "Unknown command" {
                all[index].json = all[index].json?.with([("reason", "Not Implemented")])
            }
        default: break
        }
        return all
    }

    /// Headers that 0.7.1 did not send.
    static let newHeaders: Set<String> = ["User-Agent-Printer", "User-Agent-Version"]

    /// Header values that differ on purpose or from run to run.
    static let freeHeaders: Set<String> = ["Host", "Accept-Encoding", "Timestamp", "Token", "Code", "Content-Length"]
}

/// Plays the server's part of a recorded situation: gives out each command when the events before it have come.
final class Replay: @unchecked Sendable {
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

/// The printer of the recordings.
func recordedPrinter(
    _ settings: ConnectSettings?, mmu: PrinterInfo.MMU? = PrinterInfo.MMU(isEnabled: false, slots: 5)
) throws -> Printer {
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
    info.mmu = mmu
    return try Printer(type: .mk3s, serialNumber: testSerial, connection: settings, info: info, options: quickOptions)
}
