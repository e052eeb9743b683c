import Foundation
import Testing

@testable import PrusaConnect

/// A recorded situation of downloads: the server's part, and what the printer's side has to say.
private struct RecordedTransfers {
    /// Commands and events in their order.
    var steps: [Exchange] = []
    /// Requests for files in their order.
    var fetches: [Exchange] = []

    init(_ exchanges: [Exchange]) {
        for exchange in exchanges {
            if exchange.isCommand || exchange.path == Wire.eventsPath {
                // States come from the application.
                if exchange.json?["event"] != "STATE_CHANGED" { steps.append(exchange) }
            } else {
                fetches.append(exchange)
            }
        }
    }

    /// Where this library means to differ from the recording.
    mutating func applyIntendedDifferences(_ situation: String) {
        switch situation {
        case "download: STOP_TRANSFER without a transfer":
            // Nothing was stopped, so nothing is called FINISHED.
            change(2, [("event", "REJECTED"), ("reason", "No transfer in progress")])
        case "download: SEND_TRANSFER_INFO without a transfer":
            change(5, [("data", ["error": "Not current transfer."])])
        case "download: slow one, telemetry, info, a second, stop":
            // A repeat gets the same answer again, not FINISHED.
            steps[11] = steps[9]
            change(14, [("data", ["error": "Wrong transfer_id"])])
        case "download: bad requests": useOwnTexts()
        case "download: the server's part fails":
            // Parameters of a media type do not matter.
            steps[20] = Exchange(event: "TRANSFER_FINISHED", like: steps[20])
            steps.insert(Exchange(event: "TRANSFER_INFO", size: 4096, like: steps[19]), at: 20)
        case "download: compressed on the way":
            // The size of what comes would not be that of the file.
            steps.remove(at: 3)
            steps[3] = Exchange(event: "TRANSFER_ABORTED", like: steps[3])
            change(3, [("reason", "Invalid content encoding: gzip")])
        case "quirk: a refused destination downloads nevertheless":
            steps = Array(steps[..<8])
            change(7, [("data", ["error": "Invalid storage: `nostorage` in `/nostorage/evil.gcode`"])])
            fetches.removeLast()
        case "quirk: destination outside, same prefix":
            refuse("Path leads outside of its storage: /local/../gcodes-evil/esc.gcode")
        case "quirk: overwriting the printed file": refuse("This file is currently printed")
        case "quirk: host with a similar name gets the credentials",
            "quirk: redirect from Connect to elsewhere carries them":
            // Nobody but Connect gets them.
            let last = fetches.count - 1
            fetches[last].headers = Array(fetches[last].headers.prefix(5))
        default: break
        }
    }

    private mutating func change(_ index: Int, _ changes: [(String, JSONValue?)]) {
        steps[index].json = steps[index].json?.with(changes)
    }

    /// The command fails at once and nothing is downloaded.
    private mutating func refuse(_ error: String) {
        steps = Array(steps[..<3])
        change(
            2,
            [
                ("event", "FAILED"), ("source", "WUI"), ("data", ["error": .string(error)]), ("transfer_id", nil),
                ("reason", "Command error"),
            ])
        fetches = []
    }

    /// Messages for people instead of Python's `repr`.
    private mutating func useOwnTexts() {
        let texts = [
            "START_URL_DOWNLOAD requires path", "START_URL_DOWNLOAD requires url",
            "Forbidden characters in filename or foldername", "Forbidden characters in filename or foldername",
            "Filename length is too long", "Foldername length is too long", "START_URL_DOWNLOAD requires path",
            "START_CONNECT_DOWNLOAD requires team_id", "START_CONNECT_DOWNLOAD requires team_id",
        ]
        for (number, text) in texts.enumerated() { change(number * 3 + 2, [("data", ["error": .string(text)])]) }
    }
}

extension Exchange {
    /// An event of the same transfer as another one.
    init(event: String, size: Int64? = nil, like other: Exchange) {
        self = other
        var changes: [(String, JSONValue?)] = [("event", .string(event)), ("reason", nil), ("command_id", nil)]
        if let size {
            let data = other.json?["data"]?.with([("size", .int(size))]) ?? [:]
            changes += [("data", data), ("source", "WUI")]
        }
        json = json?.with(changes)
    }
}

