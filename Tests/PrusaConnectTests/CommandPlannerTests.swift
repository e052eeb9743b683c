import Testing

@testable import PrusaConnect

@Suite struct CommandPlannerTests {
    private var rig = CoreRig()

    private mutating func deliver(_ id: String, _ json: String) throws {
        let telemetry = try #require(rig.next())
        #expect(telemetry.request.target == Wire.telemetryPath)
        rig.answer(telemetry, 200, [("Command-Id", id), ("Content-Type", "application/json")], body: json)
    }

    @Test("A command's life: ACCEPTED, telemetry with its id, its end; a repeat gets the same end")
    mutating func life() throws {
        try deliver("0", #"{"command": "START_PRINT", "kwargs": {"path": "/x"}}"#)
        #expect(
            rig.drain() == [
                #"events {"event": "ACCEPTED", "source": "CONNECT", "data": {}, "command_id": 0, "state": "BUSY"}"#,
                #"telemetry {"command_id": 0, "state": "BUSY"}"#,
            ])
        let command = try #require(rig.runs.first)
        rig.finish(command, .answer(.jobInfo, data: ["progress": 1]))
        let end =
            #"events {"event": "JOB_INFO", "source": "CONNECT", "data": {"progress": 1}, "command_id": 0, "state": "BUSY"}"#
        #expect(rig.drain() == [end, #"telemetry {"state": "BUSY"}"#])
        rig.now += .seconds(1)
        rig.core.state = .idle
        try deliver("0", #"{"command": "START_PRINT"}"#)
        #expect(rig.drain().first == end)
        #expect(rig.runs.count == 1)
    }

    @Test("Broken commands are rejected, one after another")
    mutating func broken() throws {
        try deliver("x", "{}")
        #expect(
            rig.drain().first
                == #"events {"event": "REJECTED", "source": "CONNECT", "data": {}, "reason": "Invalid Command-Id header", "state": "BUSY"}"#
        )
        rig.now += .seconds(1)
        try deliver("5", "[]")
        #expect(
            rig.drain().first
                == #"events {"event": "REJECTED", "source": "CONNECT", "data": {}, "command_id": 5, "reason": "Command is not a JSON object", "state": "BUSY"}"#
        )
    }

    @Test("A 200 to an event is no command")
    mutating func notFromEvents() throws {
        rig.core.nextTelemetry = rig.now + .seconds(100)
        rig.post(.info)
        let event = try #require(rig.next())
        rig.answer(event, 200, [("Command-Id", "1"), ("Content-Type", "application/json")], body: #"{"command": "X"}"#)
        #expect(rig.runs.isEmpty && rig.core.outbox.count == 0)
    }

    @Test("A reset interrupts after a second at the latest, while telemetry goes on")
    mutating func reset() throws {
        let interrupted = Shared<[UInt64]>([])
        rig.core.onInterrupt = { command in interrupted.change { $0.append(command.id) } }
        try deliver("1", #"{"command": "START_PRINT"}"#)
        _ = rig.drain()
        rig.now += .seconds(1)
        try deliver("2", #"{"command": "RESET_PRINTER"}"#)
        #expect(interrupted.value == [1] && rig.runs.first?.isInterrupted == true)
        rig.now += .milliseconds(990)
        #expect(rig.runsBeside.isEmpty)
        #expect(rig.pause() == .milliseconds(10))
        rig.now += .milliseconds(10)
        #expect(rig.drain().contains { $0.contains(#""command_id": 2, "state""#) })
        #expect(rig.runsBeside.map(\.id) == [2])
    }

    @Test("Without room for its answers no command is taken")
    mutating func noRoom() throws {
        var options = ConnectOptions()
        options.waitingEvents = 3
        rig = CoreRig(options: options)
        rig.post(.finished, commandID: 1, isAnswer: true)
        rig.post(.finished, commandID: 2, isAnswer: true)
        rig.core.eventTimer.failed(now: rig.now, chance: 1)
        try deliver("3", #"{"command": "START_PRINT"}"#)
        #expect(rig.runs.isEmpty && rig.core.outbox.count == 2)
    }
}
