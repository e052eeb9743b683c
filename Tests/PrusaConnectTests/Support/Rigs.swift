import Foundation

@testable import PrusaConnect

let testSerial = "CZPX4720X004XC34242"
let testToken = "secret-token-1234567"

/// Options with pauses short enough for tests on real sockets.
var quickOptions: ConnectOptions {
    var options = ConnectOptions()
    options.telemetryInterval = .milliseconds(30)
    options.registrationInterval = .milliseconds(20)
    return options
}

/// A real printer on real sockets.
func makePrinter(
    _ settings: ConnectSettings?, options: ConnectOptions = quickOptions, log: PrinterLog? = nil
) throws -> Printer {
    try Printer(type: .mk3s, serialNumber: testSerial, connection: settings, options: options, log: log)
}

/// The core with a clock of its own: each test reads as the conversation.
final class CoreRig {
    var core: PrinterCore
    var now: Duration = .seconds(1000)
    var wallOffset: Duration = .seconds(1_719_312_345)
    var logs: [String] = []
    /// What the core wanted done outside, apart from logs.
    var runs: [Command] = []
    var runsBeside: [Command] = []
    var infoRequests = 0
    var syncs: [DiskSync] = []

    var wall: Duration { now + wallOffset - .seconds(1000) }

    init(
        token: String? = testToken, options: ConnectOptions = ConnectOptions(), state: StateDirectory? = nil
    ) {
        let settings = ConnectSettings(server: .prusa, token: token.flatMap { Token($0) })
        let identity = PrinterIdentity(
            type: .mk3s, serialNumber: testSerial, fingerprint: Fingerprint(serialNumber: testSerial))
        core = PrinterCore(
            identity: identity, info: PrinterInfo(), settings: settings, options: options, state: state,
            now: .seconds(1000), wall: .seconds(1_719_312_345), chance: { 0.5 })
        core.isStarted = true
        core.nextTelemetry = now
    }

    /// As if telemetry had just been sent.
    func skipTelemetry() { core.nextTelemetry = now + .seconds(1) }

    func collect() {
        for effect in core.takeEffects() {
            switch effect {
            case .log(_, let text): logs.append(text)
            case .notify(let call): call()
            case .run(let command, let beside): beside ? runsBeside.append(command) : runs.append(command)
            case .sendInfo: infoRequests += 1
            case .sync(let sync): syncs.append(sync)
            }
        }
    }

    /// The request that goes out now, `nil` when the core waits.
    func next() -> Outgoing? {
        defer { collect() }
        if case .send(let outgoing) = core.nextAction(now: now, wall: wall) { return outgoing }
        return nil
    }

    /// How long the core waits now; `nil` when it sends.
    func pause() -> Duration? {
        defer { collect() }
        if case .wait(let until?) = core.nextAction(now: now, wall: wall) { return until - now }
        return nil
    }

    func answer(
        _ outgoing: Outgoing, _ status: Int, _ headers: [(String, String)] = [], body: String = ""
    ) {
        let response = HTTPResponse(
            status: status, headers: headers.map { HTTPHeader($0.0, $0.1) }, body: Array(body.utf8))
        core.completed(outgoing, with: .success(response), now: now, wall: wall)
        collect()
    }

    func fail(_ outgoing: Outgoing, _ kind: TransportError.Kind) {
        core.completed(outgoing, with: .failure(TransportError(kind: kind, message: "\(kind)")), now: now, wall: wall)
        collect()
    }

    func post(_ kind: EventKind, commandID: UInt64? = nil, isAnswer: Bool = false, reason: String? = nil) {
        let event = Event(
            kind: kind, source: .wui, commandID: commandID, reason: reason, state: core.state,
            timestamp: Timestamp(sinceEpoch: wall))
        core.post(event, isAnswer: isAnswer, now: now)
        collect()
    }

    func finish(_ command: Command, _ result: CommandResult) {
        core.finish(command, result, now: now, wall: wall)
        collect()
    }

    /// Answers telemetry and events with 204 until nothing is due; returns the paths and bodies that were sent.
    func drain() -> [String] {
        var sent: [String] = []
        while let outgoing = next(), sent.count < 1000 {
            sent.append(outgoing.text)
            answer(outgoing, 204)
        }
        return sent
    }
}

extension Outgoing {
    /// For example `events {"event": …}`.
    var text: String {
        let name = request.target.split(separator: "/").last ?? ""
        return "\(name) " + String(decoding: request.body ?? [], as: UTF8.self)
    }

    func header(_ name: String) -> String? { request.headers.first { $0.name == name }?.value }
}