/// Plays Connect and the other host of the recording.
private final class TransferReplay: @unchecked Sendable {
    // @unchecked: mutable state is in `Shared` boxes; `printer` and the addresses are set before the printer starts.
    private struct State {
        var next = 0
        var fetched = 0
        var events: [JSONValue] = []
        var fetches: [ReceivedRequest] = []
    }

    let recorded: RecordedTransfers
    var printer: Printer?
    var connect = ""
    var elsewhere = ""
    private let situation: String
    private let state = Shared(State())
    /// An id that no transfer here has.
    private static let wrongID: JSONValue = 0

    init(_ recorded: RecordedTransfers, _ situation: String) { (self.recorded, self.situation) = (recorded, situation) }

    var isDone: Bool { state.value.next >= recorded.steps.count }
    var events: [JSONValue] { state.value.events }
    var fetches: [ReceivedRequest] { state.value.fetches }

    func react(_ request: ReceivedRequest) -> Reaction {
        state.change { state in
            if request.isEvent {
                if let json = request.json, !TransferRig.otherEvents.contains(json["event"]?.string ?? "") {
                    state.events.append(json)
                    state.next += 1
                }
                return .noContent
            }
            guard request.isTelemetry else { return fetch(request, &state) }
            guard state.next < recorded.steps.count, recorded.steps[state.next].isCommand, mayGive(state) else {
                return .noContent
            }
            defer { state.next += 1 }
            let step = recorded.steps[state.next]
            return .respond(200, step.answerHeaders, replaceNames(in: step.answerBody, fetch: state.fetched))
        }
    }

    /// The slow download is asked about when it has come as far as in the recording.
    private func mayGive(_ state: State) -> Bool {
        guard situation.hasPrefix("download: slow"), state.next > 0 else { return true }
        return printer?.transfer?.transferred == 102_400
    }

    /// Who is asked for the next file: without credentials in the recording it was the other host.
    private func host(ofFetch number: Int) -> String {
        guard number < recorded.fetches.count else { return elsewhere }
        return recorded.fetches[number].headers.count > 5 ? connect : elsewhere
    }

    private func replaceNames(in text: String, fetch: Int) -> String {
        let text = text.replacingOccurrences(of: "http://<host>", with: host(ofFetch: fetch))
        return text.replacingOccurrences(of: "\"<transfer-7>\"", with: Self.wrongID.wireText)
    }

    private func fetch(_ request: ReceivedRequest, _ state: inout State) -> Reaction {
        let isNew =
            state.fetched < recorded.fetches.count
            && request.target.hasPrefix(recorded.fetches[state.fetched].path)
            && state.fetches.last?.target != request.target
        if isNew { state.fetched += 1 }
        // An attempt more than the recording has gets the same answer.
        let exchange = recorded.fetches[max(state.fetched - 1, 0)]
        state.fetches.append(request)
        func query(_ name: String) -> Int? {
            let parts = request.target.split(whereSeparator: { "?&".contains($0) })
            return parts.first { $0.hasPrefix(name + "=") }.flatMap { Int($0.dropFirst(name.count + 1)) }
        }
        let body = exchange.answerBody.isEmpty ? gcodeText(query("size") ?? 0) : exchange.answerBody
        var head = "HTTP/1.1 \(exchange.status) Text\r\n"
        var isChunked = false
        for (name, value) in exchange.answerHeaders {
            let value = name == "Content-Length" ? String(query("length") ?? body.utf8.count) : value
            isChunked = isChunked || name == "Transfer-Encoding"
            head += "\(name): \(replaceNames(in: value, fetch: state.fetched))\r\n"
        }
        head += "\r\n"
        if query("rate") != nil { return .stall(head + body.prefix(102_400)) }
        let size = String(body.utf8.count, radix: 16)
        let chunks = body.isEmpty ? "0\r\n\r\n" : "\(size)\r\n\(body)\r\n0\r\n\r\n"
        return .raw(head + (isChunked ? chunks : String(body.prefix(query("cut_at") ?? query("reset_at") ?? .max))))
    }
}

