import Testing

@testable import GCodeStream

/// How the line count is agreed on.
@Suite struct StreamCountTests {
    @Test func anM110WhoseOkIsLostIsSentAgain() {
        let driver = EngineDriver()
        driver.synchronise()
        #expect(driver.written() == ["N0 M110*35"])
        #expect(driver.wait(milliseconds: 501) == ["N0 M110*35"])
        #expect(driver.answer("ok") == ["N1 M105*38"])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports().last == .synchronised)
    }

    @Test func twoOksBehindTheResendOfAnM110AreNotItsOwn() {
        let driver = EngineDriver()
        driver.synchronise()
        #expect(driver.written() == ["N0 M110*35"])
        #expect(driver.answer("Error:checksum mismatch, Last Line: 77", "Resend: 78", "ok", "ok") == [])
        #expect(driver.wait(milliseconds: 45) == ["N0 M110*35"])
    }

    @Test func lineOneMayBeMissingWhenOnlyAPlainOkVouchedForIt() {
        let driver = EngineDriver()
        driver.synchronise()
        #expect(driver.begin())
        #expect(driver.written() == ["N0 M110*35"])
        #expect(driver.answer("ok") == ["N1 M105*38"])
        // Its N was damaged: an unknown command, and an ok.
        _ = driver.answer("echo:Unknown command: \"1 M105\"", "ok")
        _ = driver.wait(milliseconds: 501)
        let lines = driver.feed(["G0"])
        #expect(lines == [numbered(2, "G0")])
        _ = driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 0", "Resend: 1", "ok")
        #expect(driver.wait(milliseconds: 45) == ["N1 M105*38"] + lines)
    }

    @Test func aCountThatTheM110DidNotSetIsSetAgain() {
        let driver = EngineDriver()
        driver.synchronise()
        #expect(driver.written() == ["N0 M110*35"])
        // Somebody else's ok: the M110 itself was lost and the printer stands at line 56.
        #expect(driver.answer("ok") == ["N1 M105*38"])
        _ = driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 56", "Resend: 57", "ok")
        #expect(driver.wait(milliseconds: 45) == ["N0 M110*35"])
        #expect(driver.answer("ok") == ["N1 M105*38"])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [.synchronised])
    }

    @Test func anM105AnsweredWithoutTemperaturesCountsAfterAWhile() {
        let driver = EngineDriver()
        driver.synchronise()
        #expect(driver.written() == ["N0 M110*35"])
        #expect(driver.answer("ok") == ["N1 M105*38"])
        _ = driver.answer("T:25.0 B:25.0", "ok")
        #expect(driver.reports() == [])
        #expect(driver.deadline < .max)
        _ = driver.wait(milliseconds: 501)
        #expect(driver.reports() == [.synchronised])
    }

    @Test func theCountAfterAnErrorWaitsForWhatThePrinterHas() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1", "G2"])
        #expect(driver.answer("Error:Heating failed, system stopped! Heater_ID: 0").isEmpty)
        #expect(driver.reports() == [.jobFailed(.firmwareError)])
        #expect(driver.answer("ok").isEmpty)
        #expect(driver.answer("ok").isEmpty)
        #expect(driver.answer("ok") == ["N0 M110*35"])
    }

    @Test func cancellingWhileTheCountIsAgreedOnLocksNothing() {
        let driver = EngineDriver()
        driver.synchronise()
        _ = driver.written()
        #expect(driver.answer("ok") == ["N1 M105*38"])
        _ = driver.answer("ok")
        driver.cancel()
        driver.submit("M104 S0", tag: 3)
        #expect(driver.wait(milliseconds: 501) == [numbered(2, "M104 S0")])
    }
}
