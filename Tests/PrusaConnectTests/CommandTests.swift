import Testing

@testable import PrusaConnect

@Suite struct CommandArrivalTests {
    private func arrival(_ headers: [(String, String)], _ body: [UInt8]) -> CommandArrival {
        CommandArrival(HTTPResponse(status: 200, headers: headers.map { HTTPHeader($0.0, $0.1) }, body: body))
    }

    private func arrival(_ id: String?, _ type: String?, _ body: String, force: String? = nil) -> CommandArrival {
        let headers = [("Command-Id", id), ("Content-Type", type), ("Force", force)]
        return arrival(headers.compactMap { name, value in value.map { (name, $0) } }, Array(body.utf8))
    }

    @Test(
        "Only digits make an id", arguments: [nil, "", "abc", "-1", "+7", "1_0", "7 8", "0x7", "18446744073709551616"])
    func badIDs(_ id: String?) throws {
        guard case .broken(nil, let reason) = arrival(id, "application/json", #"{"command": "SEND_INFO"}"#) else {
            Issue.record("taken")
            return
        }
        #expect(reason == "Invalid Command-Id header")
    }

    @Test(
        "Ids up to 64 bits, 0 included",
        arguments: [("0", 0), ("007", 7), ("4294967296", 4_294_967_296), ("18446744073709551615", UInt64.max)])
    func ids(_ text: String, _ id: UInt64) {
        guard case .command(let command) = arrival(text, "application/json", "{}") else {
            Issue.record("not taken")
            return
        }
        #expect(command.id == id && command.name.rawValue.isEmpty)
    }