@Suite(.timeLimit(.minutes(2))) struct TransferConformanceTests {
    /// Values that change from run to run become names, as in the recording.
    private func normalised(_ event: JSONValue, _ ids: inout [JSONValue], hosts: [String]) -> JSONValue {
        var changes: [(String, JSONValue?)] = [("state", nil)]
        if let id = event["transfer_id"] {
            if !ids.contains(id) { ids.append(id) }
            changes.append(("transfer_id", .string("transfer \(ids.firstIndex(of: id) ?? -1)")))
        }
        var data: [(String, JSONValue?)] = []
        for key in ["time_transferring", "time_remaining"] where event["data"]?[key] != nil {
            data.append((key, "<seconds>"))
        }
        if let url = event["data"]?["url"]?.string {
            let name = hosts.reduce(url) { $0.replacingOccurrences(of: $1, with: "http://<host>") }
            data.append(("url", .string(name)))
        }
        if let old = event["data"] { changes.append(("data", old.with(data))) }
        // What went wrong with a connection is told in the words of the library that made it.
        if event["event"] == "TRANSFER_ABORTED", event["reason"]?.string?.hasPrefix("Invalid ") == false {
            changes.append(("reason", nil))
        }
        return event.with(changes)
    }

    @Test(
        "Downloads",
        arguments: [
            "download: from a URL on another host", "download: from Connect",
            "download: from a URL on the Connect host", "download: SEND_TRANSFER_INFO without a transfer",
            "download: STOP_TRANSFER without a transfer", "download: slow one, telemetry, info, a second, stop",
            "download: bad requests", "download: names that pass", "download: the server's part fails",
            "download: connection refused", "download: variants that work", "download: compressed on the way",
            "download: redirected", "quirk: host with a similar name gets the credentials",
            "quirk: redirect from Connect to elsewhere carries them",
            "quirk: a refused destination downloads nevertheless", "quirk: destination outside, same prefix",
            "quirk: overwriting the printed file",
        ])
    func downloads(_ situation: String) throws {
        let all = try Exchange.recording("python-0.8.1-downloads")
        var recorded = RecordedTransfers(try #require(all[situation]))
        recorded.applyIntendedDifferences(situation)
        let replay = TransferReplay(recorded, situation)
        let connect = try ScriptedServer { replay.react($0) }
        let other = try ScriptedServer { replay.react($0) }
        replay.connect = connect.settings.server.baseURL
        replay.elsewhere = other.settings.server.baseURL
        if situation.hasSuffix("refused") { other.stop() }
        let directory = try TemporaryDirectory()
        var options = quickOptions
        options.transfers.attempts = 2
        var info = PrinterInfo()
        info.softwareVersion = "0.8.1"
        let printer = try Printer(
            type: .mk3s, serialNumber: testSerial, connection: connect.settings, info: info, options: options)
        try printer.attach(Storage(name: "local", directory: directory.path))
        printer.onPrintedFile { "/local/printing.gcode" }
        replay.printer = printer
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("\(situation) is over") { replay.isDone && printer.waitingEvents == 0 && printer.transfer == nil }
        var ids: [JSONValue] = []
        let hosts = [replay.connect, replay.elsewhere]
        let received = replay.events.map { normalised($0, &ids, hosts: hosts) }
        ids = []
        let expected = recorded.steps.compactMap { $0.isCommand ? nil : $0.json }
            .map { normalised($0, &ids, hosts: hosts) }
        #expect(received.count == expected.count)
        for (received, expected) in zip(received, expected) { #expect(received == expected, "\(situation)") }
        checkFetches(replay.fetches, recorded.fetches, situation)
        // Nothing is left of what failed.
        let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
        #expect(!names.contains { $0.hasSuffix(".part") })
    }

    private func checkFetches(_ received: [ReceivedRequest], _ expected: [Exchange], _ situation: String) {
        var rest = expected[...]
        for request in received {
            guard let exchange = rest.first(where: { request.target.hasPrefix($0.path) }) ?? expected.last else {
                Issue.record("\(situation): \(request.target) was not to be asked for")
                return
            }
            if rest.first?.path == exchange.path { rest = rest.dropFirst() }
            #expect(request.headers.map(\.name) == exchange.headers.map(\.name), "\(situation)")
            for (ours, theirs) in zip(request.headers, exchange.headers)
            where !IntendedDifference.freeHeaders.contains(ours.name) {
                #expect(ours.value == theirs.value, "\(situation)")
            }
        }
        // A cut download is tried again.
        if !situation.hasSuffix("fails") { #expect(received.count == expected.count, "\(situation)") }
    }
}
