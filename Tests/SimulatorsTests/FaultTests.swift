import Testing

@testable import Simulators

@Suite struct FaultTests {
    @Test func planReadsItsOwnDescription() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            var plan = FaultPlan.noisy(seed: seed)
            if seed % 2 == 0 { plan.resetAfterCommands = Int(seed) * 10 }
            if seed % 3 == 0 { plan.silentAfterCommands = 7 }
            if seed % 5 == 0 { plan.onePerLine = false }
            #expect(FaultPlan(plan.description) == plan)
        }
        #expect(FaultPlan("seed=7,in-flip=0.5,lost-ok=0.1")?.toPrinter.flip == 0.5)
        for text in ["seed", "seed=x", "in-flip=2", "colour=red", "reset-after=soon"] {
            #expect(FaultPlan(text) == nil)
        }
    }

    @Test func splitMixIsTheReferenceGenerator() {
        var random = SplitMix64(seed: 1_234_567)
        #expect((1...3).map { _ in random.next() } == [6457827717110365317, 3203168211198807973, 9817491932198370423])
    }

    /// Sends `count` numbered commands one at a time, as a careful host does, and gives the commands executed.
    private func stream(_ plan: FaultPlan, _ profile: FirmwareProfile, count: Int) -> (executed: [String], Bench) {
        var bench = Bench(profile) {
            $0.faults = plan
            $0.timeScale = .infinity
        }
        var number = 1
        while number <= count {
            bench.send(numbered(number, "M117 command \(number)"))
            var answers = bench.wait(0.01)
            if answers.isEmpty {
                // Nothing came: an unnumbered line shows whether the printer is there, a damaged one is not executed.
                bench.send("\n")
                answers = bench.wait(5) + bench.ask("M105", wait: 5)
            }
            number = Int(bench.snapshot().lastLineNumber) + 1
        }
        return (bench.printer.executedCommands.filter { $0.hasPrefix("M117") }, bench)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func numberedLinesSurviveADamagedCable(_ seed: UInt64) throws {
        var plan = FaultPlan(seed: seed)
        plan.toPrinter = .init(flip: 0.003, loss: 0.003, double: 0.003)
        for profile in [FirmwareProfile.marlin1, .marlin2Stock] {
            let (executed, bench) = stream(plan, profile, count: 200)
            #expect(executed == (1...200).map { "M117 command \($0)" }, "\(plan) on \(profile.name)")
            #expect(bench.printer.currentStatistics.faults > 5)
        }
    }

    @Test func theSameSeedGivesTheSameRun() {
        var plan = FaultPlan.noisy(seed: 3)
        plan.toPrinter.loss = 0.01
        let one = stream(plan, .marlin1, count: 100)
        let other = stream(plan, .marlin1, count: 100)
        #expect(one.1.printer.currentStatistics == other.1.printer.currentStatistics)
        #expect(one.1.printer.currentStatistics.faults > 0)
    }

    @Test func lostDoubledAndLateOk() {
        for (change, expected) in [
            ({ $0.lostOk = 1 }, 0), ({ $0.doubledOk = 1 }, 2), ({ $0.lateOk = 1 }, 0),
        ] as [((inout FaultPlan) -> Void, Int)] {
            var plan = FaultPlan(seed: 1)
            change(&plan)
            var bench = Bench(.marlin2) { $0.faults = plan }
            #expect(bench.ask("M117 x", wait: 1).count == expected)
            #expect(bench.wait(5).count == (plan.lateOk > 0 ? 1 : 0))
        }
    }

    @Test func resetAndSilenceAtACommand() {
        var plan = FaultPlan(seed: 1)
        plan.resetAfterCommands = 3
        plan.silentAfterCommands = 5
        var bench = Bench(.marlin2) { $0.faults = plan }
        #expect(bench.ask("M117 1") == ["ok"])
        #expect(bench.ask("M117 2") == ["ok"])
        #expect(bench.ask("M117 3").first == "start")
        #expect(bench.ask("M117 4") == ["ok"])
        #expect(bench.ask("M117 5", wait: 60).isEmpty)
        #expect(bench.snapshot().state == .silent)
    }

    @Test func faultsEnd() {
        var plan = FaultPlan(seed: 1)
        plan.toHost.loss = 0.3
        plan.lostOk = 0.5
        plan.endAfterCommands = 20
        var bench = Bench(.marlin2) { $0.faults = plan }
        for _ in 1...20 { _ = bench.ask("M117 x") }
        for _ in 1...100 { #expect(bench.ask("M117 x") == ["ok"]) }
    }
}

@Suite struct CommandDigestTests {
    @Test func countsCommandsOnly() {
        let file = """
            ; comment
              G1 X1 ; move\r
            M105
            M115 U3.1

            \tG28
            M110 N5
            G28.1
            gcode
            M1055
            """
        var digest = CommandDigest()
        for text in ["G1 X1", "G28", "G28.1", "M1055"] { digest.add(line: text.utf8) }
        #expect(digest.count == 4)
        #expect(CommandDigest.of(file: file.utf8).hexadecimal == digest.hexadecimal)
        #expect(CommandDigest.of(file: file.utf8).count == 4)
    }

    @Test func isSHA256OverTheLines() {
        // printf 'G28\nG1 X1\n' | sha256sum
        #expect(
            CommandDigest.of(file: "G28\nG1 X1".utf8).hexadecimal
                == "eed02f91a56ca124ecb7062afac5e54a5c5aa5e02647dcd02e406979b79edeb8")
        #expect(
            CommandDigest().hexadecimal == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func piecesMayBreakAnywhere() {
        let bytes = SampleGCode.shortMoves(count: 500)
        var digest = CommandDigest()
        for start in stride(from: 0, to: bytes.count, by: 7) {
            digest.add(file: bytes[start..<min(start + 7, bytes.count)])
        }
        digest.finishFile()
        #expect(digest.hexadecimal == CommandDigest.of(file: bytes).hexadecimal)
        #expect(digest.count == 503)
    }

    @Test func damagedTextIsNotACommand() {
        var bench = Bench(.marlin2)
        _ = bench.ask("F5 G1 X10*33")
        _ = bench.ask("G1 X10")
        #expect(bench.snapshot().digestedCommands == 1)
        #expect(bench.snapshot().statistics.unknownCommands == 1)
    }
}

@Suite struct LineCheckTests {
    @Test(
        arguments: [
            ("N5 G1 X1*100", 4, "G1 X1", 5), ("N5 M110 N200*122", 4, "M110 N200", 200), ("N41 M110*22", 7, "M110", 41),
        ] as [(String, Int32, String, Int32)])
    func accepts(_ line: String, _ last: Int32, _ command: String, _ newLast: Int32) throws {
        let bytes = Array(line.utf8)
        let verdict = LineCheck(rules: LineRules()).verdict(on: bytes, last: last)
        guard case .accept(let range, _, let number) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(String(decoding: bytes[range], as: UTF8.self) == command)
        #expect(number == newLast)
    }

    @Test(
        arguments: [
            ("N5 G1 X1*99", 4, .checksumMismatch), ("N5 G1 X1", 4, .noChecksum), ("N7 G1 X1*102", 4, .notNext(7)),
            ("N5 G1 X1*", 4, .checksumMismatch), ("N G1*1", 4, .notNext(0)),
        ] as [(String, Int32, LineError)])
    func refuses(_ line: String, _ last: Int32, _ error: LineError) {
        #expect(LineCheck(rules: LineRules()).verdict(on: Array(line.utf8), last: last) == .refuse(error))
    }
}

@Suite struct GCodeWordsTests {
    @Test func readsWithAndWithoutBlanks() {
        var words = GCodeWords()
        words.parse(Array("G1X10.5Y-.25E+3 F6000 Z".utf8)[...], anywhere: false)
        #expect(words.letter == UInt8(ascii: "G") && words.code == 1)
        #expect(words["X"] == 10.5 && words["Y"] == -0.25 && words["E"] == 3 && words["F"] == 6000)
        #expect(words.has("Z") && words["Z"] == nil && !words.has("S"))
    }

    @Test(arguments: ["g1 X1", "", "X1", "G", "GX1"])
    func isNoCommand(_ text: String) {
        var words = GCodeWords()
        words.parse(Array(text.utf8)[...], anywhere: false)
        #expect(words.letter == 0)
    }
}
