import Testing

@testable import GCodeStream

/// Oks that get lost, come twice or come late.
@Suite struct StreamProbeTests {
    @Test func aLostOkIsFoundByAProbe() {
        let driver = EngineDriver { $0.windowLines = 1 }
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        #expect(driver.wait(milliseconds: 499) == [])
        #expect(driver.wait(milliseconds: 2) == [numbered(3, "M105")])
        driver.push("G1")
        #expect(driver.written() == [])
        #expect(driver.answer("ok T:25.0 /0.0") == [numbered(4, "G1")])
        #expect(driver.counters.jobCommands == 1)
        #expect(driver.counters.oksLost == 1)
    }

    @Test func aLostLineIsFoundByTheProbe() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0"])
        #expect(driver.wait(milliseconds: 501) == [numbered(3, "M105")])
        driver.push("G1")
        #expect(driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 1", "Resend: 2") == [])
        #expect(driver.wait(milliseconds: 45) == lines + [numbered(3, "M105"), numbered(4, "G1")])
        _ = driver.answer("ok", "ok T:25.0 /0.0", "ok")
        #expect(driver.counters.jobCommands == 2)
    }

    @Test func whileThePrinterIsBusyOneProbeWaitsThere() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G28"])
        var said: [String] = []
        for _ in 0..<30 {
            said += driver.wait(milliseconds: 400)
            driver.receive("echo:busy: processing\n")
        }
        #expect(said == [numbered(3, "M105")])
        // Its answer makes up for an ok of the G28 that got lost.
        driver.push("G1")
        #expect(driver.answer("ok T:25.0 /0.0") == [numbered(4, "G1")])
        #expect(driver.counters.jobCommands == 1)
    }

    @Test func probesGoOnWhereAFullWindowGotLost() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1 X100.123 Y100.123 E0.12345", "G1 X101.123 Y100.123 E0.12345", "G1 X1 Y1 E1"])
        var probes = 0
        for _ in 0..<200 {
            probes += driver.wait(milliseconds: 1000).count { $0.contains("M105") }
            #expect(driver.unacknowledgedBytes <= 127 + 96 + Limits.probeAllowance)
        }
        #expect(probes > 8)
        #expect(probes < 20)
    }

    @Test func oksWithoutProofAreCheckedNowAndThen() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        var checks = 0
        for index in 0..<1000 {
            let said = driver.feed(["G1 X\(index)"]) + driver.answer("ok")
            checks += said.count { $0.contains("M105") }
        }
        #expect(checks >= 8)
        #expect(checks <= 10)
    }

    @Test func surplusOksAreFoundOutByAnM105() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "M105", "G1", "G2"])
        // The ok of G0 came twice: the second takes the M105's place.
        _ = driver.answer("ok", "ok")
        #expect(driver.unacknowledgedLines == 2)
        _ = driver.feed(["G3", "G4"])
        #expect(driver.unacknowledgedLines == 4)
        // Now the M105's own answer: everything behind it is still out, nothing before it.
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.unacknowledgedLines == 4)
        #expect(driver.counters.oksSurplus == 1)
    }

    @Test func aLateAnswerOfAProbeThatWasGivenUpSettlesNothingBehindIt() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G28"])
        #expect(driver.wait(milliseconds: 501) == [numbered(3, "M105")])
        // The ok of the G28; then the printer stalls, and the probe has had its time.
        #expect(driver.answer("ok") == [])
        _ = driver.wait(milliseconds: 126)
        driver.submit("M117 a", tag: 1)
        #expect(driver.written() == [numbered(4, "M117 a")])
        #expect(driver.wait(milliseconds: 501) == [numbered(5, "M105")])
        // What comes first is the answer of the first.
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [])
        #expect(driver.unacknowledgedLines == 2)
        _ = driver.answer("ok", "ok T:25.0 /0.0")
        #expect(driver.reports() == [.acknowledged(tag: 1)])
        #expect(driver.unacknowledgedLines == 0)
    }

    @Test func anAnswerThatNeverComesIsNotAwaitedForEver() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G28"])
        #expect(driver.wait(milliseconds: 501) == [numbered(3, "M105")])
        #expect(driver.answer("ok") == [])
        _ = driver.wait(milliseconds: 126)
        // The answer of line 3 got lost. That of line 4 passes for it, and a probe makes up for that, once.
        driver.submit("M105", tag: 1)
        #expect(driver.written() == [numbered(4, "M105")])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [])
        #expect(driver.wait(milliseconds: 501) == [numbered(5, "M105")])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [.acknowledged(tag: 1)])
        _ = driver.wait(milliseconds: 126)
        driver.submit("M105", tag: 2)
        #expect(driver.written() == [numbered(6, "M105")])
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [.acknowledged(tag: 2)])
    }

    @Test func aPlainOkShowsThatTheProbeBeforeItsLineWentUnanswered() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G28"])
        #expect(driver.wait(milliseconds: 501) == [numbered(3, "M105")])
        #expect(driver.answer("ok") == [])
        _ = driver.wait(milliseconds: 126)
        _ = driver.feed(["G1"])
        _ = driver.answer("ok")
        driver.submit("M105", tag: 1)
        _ = driver.written()
        _ = driver.answer("ok T:25.0 /0.0")
        #expect(driver.reports() == [.acknowledged(tag: 1)])
    }
}
