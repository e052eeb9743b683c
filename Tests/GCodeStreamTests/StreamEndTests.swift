import Testing

@testable import GCodeStream

/// When a job is finished.
@Suite struct StreamEndTests {
    @Test func theEndIsProvedByAnAnswerBehindTheLastCommand() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        driver.endOfJob()
        #expect(driver.answer("ok") == [numbered(3, "M400")])
        #expect(driver.answer("ok") == [numbered(4, "M105")])
        #expect(driver.reports() == [])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [.jobFinished])
    }

    @Test func aLastLineThatGotLostIsSentAgainBeforeTheEnd() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0"])
        driver.endOfJob()
        // The ok belongs to nobody: line 2 never arrived, and its absence shows when line 3 comes.
        #expect(driver.answer("ok") == [numbered(3, "M400")])
        _ = driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 1", "Resend: 2", "ok")
        #expect(driver.wait(milliseconds: 45) == lines + [numbered(3, "M400")])
        #expect(driver.answer("ok", "ok") == [numbered(4, "M105")])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports().last == .jobFinished)
        #expect(driver.counters.jobCommands == 1)
    }

    @Test func anM105WithoutTemperaturesIsBelievedInTheEnd() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        driver.endOfJob()
        _ = driver.answer("ok")
        // Once an ok had temperatures, by a line break that got lost; now they stand on lines of their own again.
        for _ in 0..<20 where driver.hasJob {
            _ = driver.answer("T:25.0 /0.0", "ok")
            _ = driver.wait(milliseconds: 501)
        }
        #expect(driver.reports().last == .jobFinished)
    }

    @Test func surplusOksDoNotEndTheJobWhileItsLastMovesRun() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        driver.endOfJob()
        #expect(driver.answer("ok") == [numbered(3, "M400")])
        // Two oks of others: the M400 is still being executed.
        #expect(driver.answer("ok") == [numbered(4, "M105")])
        _ = driver.answer("ok")
        _ = driver.wait(milliseconds: 5000)
        #expect(driver.reports() == [])
        // Now the M400 and the two M105s behind it.
        _ = driver.answer("ok", "ok T:25.0 /0.0", "ok T:25.0 /0.0")
        #expect(driver.reports().last == .jobFinished)
    }

    @Test func theAnswerOfAnM105InTheJobIsNotThatOfItsEnd() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["M105", "G1"])
        driver.endOfJob()
        // Three oks of others (an MK3S 3.13 says two to many an M105) make it look as if all was executed.
        #expect(driver.answer("ok", "ok") == [numbered(4, "M400")])
        #expect(driver.answer("ok") == [numbered(5, "M105")])
        // This is what answers the job's own M105: one more answer must come.
        #expect(driver.answer("ok T:25.0 /0.0") == [numbered(6, "M105")])
        #expect(driver.reports() == [])
        _ = driver.answer("ok", "ok")
        #expect(driver.reports() == [])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports().last == .jobFinished)
    }

    @Test func anAnswerThatGotLostInTheJobCostsOneMoreAtItsEnd() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["M105", "G1"])
        // The temperatures of the first were damaged.
        _ = driver.answer("ok", "ok")
        driver.endOfJob()
        #expect(driver.written() == [numbered(4, "M400")])
        #expect(driver.answer("ok") == [numbered(5, "M105")])
        #expect(driver.answer("ok T:25.0 /0.0") == [numbered(6, "M105")])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [.jobFinished])
    }
}
