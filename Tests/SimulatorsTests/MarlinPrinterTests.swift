import Testing

@testable import Simulators

@Suite struct MarlinPrinterTests {
    @Test(arguments: FirmwareProfile.all.map(\.name))
    func bootsWithItsText(_ name: String) throws {
        let profile = try #require(FirmwareProfile.named(name))
        var bench = Bench(profile)
        bench.send(numbered(1, "M117 before"))
        _ = bench.wait(1)
        bench.printer.reset(at: bench.now)
        let boot = bench.wait(12)
        #expect(boot.first == (name == "smoothie" ? "Smoothie" : "start"))
        let expected = profile.boot.lines.map { String(decoding: $0.text.utf8.dropLast(), as: UTF8.self) }
        #expect(boot.filter { $0 != "wait" } == expected)
        // Everything is forgotten: line 1 is the next again.
        bench.send(numbered(1, "M117 after"))
        #expect(bench.wait(1).contains { $0.hasPrefix("ok") })
        #expect(bench.snapshot().message == "after")
        #expect(bench.snapshot().statistics.resets == 1)
    }

    @Test func commandsDuringStartAreKeptUntilItListens() {
        var bench = Bench(.prusa3_13)
        bench.printer.reset(at: 0)
        _ = bench.wait(3)
        #expect(bench.ask("M105").isEmpty)
        #expect(bench.wait(5).last?.hasPrefix("ok T:") == true)
    }