    @Test(
        "Bodies that are no command",
        arguments: [
            ("text/plain", "{}", "Invalid command content type"), (nil, "{}", "Invalid command content type"),
            ("application/jsonp", "{}", "Invalid command content type"),
            ("application/json", "", "Expected a JSON value at byte 0"),
            ("application/json", "{broken", "Expected a key in double quotes at byte 1"),
            ("application/json", "[1, 2]", "Command is not a JSON object"),
            ("application/json", #"{"command": "A", "args": {}}"#, "Command args are not a list"),
            ("application/json", #"{"command": "A", "kwargs": []}"#, "Command kwargs are not an object"),
        ] as [(String?, String, String)])
    func broken(_ type: String?, _ body: String, _ reason: String) {
        guard case .broken(5, reason) = arrival("5", type, body) else {
            Issue.record("not rejected with that reason")
            return
        }
    }

    @Test("JSON commands")
    func json() throws {
        let body =
            #"{"command": "START_PRINT", "args": ["/local/box.gcode"], "kwargs": {"path": "/local/box.gcode", "n": 3, "f": null}}"#
        guard case .command(let command) = arrival("5", "application/json; charset=utf-8", body, force: "1") else {
            Issue.record("not taken")
            return
        }
        #expect(command.name == .startPrint && !command.isForced && command.gcode == nil)
        #expect(command.arguments == ["/local/box.gcode"])
        #expect(try command.required("path") == "/local/box.gcode")
        #expect(try command.requiredNumber("n") == 3)
        #expect(try command.requiredID("n") == 3)
        #expect(try command.bool("f") == nil && command.string("none") == nil)
        let missing = #expect(throws: CommandError.self) { try command.required("none") }
        #expect(missing?.message == "START_PRINT requires none")
        let wrong = #expect(throws: CommandError.self) { try command.string("n") }
        #expect(wrong?.message == "START_PRINT: n must be a text")
        #expect(throws: CommandError.self) { try command.requiredID("path") }
        #expect(throws: CommandError.self) { try command.bool("path") }
        #expect(throws: CommandError.self) { try command.requiredNumber("f") }
    }

    @Test("G-code is UTF-8 text, forced only by exactly 1")
    func gcode() {
        for (force, isForced) in [(nil, false), ("1", true), ("0", false), ("true", false)] as [(String?, Bool)] {
            guard
                case .command(let command) = arrival("5", "text/x.gcode; charset=UTF-8", "M117 Žluť\nG28", force: force)
            else {
                Issue.record("not taken")
                continue
            }
            #expect(command.name == .gcode && command.gcode == "M117 Žluť\nG28" && command.isForced == isForced)
        }
        let latin = arrival([("Command-Id", "1"), ("Content-Type", "text/x.gcode; charset=iso-8859-1")], [0x47, 0xE9])
        guard case .command(let command) = latin else {
            Issue.record("not taken")
            return
        }
        #expect(command.gcode == "Gé")
        let invalid = arrival([("Command-Id", "1"), ("Content-Type", "text/x.gcode")], [0x47, 0xE9])
        guard case .broken(1, "G-code is not UTF-8 text") = invalid else {
            Issue.record("invalid UTF-8 taken")
            return
        }
    }

    @Test("G-code in JSON")
    func gcodeInJSON() {
        guard
            case .command(let command) = arrival(
                "1", "application/json", #"{"command": "GCODE", "kwargs": {"gcode": "M300"}}"#)
        else {
            Issue.record("not taken")
            return
        }
        #expect(command.gcode == "M300" && !command.isForced)
    }
}

@Suite final class CommandMachineTests {
    private var machine = CommandMachine()

    private func command(_ id: UInt64, _ name: CommandName = .startPrint) -> Command { Command(id: id, name: name) }

    private func end(_ kind: EventKind, of id: UInt64, bytes: Int = 10) -> StoredEvent {
        let reason = String(repeating: "x", count: bytes)
        let event = Event(
            kind: kind, source: .connect, commandID: id, reason: reason, state: .idle, timestamp: Timestamp(tenths: 5))
        return StoredEvent(event, isAnswer: true)
    }

    private func texts(_ effects: [CommandMachine.Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .accept(let id): "accept \(id)"
            case .rejectBusy(let id, let running): "reject \(id), \(running) runs"
            case .repeatAnswer(let event): "repeat \(event.kind)"
            case .run(let command, let beside): "run \(command.id)\(beside ? " beside" : "")"
            case .interrupt(let command): "interrupt \(command.id)"
            }
        }
    }

    private func arrive(_ command: Command, at now: Duration = .zero) -> [String] {
        texts(machine.arrive(command, now: now))
    }

    @Test("One at a time, repeats are answered and not run again")
    func oneAtATime() {
        #expect(arrive(command(0)) == ["accept 0", "run 0"])
        #expect(arrive(command(0)) == ["accept 0"])
        #expect(arrive(command(1)) == ["reject 1, 0 runs"])
        #expect(texts(machine.finish(0, answer: end(.jobInfo, of: 0))) == [])
        #expect(machine.running == nil)
        #expect(arrive(command(0)) == ["repeat jobInfo"])
        #expect(arrive(command(1)) == ["accept 1", "run 1"])
        // An old id does not disturb the one that runs.
        #expect(arrive(command(0)) == ["repeat jobInfo"])
        #expect(machine.running?.id == 1)
    }

    @Test("The last 32 are remembered")
    func history() {
        for id in 0..<UInt64(33) {
            _ = machine.arrive(command(id), now: .zero)
            _ = machine.finish(id, answer: end(.finished, of: id))
        }
        #expect(arrive(command(32)) == ["repeat finished"])
        #expect(arrive(command(1)) == ["repeat finished"])
        #expect(arrive(command(0)) == ["accept 0", "run 0"])
    }

    @Test("Long answers go first when memory is short")
    func historyBytes() {
        _ = machine.arrive(command(1), now: .zero)
        _ = machine.finish(1, answer: end(.finished, of: 1))
        for id in 2..<UInt64(5) {
            _ = machine.arrive(command(id, .sendInfo), now: .zero)
            _ = machine.finish(id, answer: end(.info, of: id, bytes: 150_000))
        }
        #expect(arrive(command(1)) == ["repeat finished"])
        #expect(arrive(command(4, .sendInfo)) == ["repeat info"])
        #expect(arrive(command(2, .sendInfo)) == ["accept 2", "run 2"])
    }

    @Test("A reset waits for the end of the command before it")
    func resetWaits() {
        let first = command(1)
        _ = machine.arrive(first, now: .zero)
        #expect(arrive(command(2, .resetPrinter)) == ["interrupt 1"])
        #expect(machine.deadline == .seconds(1))
        #expect(arrive(command(2, .resetPrinter)) == [])
        #expect(arrive(command(3)) == ["reject 3, 2 runs"])
        #expect(texts(machine.finish(1, answer: end(.failed, of: 1))) == ["accept 2", "run 2"])
        #expect(machine.deadline == nil)
        #expect(machine.running?.id == 2)
        // A second reset, or the same again, does not reset again.
        #expect(arrive(command(2, .resetPrinter)) == ["accept 2"])
        #expect(arrive(command(4, .resetPrinter)) == ["reject 4, 2 runs"])
        _ = machine.finish(2, answer: end(.finished, of: 2))
        #expect(arrive(command(2, .resetPrinter)) == ["repeat finished"])
    }

    @Test("A reset does not wait longer than a second, and a late end leaves it alone")
    func resetDoesNotWaitForEver() {
        _ = machine.arrive(command(1), now: .zero)
        _ = machine.arrive(command(2, .resetPrinter), now: .zero)
        #expect(texts(machine.tick(now: .milliseconds(999))) == [])
        #expect(texts(machine.tick(now: .seconds(1))) == ["accept 2", "run 2 beside"])
        #expect(arrive(command(1)) == ["accept 1"])
        #expect(texts(machine.finish(1, answer: end(.failed, of: 1))) == [])
        #expect(machine.running?.id == 2)
        #expect(arrive(command(1)) == ["repeat failed"])
        _ = machine.finish(2, answer: end(.finished, of: 2))
        #expect(machine.running == nil)
        #expect(arrive(command(3)) == ["accept 3", "run 3"])
    }

    private func gcode(_ id: UInt64, _ text: String) -> Command {
        Command(id: id, name: .gcode, keywords: ["gcode": .string(text)])
    }

    @Test("An emergency stop waits for nobody")
    func emergencyStop() {
        _ = machine.arrive(command(1), now: .zero)
        #expect(arrive(gcode(2, "M117 hot\n M112")) == ["interrupt 1", "accept 2", "run 2 beside"])
        // What runs stays the only one.
        #expect(arrive(gcode(3, "M112")) == ["reject 3, 2 runs"])
        #expect(arrive(command(4, .resetPrinter)) == ["reject 4, 2 runs"])
        _ = machine.finish(2, answer: end(.finished, of: 2))
        #expect(arrive(command(5, .resetPrinter)) == ["accept 5", "run 5 beside"])
    }

    @Test("An emergency stop takes the place of a reset that waits")
    func emergencyBeforeAWaitingReset() {
        _ = machine.arrive(command(1), now: .zero)
        _ = machine.arrive(command(2, .resetPrinter), now: .zero)
        #expect(arrive(gcode(3, "M112")) == ["reject 2, 3 runs", "interrupt 1", "accept 3", "run 3 beside"])
    }

    @Test("A stop comes before what takes its time, and after a reset")
    func stopPrint() {
        _ = machine.arrive(command(1, .resumePrint), now: .zero)
        #expect(arrive(command(2, .stopPrint)) == ["interrupt 1"])
        #expect(arrive(command(3, .pausePrint)) == ["reject 3, 2 runs"])
        #expect(arrive(command(4, .stopPrint)) == ["reject 4, 2 runs"])
        #expect(texts(machine.tick(now: .seconds(1))) == ["accept 2", "run 2 beside"])
        #expect(arrive(command(5, .resetPrinter), at: .seconds(1)) == ["interrupt 2"])
    }

    @Test("Only an M112 is one", arguments: ["M1120", "M117 M112", "G1 X112", "; M112", "M11 2"])
    func noEmergency(_ text: String) {
        _ = machine.arrive(command(1), now: .zero)
        #expect(arrive(gcode(2, text)) == ["reject 2, 1 runs"])
    }

    @Test("A reset without a command before it starts at once")
    func resetAlone() {
        #expect(arrive(command(1, .resetPrinter)) == ["accept 1", "run 1"])
    }
}
