import Testing

@testable import PrusaConnect

@Suite struct PlannerTests {
    private var rig = CoreRig()

    @Test("Telemetry at once, then once a second")
    mutating func beat() throws {
        let first = try #require(rig.next())
        #expect(first.text == #"telemetry {"state": "BUSY"}"#)
        rig.now += .milliseconds(200)
        rig.answer(first, 204)
        #expect(rig.pause() == .milliseconds(800))
        rig.now += .milliseconds(800)
        #expect(rig.next()?.text == #"telemetry {"state": "BUSY"}"#)
    }

    @Test("New telemetry is sent once, the beats between carry the state")
    mutating func telemetryOnce() throws {
        var telemetry = Telemetry()
        telemetry.nozzleTemperature = 214.9
        rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 17_193_123_440))
        rig.core.jobID = 0
        rig.core.state = .printing
        let first = try #require(rig.next())
        #expect(first.text == #"telemetry {"temp_nozzle": 214.9, "job_id": 0, "state": "PRINTING"}"#)
        #expect(first.header("Timestamp") == "1719312344.0")
        // Newer telemetry that came during the request is not lost with it.
        telemetry.nozzleTemperature = 215
        rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 17_193_123_450))
        rig.answer(first, 204)
        rig.now += .seconds(1)
        let second = try #require(rig.next())
        #expect(second.text == #"telemetry {"temp_nozzle": 215.0, "job_id": 0, "state": "PRINTING"}"#)
        rig.fail(second, .cut)
        rig.now += .seconds(1)
        let again = try #require(rig.next())
        #expect(again.text == second.text)
        rig.answer(again, 204)
        rig.now += .seconds(1)
        #expect(rig.next()?.text == #"telemetry {"job_id": 0, "state": "PRINTING"}"#)
    }

    @Test("The newest telemetry goes out again after five minutes and after an outage")
    mutating func telemetryAgain() throws {
        var telemetry = Telemetry()
        telemetry.bedTemperature = 60
        rig.core.setTelemetry(telemetry, timestamp: Timestamp(tenths: 1))
        let complete = #"telemetry {"temp_bed": 60.0, "state": "BUSY"}"#
        var sent: [String] = []
        for _ in 0..<302 {
            sent += rig.drain()
            rig.now += .seconds(1)
        }
        #expect(sent.count == 302 && sent.indices.filter { sent[$0] == complete } == [0, 300])
        let cut = try #require(rig.next())
        rig.fail(cut, .cut)
        rig.now += .seconds(1)
        #expect(rig.drain() == [#"telemetry {"state": "BUSY"}"#])
        rig.now += .seconds(1)
        let again = try #require(rig.next())
        #expect(again.text == complete && again.header("Timestamp") != "0.1")
    }

    @Test("A change of the settings gives up the request that is on its way with the old ones")
    mutating func settingsChange() throws {
        let old = try #require(rig.next())
        let settings = ConnectSettings(server: .prusa, token: Token("another"))
        rig.core.setSettings(settings, now: rig.now)
        #expect(rig.core.waitDuring(old, now: rig.now, wall: rig.wall) == .giveUp)
        rig.fail(old, .cancelled)
        let new = try #require(rig.next())
        #expect(new.header("Token") == "another")
        #expect(rig.core.waitDuring(new, now: rig.now, wall: rig.wall) == .wait(until: nil))
    }

    @Test("Nothing is sent without a token or before the start")
    mutating func silent() {
        rig = CoreRig(token: nil)
        #expect(rig.next() == nil)
        rig.post(.info)
        #expect(rig.core.outbox.count == 0)
        rig = CoreRig()
        rig.core.isStarted = false
        #expect(rig.next() == nil)
    }

    @Test("After an event telemetry goes at once; a queue of events does not hold up telemetry")
    mutating func interleaves() throws {
        let first = try #require(rig.next())
        rig.answer(first, 204)
        #expect(rig.next() == nil)
        for _ in 0..<4 { rig.post(.info) }
        var order: [String] = []
        while let outgoing = rig.next() {
            order.append(outgoing.request.target == Wire.eventsPath ? "event" : "telemetry")
            rig.now += .milliseconds(100)
            rig.answer(outgoing, 204)
        }
        #expect(order == ["event", "telemetry", "event", "telemetry", "event", "telemetry", "event", "telemetry"])
    }

    @Test(
        "An event is repeated with the same body and timestamp until it is taken",
        arguments: [408, 425, 429, 500, 502, 503, 302])
    mutating func repeats(_ status: Int) throws {
        rig.core.nextTelemetry = rig.now + .seconds(1000)
        rig.post(.info, reason: "once")
        let first = try #require(rig.next())
        rig.answer(first, status)
        let pause = try #require(rig.pause())
        #expect(pause == .milliseconds(100))
        rig.now += pause
        let second = try #require(rig.next())
        #expect(second.text == first.text && second.header("Timestamp") == first.header("Timestamp"))
        rig.answer(second, status)
        #expect(rig.pause() == .milliseconds(150))
        rig.now += .seconds(1)
        rig.answer(try #require(rig.next()), 204)
        #expect(rig.core.outbox.count == 0)
    }

    @Test(
        "A connection that fails holds up everything, with growing pauses",
        arguments: [TransportError.Kind.cut, .timeout, .connectionRefused, .nameNotResolved])
    mutating func connectionFails(_ kind: TransportError.Kind) throws {
        rig.skipTelemetry()
        rig.post(.info)
        var pauses: [Double] = []
        for _ in 0..<12 {
            let outgoing = try #require(rig.next())
            rig.fail(outgoing, kind)
            let pause = try #require(rig.pause())
            pauses.append(pause.inSeconds)
            rig.now += pause
        }
        #expect(pauses == [0.1, 0.15, 0.3, 0.6, 1.2, 2.4, 4.8, 9.6, 19.2, 38.4, 45, 45])
        #expect(rig.core.outbox.count == 1)
        #expect(rig.drain().count { $0.hasPrefix("events") } == 1)
    }

    @Test("Retry-After holds up everything", arguments: [429, 503])
    mutating func retryAfter(_ status: Int) throws {
        rig.skipTelemetry()
        rig.post(.info)
        rig.answer(try #require(rig.next()), status, [("Retry-After", "30")])
        #expect(rig.pause() == .seconds(30))
    }

    @Test(
        "An event that the server has understood and refused is given up",
        arguments: [400, 404, 405, 409, 410, 413, 415, 422])
    mutating func finalRefusals(_ status: Int) throws {
        rig.skipTelemetry()
        rig.post(.info, reason: "a")
        rig.post(.jobInfo, reason: "b")
        rig.answer(try #require(rig.next()), status)
        #expect(rig.core.outbox.first?.event.kind == .jobInfo)
        #expect(rig.logs.contains { $0.contains("given up") })
    }

    @Test("A refused token holds events until telemetry is taken", arguments: [401, 403])
    mutating func tokenRefused(_ status: Int) throws {
        rig.skipTelemetry()
        rig.post(.info)
        rig.answer(try #require(rig.next()), status)
        #expect(rig.core.conditions.firstBroken == .token)
        // Telemetry tries the token, events wait.
        for _ in 0..<3 {
            let probe = try #require(rig.next())
            #expect(probe.request.target == Wire.telemetryPath)
            rig.answer(probe, status)
            rig.now += .seconds(60)
        }
        rig.answer(try #require(rig.next()), 204)
        let again = try #require(rig.next())
        #expect(again.request.target == Wire.eventsPath)
        rig.answer(again, 204)
        #expect(rig.core.outbox.count == 0 && rig.core.conditions.isConnected)
    }

    @Test("An event refused with a token that telemetry proved good is given up")
    mutating func eventItselfRefused() throws {
        rig.skipTelemetry()
        rig.post(.info)
        rig.post(.jobInfo)
        rig.answer(try #require(rig.next()), 403)
        rig.answer(try #require(rig.next()), 204)
        rig.now += .seconds(1)
        while let outgoing = rig.next(), rig.core.outbox.first?.event.kind == .info {
            rig.answer(outgoing, outgoing.request.target == Wire.eventsPath ? 403 : 204)
            rig.now += .seconds(1)
        }
        #expect(rig.core.outbox.first?.event.kind == .jobInfo)
    }

    @Test("An event that makes the server fail does not block the others for ever")
    mutating func poison() throws {
        rig.post(.info)
        rig.post(.jobInfo)
        var attempts = 0
        let start = rig.now
        while rig.core.outbox.first?.event.kind == .info, attempts < 100 {
            if let outgoing = rig.next() {
                let isEvent = outgoing.request.target == Wire.eventsPath
                attempts += isEvent ? 1 : 0
                rig.answer(outgoing, isEvent ? 500 : 204)
            } else {
                rig.now += try #require(rig.pause())
            }
        }
        #expect(attempts >= 10 && attempts < 30 && rig.now - start >= .seconds(300))
        #expect(rig.drain().first?.contains("JOB_INFO") == true)
    }

    @Test("An outage of the server gives nothing up")
    mutating func longOutage() throws {
        rig.post(.info)
        for _ in 0..<100 {
            if let outgoing = rig.next() { rig.answer(outgoing, 500) }
            rig.now += .seconds(60)
        }
        #expect(rig.core.outbox.count == 1)
    }

    @Test("Clock-Adjusted travels until a request that carried it was taken")
    mutating func clockAdjusted() throws {
        rig.answer(try #require(rig.next()), 204)
        rig.wallOffset += .seconds(3600)
        rig.now += .seconds(1)
        let first = try #require(rig.next())
        #expect(first.header("Clock-Adjusted") == "1")
        rig.answer(first, 500)
        rig.now += .seconds(1)
        let second = try #require(rig.next())
        #expect(second.header("Clock-Adjusted") == "1")
        rig.answer(second, 204)
        rig.now += .seconds(1)
        let third = try #require(rig.next())
        #expect(third.header("Clock-Adjusted") == nil)
    }

    @Test("Lost events about files are made good by an INFO")
    mutating func owesInfo() throws {
        var options = ConnectOptions()
        options.waitingEvents = 2
        rig = CoreRig(options: options)
        for _ in 0..<4 { rig.post(.fileChanged) }
        #expect(rig.core.outbox.count == 2 && rig.infoRequests == 0)
        _ = rig.drain()
        #expect(rig.infoRequests == 1)
    }

    @Test("A stop sends what waits, but no telemetry")
    mutating func stops() throws {
        rig.post(.info)
        rig.post(.jobInfo)
        rig.core.stopDeadline = rig.now + .seconds(5)
        let sent = rig.drain()
        #expect(sent.count == 2 && sent.allSatisfy { $0.hasPrefix("events") })
        guard case .wait = rig.core.nextAction(now: rig.now, wall: rig.wall) else { return }
        Issue.record("does not stop")
    }

    @Test("A stop gives up at its deadline")
    mutating func stopDeadline() throws {
        rig.post(.info)
        rig.core.stopDeadline = rig.now + .seconds(5)
        let outgoing = try #require(rig.next())
        #expect(rig.core.waitDuring(outgoing, now: rig.now, wall: rig.wall) == .wait(until: rig.now + .seconds(5)))
        rig.now += .seconds(5)
        #expect(rig.core.waitDuring(outgoing, now: rig.now, wall: rig.wall) == .giveUp)
        rig.fail(outgoing, .cancelled)
        guard case .stop = rig.core.nextAction(now: rig.now, wall: rig.wall) else {
            Issue.record("does not stop")
            return
        }
    }
}