    @Test(arguments: [
        (
            "marlin-2.1.2-custom",
            ["echo:M112 Shutdown", "Error:Printer halted. kill() called!", "//action:poweroff"]
        ),
        ("marlin-2.1.2-stock", ["echo:M112 Shutdown", "Error:Printer halted. kill() called!"]),
        ("marlin-1.1.9", ["Error:Printer halted. kill() called!"]),
        ("mk3s-3.9.0", ["KILL: 2", "Error:Printer halted. kill() called!\r", "M112 called. Emergency Stop.\r"]),
    ])
    func killDuringDwell(_ name: String, _ texts: [String]) throws {
        var bench = Bench(try #require(.named(name)))
        #expect(bench.ask("G4 P4000", wait: 0.7).filter { !$0.contains("action") }.isEmpty)
        #expect(bench.ask("M112") == texts)
        #expect(bench.snapshot().state == .halted)
        for line in ["M105", "M999", "M105"] { #expect(bench.ask(line, wait: 3).isEmpty) }
        bench.printer.reset(at: bench.now)
        #expect(bench.wait(1).first == "start")
    }

    @Test func killedMK3SRestartsAndWaitsForItsButton() {
        var bench = Bench(.prusa3_13)
        _ = bench.ask("G4 P4000", wait: 0.7)
        #expect(bench.ask("M112") == ["Error:Printer halted. kill() called!", "M112 called. Emergency Stop."])
        let boot = bench.wait(6)
        #expect(boot.first == "start")
        #expect(!boot.contains("PowerUp"))
        #expect(boot.last == "echo:busy: paused for user")
        #expect(bench.ask("M105").allSatisfy { $0.contains("busy") })
        bench.printer.pressButton(at: bench.now)
        #expect(bench.wait(1).first?.hasPrefix("ok T:") == true)
    }

    @Test func emergencyParserActsBehindAFullQueue() {
        for (profile, isKilled) in [(FirmwareProfile.marlin2Custom, true), (.marlin2Stock, false)] {
            var bench = Bench(profile)
            bench.send("G4 P4000\n" + String(repeating: "M117 waits in the queue\n", count: 5))
            bench.send(numbered(1, "M112"))
            #expect((bench.snapshot().state == .halted) == isKilled)
        }
    }

    @Test func breakWaitingEndsHeating() {
        var bench = Bench(.marlin2Stock)
        #expect(bench.ask("M109 S200", wait: 5).allSatisfy { $0.hasPrefix(" T:") || $0.contains("busy") })
        #expect(bench.ask("M108") == ["ok", "ok"])
    }

    @Test func busyEveryTwoSecondsOrAsToldAndAlwaysBeforeTheOk() {
        var bench = Bench(.marlin2Stock)
        #expect(bench.ask("G4 P5000", wait: 6) == ["echo:busy: processing", "echo:busy: processing", "ok"])
        _ = bench.ask("M113 S1")
        #expect(bench.ask("G4 S5", wait: 6) == Array(repeating: "echo:busy: processing", count: 5) + ["ok"])
        _ = bench.ask("M113 S0")
        #expect(bench.ask("G4 S5", wait: 6) == ["ok"])
    }

    @Test func heatsAndReportsEachSecond() {
        var bench = Bench(.marlin2) { $0.hotend = HeaterModel(rate: 10, settling: 1, cooling: 60) }
        _ = bench.ask("M113 S0")
        let said = bench.ask("M109 S60", wait: 30)
        #expect(said.first == " T:25.00 /60.00 B:25.00 /0.00 @:127 B@:0 W:?")
        #expect(said.last == "ok")
        #expect(said.contains { $0.hasSuffix("W:9") } && said.contains { $0.hasSuffix("W:0") })
        #expect(abs(bench.snapshot().hotend - 60) < 0.5)
        // Cooling with S is not waited for.
        #expect(bench.ask("M109 S40") == ["ok"])
        _ = bench.ask("M104 S0")
        _ = bench.wait(600)
        #expect(abs(bench.snapshot().hotend - 25) < 0.5)
    }

    @Test func heatingTextsOfMK3S() {
        var bench = Bench(.prusa3_9) { $0.hotend = HeaterModel(rate: 10, settling: 1, cooling: 60) }
        let nozzle = bench.ask("M109 S60", wait: 20)
        #expect(nozzle.first == "T:35.0 E:0 W:?\r")
        #expect(nozzle.allSatisfy { !$0.contains("busy") })
        #expect(nozzle.contains { $0.hasSuffix("W:2\r") })
        #expect(nozzle.last == "ok\r")
        let plate = bench.ask("M190 S30", wait: 60)
        #expect(plate.first { $0.hasPrefix("T:") }?.contains(" E:0 B:") == true)
        #expect(plate.last == "ok\r")
    }

    @Test func stockMarlinHasNoBed() {
        var bench = Bench(.marlin2Stock)
        #expect(bench.ask("M140 S60") == ["echo:Unknown command: \"M140 S60\"", "ok"])
    }

    @Test func waitsForTheUser() {
        var bench = Bench(.marlin2)
        #expect(bench.ask("M0", wait: 5) == ["echo:busy: paused for user", "echo:busy: paused for user"])
        #expect(bench.snapshot().state == .waitingForUser)
        bench.printer.pressButton(at: bench.now)
        #expect(bench.wait(1) == ["ok"])
    }

    @Test func aScreenHoldsCommandsButLinesAreChecked() {
        var bench = Bench(.prusa3_13)
        _ = bench.ask("M109 S200", wait: 1.5)
        bench.printer.showScreen(at: bench.now)
        #expect(bench.wait(5) == ["ok", "echo:busy: paused for user", "echo:busy: paused for user"])
        #expect(bench.ask("M105", wait: 0.5).isEmpty)
        #expect(bench.ask("N7 M105*32", wait: 0.1).contains("Resend: 1"))
        bench.printer.pressButton(at: bench.now)
        #expect(bench.wait(1).first?.hasPrefix("ok T:") == true)
    }

    @Test func pausesLikeMK3S() {
        var bench = Bench(.prusa3_13)
        #expect(bench.ask("M601") == ["ok", "// action:paused"])
        #expect(bench.snapshot().isPaused)
        #expect(bench.ask("M602") == ["// action:resumed", "ok"])
        #expect(bench.ask("M603") == ["// action:cancel", "ok"])
        bench.printer.emitAction("resume", at: bench.now)
        #expect(bench.wait(1) == ["// action:resume"])
    }

    @Test func setsAndTellsValues() {
        var bench = Bench(.marlin2)
        for line in ["M106 S128", "M220 S50", "M221 S95", "M73 P42 R7", "M117 half done"] {
            #expect(bench.ask(line) == ["ok"])
        }
        let snapshot = bench.snapshot()
        #expect(snapshot.fan == 128 && snapshot.feedRate == 50 && snapshot.flow == 95)
        #expect(snapshot.progress == 42 && snapshot.minutesLeft == 7 && snapshot.message == "half done")
        #expect(bench.ask("M220") == ["FR:50%", "ok"])
        #expect(bench.ask("M221") == ["echo:E0 Flow: 95%", "ok"])
        #expect(bench.ask("M107") == ["ok"])
        #expect(bench.snapshot().fan == 0)
    }

    @Test func coldExtrusionIsRefusedUntilAllowed() {
        var bench = Bench(.marlin2)
        #expect(bench.ask("G1 E5 F300") == ["echo: cold extrusion prevented", "ok"])
        #expect(bench.ask("M302 P1") == ["ok"])
        #expect(bench.ask("G1 E9 F300") == ["ok"])
        var old = Bench(.marlin1)
        #expect(old.ask("G1 E5").count { $0.contains("cold extrusion") } == 2)
    }

    @Test func silenceLastsUntilReset() {
        var bench = Bench(.marlin2)
        bench.printer.goSilent(at: 0)
        #expect(bench.ask("M105", wait: 100).isEmpty)
        bench.printer.reset(at: bench.now)
        #expect(bench.wait(1).first == "start")
        #expect(bench.ask("M105").count == 1)
    }
}

@Suite struct MotionTests {
    @Test func keepsPositionInEveryMode() {
        var bench = Bench(.marlin1)
        for line in [
            "M302 P1", "G90", "G1 X10 Y20 Z1 F6000", "G91", "G1 X5 Y-5", "G90", "M83", "G1 E2", "G1 E2", "M82",
        ] {
            _ = bench.ask(line, wait: 5)
        }
        #expect(bench.snapshot().position == SIMD4(15, 15, 1, 4))
        _ = bench.ask("G92 E0 X100")
        #expect(bench.snapshot().position == SIMD4(100, 15, 1, 0))
        #expect(bench.ask("M114").first == "X:100.00 Y:15.00 Z:1.00 E:0.00 Count X:1200 Y:1200 Z:4000")
        _ = bench.ask("G28", wait: 20)
        #expect(bench.snapshot().position == SIMD4(0, 0, 0, 0))
    }

    @Test func movesTakeDistanceOverSpeed() {
        var bench = Bench(.marlin2)
        _ = bench.ask("G28", wait: 20)
        #expect(bench.ask("G1 X100 F600", wait: 5.1) == ["ok"])
        #expect(abs(bench.snapshot().position.x - 50) < 1)
        #expect(bench.ask("M400", wait: 3).filter { !$0.contains("busy") }.isEmpty)
        #expect(bench.wait(3).last == "ok")
        #expect(bench.snapshot().position.x == 100)
        // Z is slow, the table's edge holds, M220 doubles.
        #expect(bench.ask("G1 Z50 F60000", wait: 9) == ["ok"])
        #expect(bench.snapshot().state == .moving)
        _ = bench.wait(2)
        #expect(bench.ask("G1 X9999 F60000", wait: 2) == ["ok"])
        #expect(bench.snapshot().position.x == 200)
    }

    @Test func arcsAreAsLongAsTheyAre() {
        var bench = Bench(.marlin2)
        // A half circle of radius 10 at 10 mm/s: 3.14 s; the first move waits 0.1 s for company.
        _ = bench.ask("G3 X20 Y0 I10 J0 F600", wait: 3)
        #expect(bench.snapshot().state == .moving)
        _ = bench.wait(0.4)
        #expect(bench.snapshot().state == .idle)
    }

    @Test func fifteenMovesFitAndTheSixteenthWaits() {
        var bench = Bench(.marlin2Custom)
        for index in 1...15 { #expect(bench.ask("G1 X\(index) F60", wait: 0.01) == ["ok P\(15 - index) B3"]) }
        #expect(bench.ask("G1 X16 F60", wait: 0.5).isEmpty)
        #expect(bench.wait(1) == ["ok P0 B3"])
    }

    @Test func timeScaleMakesAMinuteASecond() {
        var bench = Bench(.marlin2) { $0.timeScale = 60 }
        #expect(bench.ask("G4 S60", wait: 0.99).isEmpty)
        #expect(bench.wait(0.02) == ["ok"])
    }

    @Test func fixedMoveTime() {
        var bench = Bench(.marlin2) { $0.moveTime = .fixed(nanoseconds: 50_000_000) }
        for index in 1...3 { #expect(bench.ask("G1 X\(index * 50)", wait: 0) == ["ok"]) }
        _ = bench.wait(0.14)
        #expect(bench.snapshot().state == .moving)
        _ = bench.wait(0.02)
        #expect(bench.snapshot().state == .idle)
    }

    @Test func starvationCountsWhileStreamingOnly() {
        var bench = Bench(.marlin2) { $0.moveTime = .fixed(nanoseconds: 30_000_000) }
        for index in 1...20 { _ = bench.ask("G1 X\(index)", wait: 0.02) }
        #expect(bench.snapshot().statistics.plannerStarvations == 0)
        _ = bench.wait(5)
        _ = bench.ask("G1 X99", wait: 5)
        #expect(bench.snapshot().statistics.plannerStarvations == 1)
        // A stop that was asked for is none.
        for index in 1...20 { _ = bench.ask("G1 X\(index)", wait: 0.02) }
        _ = bench.ask("M400", wait: 5)
        _ = bench.ask("G1 X99", wait: 5)
        #expect(bench.snapshot().statistics.plannerStarvations == 2)
    }

    @Test func quickStopDropsMoves() {
        var bench = Bench(.marlin2)
        for index in 1...10 { _ = bench.ask("G1 X\(index * 10) F600", wait: 0.01) }
        _ = bench.wait(1)
        #expect(bench.ask("M410") == ["ok"])
        #expect(bench.snapshot().state == .idle)
        #expect(bench.snapshot().position.x < 20)
    }
}
