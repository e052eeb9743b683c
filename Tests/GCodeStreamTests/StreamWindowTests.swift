import Testing

@testable import GCodeStream

/// How much is unacknowledged, and what an ok settles.
@Suite struct StreamWindowTests {
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

    @Test func noOkIsThatOfALineThatThePortHasNotTaken() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        driver.push("G0")
        driver.writtenBytes(atMost: 3)
        driver.receive("ok\nok T:25.0 /0.0 B:25.0 /0.0\n")
        #expect(driver.unacknowledgedLines == 1)
        #expect(driver.counters.oksSurplus == 2)
        driver.writtenBytes()
        driver.receive("ok\n")
        #expect(driver.unacknowledgedLines == 0)
    }

    @Test func oksThatNameTheirLineNeedNoCheck() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        for index in 0..<1000 {
            #expect(driver.feed(["G1 X\(index)"]) == [numbered(index + 2, "G1 X\(index)")])
            _ = driver.answer("ok N\(index + 2) P15 B3")
        }
    }

    @Test func anM110InTheFileIsLeftOut() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        #expect(driver.feed(["M110 N5", "G0"]) == [numbered(2, "G0")])
    }

    @Test func nobodyElseChangesTheLineCount() {
        let driver = EngineDriver()
        #expect(driver.beginJob())
        #expect(!driver.submit("M110 N5"))
        #expect(!driver.submit("N5 M110 N5"))
        #expect(driver.feed(["N7 M110 N7", "G0"]) == [numbered(2, "G0")])
    }
}
