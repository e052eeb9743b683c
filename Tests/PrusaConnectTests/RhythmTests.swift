import Testing

@testable import PrusaConnect

/// How often telemetry goes out, and how much of it.
@Suite struct RhythmTests {
    private func rig(sleep: Bool = false, changes: Bool = false) -> CoreRig {
        var options = ConnectOptions()
        if sleep { options.telemetrySleep = .init(after: .seconds(10), interval: .seconds(4)) }
        if changes { options.telemetryExtent = .changes }
        let rig = CoreRig(options: options)
        rig.core.state = .idle
        return rig
    }

    /// The seconds at which telemetry goes out during `duration` seconds, counted from now.
    private func beats(_ rig: CoreRig, _ duration: Int) -> [Int] {
        var beats: [Int] = []
        for second in 0..<duration {
            if rig.drain().contains(where: { $0.hasPrefix("telemetry") }) { beats.append(second) }
            rig.now += .seconds(1)
        }
        return beats
    }

    @Test("Without sleep a beat a second, whatever happens")
    func awake() { #expect(beats(rig(), 30) == Array(0..<30)) }

    @Test("After a time without activity every four seconds, and at once again with it")
    func sleeps() {
        let rig = rig(sleep: true)
        #expect(beats(rig, 30) == Array(0...10) + [14, 18, 22, 26])
        var telemetry = Telemetry()
        telemetry.nozzleTemperature = 24
        rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 1))
        // A temperature is no activity.
        #expect(beats(rig, 5) == [0, 4])
        telemetry.nozzleTarget = 215
        rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 1))
        #expect(beats(rig, 14) == Array(0...10))
    }

    @Test(
        "What keeps it awake or wakes it",
        arguments: ["printing", "event", "command", "transfer", "z", "speed", "fan", "bed"])
    func wakes(_ what: String) throws {
        let rig = rig(sleep: true)
        _ = beats(rig, 21)
        var telemetry = rig.core.telemetry
        switch what {
        case "printing": rig.core.setState(.printing, event: event, now: rig.now)
        case "event": rig.post(.failed)
        case "command":
            let beat = try #require(
                (0..<9).lazy.compactMap { _ -> Outgoing? in
                    rig.now += .seconds(1)
                    return rig.next()
                }.first)
            let headers = [("Command-Id", "1"), ("Content-Type", "application/json")]
            rig.answer(beat, 200, headers, body: #"{"command": "GCODE"}"#)
            #expect(rig.runs.count == 1)
        case "transfer": telemetry.transfer = .init(id: 0)
        case "z": telemetry.z = 3
        case "speed": telemetry.speed = 90
        case "fan": telemetry.printFanTarget = 1
        default: telemetry.bedTarget = 60
        }
        if telemetry != rig.core.telemetry { rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 1)) }
        #expect(beats(rig, 8).suffix(7) == [1, 2, 3, 4, 5, 6, 7])
        let staysAwake = ["printing", "command", "transfer"].contains(what)
        _ = beats(rig, 12)
        #expect(beats(rig, 12).count == (staysAwake ? 12 : 3))
    }

    private var event: Event { Event(kind: .stateChanged, source: .user, state: .printing, timestamp: .now) }

    @Test("Only what has changed, everything again after five minutes and after an outage")
    func changesOnly() throws {
        let rig = rig(changes: true)
        var telemetry = Telemetry()
        (telemetry.nozzleTemperature, telemetry.bedTemperature, telemetry.material) = (20, 21, "PLA")
        func tell(_ rig: CoreRig) throws -> String {
            rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 1))
            rig.now += .seconds(1)
            return try #require(rig.drain().first)
        }
        let whole = #"telemetry {"temp_nozzle": 20.0, "temp_bed": 21.0, "material": "PLA", "state": "IDLE"}"#
        #expect(try tell(rig) == whole)
        #expect(try tell(rig) == #"telemetry {"state": "IDLE"}"#)
        telemetry.bedTemperature = 22
        #expect(try tell(rig) == #"telemetry {"temp_bed": 22.0, "state": "IDLE"}"#)
        // After an outage all of it goes out again.
        telemetry.nozzleTemperature = 30
        rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 1))
        rig.now += .seconds(1)
        let cut = try #require(rig.next())
        #expect(cut.text == #"telemetry {"temp_nozzle": 30.0, "state": "IDLE"}"#)
        rig.fail(cut, .cut)
        let again = #"telemetry {"temp_nozzle": 30.0, "temp_bed": 22.0, "material": "PLA", "state": "IDLE"}"#
        #expect(try tell(rig) == again)
        #expect(try tell(rig) == #"telemetry {"state": "IDLE"}"#)
        rig.now += .seconds(300)
        #expect(rig.drain() == [again])
        // Another server knows nothing.
        let server = try #require(ConnectServer(host: "other.example"))
        rig.core.setSettings(ConnectSettings(server: server, token: Token("other")), now: rig.now)
        #expect(try tell(rig) == again)
    }
}
