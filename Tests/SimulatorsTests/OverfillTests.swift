import Testing

@testable import Simulators

/// More lines in one write than buffers hold, on a line with real speed: what firmware did with the same bytes.
@Suite struct OverfillTests {
    private func lines(_ count: Int, _ command: (Int) -> String) -> String {
        (1...count).map { numbered($0, command($0)) }.joined()
    }

    private func behindDwell() -> String {
        numbered(1, "G4 P2000")
            + (2...31).map { numbered($0, "G1 X\(10 + $0 / 10).\($0 % 10)00 Y10.000 F6000") }.joined()
    }

    private func bench(_ profile: FirmwareProfile, baud: UInt32) -> Bench {
        var bench = Bench(profile) { $0.baud = baud }
        _ = bench.ask("N0 M110 N0*125")
        return bench
    }

    @Test(arguments: [("marlin-2.1.2-stock", 250_000), ("marlin-2.1.2-custom", 115_200), ("marlin-1.1.9", 250_000)])
    func marlinTakesEightLinesBehindDwell(_ name: String, _ baud: UInt32) throws {
        var bench = bench(try #require(.named(name)), baud: baud)
        bench.send(behindDwell())
        let said = bench.wait(9)
        #expect(said.count { $0.hasPrefix("ok") } == 8)
        #expect(said.allSatisfy { !$0.contains("Resend") })
        // The rest of line 9 is still in the buffer, and the next line is glued to it.
        let next = bench.ask("M400")
        #expect(next == ["Error:No Checksum with line number, Last Line: 8", "Resend: 9", "ok"])
        #expect(bench.snapshot().statistics.overflows > 0)
    }

    @Test(arguments: [("mk3s-3.13.3", true), ("mk3s-3.9.0", false)])
    func prusaTakesThreeLinesBehindDwell(_ name: String, _ timesOut: Bool) throws {
        var bench = bench(try #require(.named(name)), baud: 115_200)
        bench.send(behindDwell())
        let said = bench.wait(9).map { $0.replacing("\r", with: "") }.filter { !$0.contains("busy") }
        #expect(said.count { $0 == "ok" } == 3)
        #expect(said.contains("Full RX Buffer"))
        #expect(said.contains("RX timeout") == timesOut)
        let next = bench.ask("M400", wait: 3).map { $0.replacing("\r", with: "") }
        if timesOut {
            #expect(next == ["ok"])
        } else {
            #expect(next == ["Error:Line Number is not Last Line Number+1, Last Line: 3", "Resend: 4", "ok"])
        }
    }

    @Test func twentyTemperatureLines() throws {
        var bench = bench(.marlin2Stock, baud: 250_000)
        bench.send(lines(20) { _ in "M105" })
        let said = bench.wait(5)
        #expect(said.count { $0.hasPrefix("ok T:") } == 16)
        #expect(said.count == 16)
        #expect(bench.ask("M400") == ["Error:checksum mismatch, Last Line: 16", "Resend: 17", "ok"])
    }

    @Test func twentyTemperatureLinesGiveTwoOksEachOnMK3S() {
        var bench = bench(.prusa3_13, baud: 115_200)
        bench.send(lines(20) { _ in "M105" })
        let said = bench.wait(5)
        #expect(said.count { $0.hasPrefix("ok T:") } == 20)
        #expect(said.count { $0.hasPrefix("ok") } == 38)
    }

    private func twentyMoves() -> String { lines(20) { "G1 X\(10 + $0 / 10).\($0 % 10)00 Y10.000 F6000" } }

    @Test func twentyMovesOnStockMarlin() {
        var bench = bench(.marlin2Stock, baud: 250_000)
        bench.send(twentyMoves())
        let said = bench.wait(5)
        let oks = Array(repeating: "ok", count: 8)
        // Lines 9 to 11 were in the queue already when the damaged one behind them was read.
        #expect(said == oks + ["Error:checksum mismatch, Last Line: 11", "Resend: 12", "ok", "ok", "ok", "ok"])
        #expect(bench.printer.executedCommands.last == "G1 X11.100 Y10.000 F6000")
    }

    @Test func twentyMovesWithAdvancedOk() {
        var bench = bench(.marlin2Custom, baud: 115_200)
        bench.send(twentyMoves())
        #expect(
            bench.wait(5) == [
                "ok N1 P14 B3", "ok N2 P13 B2", "ok N3 P12 B2", "ok N4 P11 B1", "ok N5 P10 B0", "ok N6 P9 B0",
                "ok N7 P8 B0", "ok N8 P7 B0", "ok N9 P6 B0", "ok N10 P5 B0", "ok N11 P4 B0", "ok N12 P3 B0",
                "Error:checksum mismatch, Last Line: 15", "Resend: 16", "ok", "ok N13 P2 B1", "ok N14 P1 B2",
                "ok N15 P0 B3",
            ])
    }

    @Test func twentyMovesFitIntoMK3S() {
        var bench = bench(.prusa3_13, baud: 115_200)
        bench.send(twentyMoves())
        #expect(bench.wait(5) == Array(repeating: "ok", count: 20))
    }
}
