import Testing

@testable import GCodeStream

/// The lane, pausing, cancelling, the emergency stop.
@Suite struct StreamOrderTests {
    @Test func priorityCommandsGoBeforeTheJobs() {
        let driver = EngineDriver { $0.windowLines = 1 }
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1"])
        driver.submit("M114", tag: 5)
        #expect(driver.answer("ok") == [numbered(3, "M114")])
        #expect(driver.answer("X:0 Y:0", "ok") == [numbered(4, "G1")])
        #expect(driver.reports() == [.acknowledged(tag: 5)])
    }

    @Test func aLaneCommandThatGotLostIsNotReportedAsTaken() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        driver.submit("M84", tag: 9)
        let lines = driver.written()
        #expect(lines == [numbered(2, "M84")])
        #expect(driver.wait(milliseconds: 501) == [numbered(3, "M105")])
        #expect(!driver.reports().contains(.acknowledged(tag: 9)))
        _ = driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 1", "Resend: 2", "ok")
        #expect(driver.wait(milliseconds: 50) == lines + [numbered(3, "M105")])
        _ = driver.answer("ok", "ok T:25.0 /0.0")
        #expect(driver.reports().contains(.acknowledged(tag: 9)))
    }

    @Test func aLaneCommandIsNotForgottenWhenAJobBegins() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        driver.cancel()
        driver.submit("M155 S1", tag: 4)
        let lines = driver.written()
        #expect(driver.begin())
        #expect(driver.answer("Error:checksum mismatch, Last Line: 1", "Resend: 2", "ok") == lines)
        #expect(driver.answer("ok") == ["N0 M110*35"])
        #expect(driver.reports().contains(.acknowledged(tag: 4)))
    }

    @Test func pausingStopsTheJobNotTheLane() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        #expect(driver.pause())
        #expect(!driver.push("G1"))
        driver.submit("M104 S0")
        #expect(driver.answer("ok") == [numbered(3, "M104 S0")])
        #expect(driver.resume())
        #expect(driver.feed(["G1"]) == [numbered(4, "G1")])
    }

    @Test func cancellingSendsNothingMoreOfTheJob() {
        let driver = EngineDriver { $0.windowLines = 1 }
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1"])
        driver.cancel()
        driver.submit("M104 S0", tag: 1)
        #expect(driver.answer("ok") == [numbered(3, "M104 S0")])
        _ = driver.answer("ok")
        #expect(driver.reports() == [.acknowledged(tag: 1)])
    }

    /// The command that asks is one of those that fill the window.
    @Test func theAnswerToAPromptPassesTheQueue() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1", "M0", "G3", "G4"])
        let before = driver.unacknowledgedLines
        driver.answerPrompt(1)
        #expect(driver.written() == ["M876 S1"])
        #expect(driver.unacknowledgedLines == before + 1)
        driver.answerPrompt(10)
        #expect(driver.written() == [])
    }

    @Test func emergencyStopPassesEverything() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1", "G2", "G3", "G4"])
        driver.emergencyStop()
        #expect(driver.written() == ["M112"])
        #expect(driver.answer("ok", "ok", "ok") == [])
        #expect(driver.reports() == [.jobFailed(.emergencyStopped)])
    }
}
