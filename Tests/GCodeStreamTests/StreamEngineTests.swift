import Testing

@testable import GCodeStream

@Suite struct StreamEngineTests {
    @Test func numbersAndChecksumsLines() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        #expect(driver.feed(["G28"]) == [numbered(2, "G28")])
        #expect(numbered(1, "M105") == "N1 M105*38")
    }

    @Test func keepsFourLinesUnacknowledged() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        #expect(driver.feed(["G0", "G1", "G2", "G3", "G4"]).count == 4)
        #expect(driver.unacknowledgedLines == 4)
        #expect(!driver.wantsCommand)
        #expect(driver.answer("ok") == [numbered(6, "G4")])
    }

    @Test func countsBytesToo() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let long = "G1 X100.000 Y100.000 E0.12345"
        #expect(driver.feed([long, long, long, long]).count == 3)
        #expect(driver.unacknowledgedBytes <= 127)
    }

    @Test func aWindowOfOneIsStopAndWait() {
        let driver = EngineDriver { $0.windowLines = 1 }
        #expect(driver.beginJob())
        #expect(driver.feed(["G0", "G1"]) == [numbered(2, "G0")])
        #expect(driver.answer("ok P15 B3") == [numbered(3, "G1")])
        #expect(driver.windowLines == 1)
    }

    @Test func advancedOkSetsTheWindow() {
        let driver = EngineDriver()
        driver.receive("ok P15 B7\n")
        #expect(driver.windowLines == 8)
        driver.receive("ok P15 B0\n")
        #expect(driver.windowLines == 8)
    }

    @Test func advancedOkNamesTheLineSoALostOkCostsNothing() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1", "G2", "G3"])
        _ = driver.answer("ok N4 P14 B3")
        #expect(driver.unacknowledgedLines == 1)
        _ = driver.answer("ok N4 P14 B3")
        #expect(driver.unacknowledgedLines == 1)
        #expect(driver.counters.oksSurplus == 1)
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

    @Test func resendGoesBackOnceTheWireIsQuiet() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1", "G2", "G3"])
        // Line 3 came damaged; 2 is executed meanwhile, 4 and 5 are refused as well.
        #expect(driver.answer("ok", "Error:checksum mismatch, Last Line: 2", "Resend: 3", "ok") == [])
        driver.push("G4")
        #expect(driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 2", "Resend: 3", "ok") == [])
        #expect(driver.wait(milliseconds: 45) == Array(lines[1...]) + [numbered(6, "G4")])
        #expect(driver.counters.linesResent == 3)
        #expect(driver.reports() == [.resend(line: 3)])
    }

    @Test func inStopAndWaitTheResendIsAnsweredAtOnce() {
        let driver = EngineDriver { $0.windowLines = 1 }
        #expect(driver.beginJob())
        let lines = driver.feed(["G0"])
        #expect(driver.answer("Error:checksum mismatch, Last Line: 1", "Resend: 2", "ok") == lines)
    }

    @Test func oksOfOlderLinesStillCountAfterAResend() {
        // Marlin 2.1.2 with ADVANCED_OK, overfilled: oks of queued lines come behind the Resend.
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1", "G2", "G3"])
        #expect(driver.answer("Resend: 5", "ok", "ok N2 P3 B0", "ok N3 P2 B1", "ok N4 P1 B2") == [lines[3]])
        #expect(driver.counters.jobCommands == 3)
    }

    @Test func theSameRequestTwentyTimesFailsTheJob() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        for _ in 0..<20 {
            _ = driver.answer("Error:checksum mismatch, Last Line: 1", "Resend: 2", "ok")
            _ = driver.wait(milliseconds: 50)
        }
        _ = driver.answer("Resend: 2", "ok")
        #expect(driver.reports().contains(.jobFailed(.tooManyResends(line: 2))))
        #expect(!driver.hasJob)
    }

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

    @Test(arguments: ["Resend: -950", "Resend: x", "Resend: 90000"])
    func aRequestForALineThatIsNotThereFailsTheJob(_ request: String) {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1"])
        driver.endOfJob()
        var rounds = 0
        while driver.hasJob, rounds < 20 {
            rounds += 1
            // The oks and temperatures of a printer that takes none of the lines.
            _ = driver.answer(request, "ok", "ok")
            _ = driver.wait(milliseconds: 100)
        }
        #expect(rounds <= 4)
        #expect(!driver.reports().contains(.jobFinished))
    }

    @Test func anUnreadableRequestIsAskedForAgain() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1"])
        _ = driver.answer("Resend: ~", "ok")
        #expect(driver.wait(milliseconds: 45) == lines)
        _ = driver.answer("ok", "ok")
        #expect(driver.counters.jobCommands == 2)
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

    @Test func oksThatNameTheirLineNeedNoCheck() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        for index in 0..<1000 {
            #expect(driver.feed(["G1 X\(index)"]) == [numbered(index + 2, "G1 X\(index)")])
            _ = driver.answer("ok N\(index + 2) P15 B3")
        }
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

    @Test func aResetInMidPrintFailsTheJob() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        driver.submit("M117 x", tag: 7)
        #expect(driver.answer("start", "Marlin 2.1.2") == [])
        #expect(driver.reports() == [.dropped(tag: 7), .jobFailed(.printerReset)])
        #expect(!driver.push("G1"))
    }

    @Test func aKillFailsTheJobWithTheFirmwaresWords() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        #expect(driver.answer("Error:Printer halted. kill() called!") == [])
        #expect(driver.reports() == [.jobFailed(.printerHalted)])
        #expect(driver.errorLength == 36)
        #expect(driver.wait(milliseconds: 100_000) == [])
        #expect(driver.deadline == .max)
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

    @Test func priorityCommandsGoBeforeTheJobs() {
        let driver = EngineDriver { $0.windowLines = 1 }
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1"])
        driver.submit("M114", tag: 5)
        #expect(driver.answer("ok") == [numbered(3, "M114")])
        #expect(driver.answer("X:0 Y:0", "ok") == [numbered(4, "G1")])
        #expect(driver.reports() == [.acknowledged(tag: 5)])
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

    @Test func aDeadPrinterFailsTheJobWithoutABusyLoop() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        var steps = 0
        while driver.hasJob, steps < 1000 {
            driver.now = max(driver.now + 1, driver.deadline)
            _ = driver.written()
            steps += 1
        }
        #expect(driver.reports().contains(.jobFailed(.printerSilent)))
        #expect(steps < 20)
    }

    @Test func anM110InTheFileIsLeftOut() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        #expect(driver.feed(["M110 N5", "G0"]) == [numbered(2, "G0")])
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

    @Test func aResendForLineOneIsAResetAndReplaysNothing() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1", "G2", "G3"])
        for _ in 0..<3 {
            _ = driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 0", "Resend: 1", "ok")
            #expect(driver.wait(milliseconds: 50).allSatisfy { lines.contains($0) || $0.hasPrefix("N0") })
        }
        #expect(driver.reports().contains(.jobFailed(.printerReset)))
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
        _ = driver.answer("ok", "ok T:25.0 /0.0")
        #expect(driver.reports().last == .jobFinished)
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

    @Test func nobodyElseChangesTheLineCount() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        #expect(!driver.submit("M110 N5"))
        #expect(!driver.submit("N5 M110 N5"))
        #expect(driver.feed(["N7 M110 N7", "G0"]) == [numbered(2, "G0")])
    }

    @Test func aPrinterThatOnlyAsksForLinesFailsTheJob() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1"])
        var asked = 0
        while driver.hasJob, asked < 1000 {
            asked += 1
            driver.receive("Resend: \(asked % 2 == 0 ? 2 : 900)\n")
            _ = driver.wait(milliseconds: 20)
        }
        #expect(asked < 1000)
    }

    @Test func aPrinterThatTalksAndNeverAnswersFailsTheJob() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0"])
        var seconds = 0
        while driver.hasJob, seconds < 2000 {
            seconds += 1
            driver.receive(" T:25.00 /0.00 B:25.00 /0.00 @:0 B@:0\n")
            _ = driver.wait(milliseconds: 1000)
        }
        #expect(driver.reports().contains(.jobFailed(.printerSilent)))
    }

    @Test func aPrinterThatTakesNoNumbersAnyMoreIsToldToCoolDown() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let said = driver.feed(["M104 S215", "G1"]) + Self.refuseAllNumbers(driver)
        #expect(said.suffix(2) == ["M104 S0", "M140 S0"])
    }

    @Test func aPrinterThatSomebodyElseHeatsIsLeftAlone() {
        let driver = EngineDriver()
        driver.synchronise()
        let said = driver.written() + Self.refuseAllNumbers(driver)
        #expect(said.count > 2)
        #expect(!said.contains { $0.contains("S0") })
    }

    /// Answers every line with a Resend until the engine gives up; what it said meanwhile.
    private static func refuseAllNumbers(_ driver: EngineDriver) -> [String] {
        var said: [String] = []
        for _ in 0..<2000 {
            said += driver.answer("Error:checksum mismatch, Last Line: 1", "Resend: 2", "ok")
            said += driver.wait(milliseconds: 50)
            if driver.reports().contains(.linkFailed(.notSynchronised)) { return said }
        }
        Issue.record("it never gave up")
        return said
    }
}
