import Testing

@testable import GCodeStream

/// Printers that restart, halt or say nothing any more.
@Suite struct StreamFailureTests {
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

    /// `!!` is the end of most firmware, and a command that failed to Klipper.
    @Test func whatTwoExclamationMarksMean() {
        for alarm in [StreamSettings.Alarm.halted, .commandFailed] {
            let driver = EngineDriver { $0.alarm = alarm }
            #expect(driver.beginJob())
            _ = driver.feed(["G0"])
            _ = driver.answer("!! Must home axis first", "ok")
            let failure: StreamFailure = alarm == .halted ? .printerHalted : .firmwareError
            #expect(driver.reports() == [.jobFailed(failure)])
            #expect(driver.errorLength == 23)
            // Who listens on agrees on a new count.
            #expect((driver.deadline == .max) == (alarm == .halted))
        }
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
