import Testing

@testable import GCodeStream

/// What the printer asks for again.
@Suite struct StreamResendTests {
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

    /// Two such requests in a row leave it where it was: nothing is taken for arrived.
    @Test func requestsThatCannotBeMetSkipNoLine() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1"])
        #expect(driver.answer("Resend: 22", "Resend: 22") == [])
        #expect(driver.wait(milliseconds: 45) == lines)
        #expect(driver.counters.jobCommands == 0)
        _ = driver.answer("Resend: 22")
        #expect(driver.reports().contains(.jobFailed(.resendOutOfRange(line: 22))))
    }

    /// Repetier throws lines away that it counts as repeated ones.
    @Test func newLinesThatAreSkippedFailTheJob() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        _ = driver.feed(["G0", "G1"])
        _ = driver.answer("skip 2", "ok")
        #expect(driver.hasJob)
        _ = driver.answer("skip 3", "ok")
        #expect(driver.reports().contains(.jobFailed(.resendOutOfRange(line: 3))))
    }

    @Test func repeatedLinesMayBeSkipped() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1"])
        _ = driver.answer("Resend:2")
        #expect(driver.wait(milliseconds: 100) == lines)
        _ = driver.answer("skip 2", "ok", "skip 3", "ok")
        #expect(driver.hasJob)
        #expect(driver.unacknowledgedLines == 0)
    }

    /// The M105 that proves the count may have lost its number and been executed all the same.
    @Test func lineOneMayBeAskedForBeforeAnythingElseIsAcknowledged() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0"])
        _ = driver.answer("Resend: 1", "ok")
        #expect(driver.wait(milliseconds: 45) == [numbered(1, "M105")] + lines)
        #expect(driver.hasJob)
    }

    /// Whatever was half written before, the count begins on a line of its own.
    @Test func theCountBeginsBehindALineBreak() {
        let driver = EngineDriver()
        driver.synchronise()
        #expect(driver.writtenBytes() == Array("\nN0 M110*35\n".utf8))
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

    @Test func aResendForLineOneIsAResetAndReplaysNothing() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        let lines = driver.feed(["G0", "G1", "G2", "G3"])
        _ = driver.answer("ok")
        for _ in 0..<3 {
            _ = driver.answer("Error:Line Number is not Last Line Number+1, Last Line: 0", "Resend: 1", "ok")
            #expect(driver.wait(milliseconds: 50).allSatisfy { lines.contains($0) || $0.hasPrefix("N0") })
        }
        #expect(driver.reports().contains(.jobFailed(.printerReset)))
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
}
