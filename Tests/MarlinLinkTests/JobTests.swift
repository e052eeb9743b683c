import Foundation
import GCodeStream
import MarlinLink
import Simulators
import Testing

/// Whole prints, from the file to the printer's own digest of what it executed.
@Suite struct JobTests {
    @Test(arguments: FirmwareProfile.all.map(\.name))
    func everyFirmware(_ name: String) async throws {
        let rig = try LinkRig(try #require(FirmwareProfile.named(name)))
        try await rig.connect()
        let file = GCode.moves(800)
        try await rig.print(file)
        #expect(rig.events.failures == [])
        let printer = rig.printer.snapshot()
        #expect(printer.digest == GCode.digest(file))
        #expect(printer.statistics.overflows == 0)
        // The figures are those of the end when the end is told.
        let snapshot = rig.link.snapshot
        #expect(snapshot.jobCommands == 802)
        #expect(snapshot.jobOffset == UInt64(file.count))
        #expect(snapshot.layer == 8)
        #expect(snapshot.phase == .ready)
        #expect(snapshot.resends == 0)
        // Reports or queries, whichever the firmware knows.
        try await eventually("temperatures arrive") { rig.link.snapshot.readings.temperatureReports > 0 }
        #expect(rig.link.snapshot.readings.hotend.current > 0)
    }

    @Test(arguments: 1...12) func aBadCable(_ seed: UInt64) async throws {
        let profiles: [FirmwareProfile] = [.marlin2, .marlin2Custom, .marlin1, .prusa3_13, .prusa3_9]
        let rig = try LinkRig(profiles[Int(seed) % profiles.count]) {
            $0.faults = .noisy(seed: seed)
            $0.faults.lateOkMilliseconds = 300
            // A damaged query of the greeting has no checksum and may be executed as something else.
            $0.digestsOnlyNumbered = true
        } link: {
            $0.stream.probeTime = 100_000_000
        }
        try await rig.connect()
        let file = GCode.moves(1500)
        try await rig.print(file)
        #expect(rig.events.failures == [], "\(FaultPlan.noisy(seed: seed))")
        #expect(rig.printer.snapshot().digest == GCode.digest(file), "\(FaultPlan.noisy(seed: seed))")
        #expect(rig.link.snapshot.jobCommands == 1502)
        #expect(rig.link.snapshot.resends >= rig.events.all.count { if case .resend = $0 { true } else { false } })
    }

    @Test func aPacedLine() async throws {
        let rig = try LinkRig(.marlin2Stock) {
            $0.baud = 250_000
            $0.moveTime = .fixed(nanoseconds: 1_000_000)
        } link: {
            $0.baud = 250_000
        }
        try await rig.connect()
        let file = GCode.moves(300)
        try await rig.print(file)
        #expect(rig.events.finished == 1)
        #expect(rig.printer.snapshot().digest == GCode.digest(file))
        #expect(rig.printer.snapshot().statistics.overflows == 0)
    }

    @Test func oneAfterTheOther() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        for round in 1...5 {
            try await rig.print(GCode.moves(20 * round))
            #expect(rig.events.finished == round)
            #expect(rig.link.snapshot.jobCommands == UInt64(20 * round + 2))
            #expect(rig.link.snapshot.layer == 1)
        }
        let all = (1...5).flatMap { GCode.moves(20 * $0) }
        #expect(rig.printer.snapshot().digest == GCode.digest(all))
    }

    @Test func progressOfTheSlicer() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        try await rig.print(Array("M73 P0 R25\nG28\nM73 P40 R12\nG1 X5\n".utf8))
        #expect(rig.link.snapshot.readings.progress == 40)
        #expect(rig.link.snapshot.readings.minutesLeft == 12)
        #expect(rig.printer.snapshot().progress == 40)
        // Another file knows nothing of it.
        try await rig.print(Array("G28\n".utf8))
        #expect(rig.link.snapshot.readings.progress == -1)
        #expect(rig.link.snapshot.readings.minutesLeft == -1)
    }

    @Test func onlyOneAtATime() async throws {
        let rig = try LinkRig { $0.moveTime = .fixed(nanoseconds: 1_000_000) }
        try await rig.connect()
        let job = try rig.job(GCode.moves(2000))
        try rig.link.print(job)
        #expect(throws: LinkError.jobRunning) { try rig.link.print(job) }
        try rig.link.cancel()
    }

    // MARK: Pause and cancel

    @Test func pauseAndResume() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let file = GCode.waitingInItsMidst(300)
        try rig.link.print(rig.job(file))
        try await eventually("it is in its midst") { rig.printer.snapshot().state == .waitingForUser }
        try rig.link.pause()
        try await eventually("it is paused") { rig.link.snapshot.phase == .paused }
        rig.printer.pressButton()
        try await eventually("the printer has done what it had") {
            rig.link.snapshot.jobCommands > 302
                && rig.link.snapshot.jobCommands == UInt64(rig.printer.snapshot().digestedCommands)
        }
        // Commands go through meanwhile, the job's do not.
        let done = rig.link.snapshot.jobCommands
        let result = onThread { (try? rig.link.run(["M117 paused", "G4 P1"])) != nil }
        try await eventually("the commands were executed") { result.value != nil }
        #expect(result.value == true)
        #expect(rig.printer.snapshot().message == "paused")
        #expect(rig.link.snapshot.jobCommands == done)
        #expect(rig.events.finished == 0)
        try rig.link.resume()
        try await eventually("it is finished") { rig.events.finished == 1 }
        #expect(rig.link.snapshot.jobCommands == 605)
    }

    @Test func cancel() async throws {
        let rig = try LinkRig { $0.moveTime = .fixed(nanoseconds: 1_000_000) }
        try await rig.connect()
        try rig.link.print(rig.job(GCode.moves(60_000)))
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 100 }
        try rig.link.cancel()
        #expect(throws: LinkError.noJob) { try rig.link.pause() }
        try await eventually("the link is free") { rig.link.snapshot.phase == .ready }
        #expect(rig.link.snapshot.jobCommands < 60_000)
        try await rig.print(GCode.moves(10))
        #expect(rig.events.finished == 1)
        #expect(rig.events.failures == [])
    }

    @Test func aJobRightBehindACancelledOne() async throws {
        let rig = try LinkRig { $0.moveTime = .fixed(nanoseconds: 1_000_000) }
        try await rig.connect()
        let cancelled = try rig.job(GCode.moves(20_000), name: "cancelled.gcode")
        for round in 1...30 {
            let next = try rig.job(Array("M117 job \(round)\n".utf8), name: "next.gcode")
            try rig.link.print(cancelled)
            // At every stage: before it began, while the line count is agreed on, in its midst.
            if round % 3 == 1 { try await eventually("it prints") { rig.link.snapshot.phase == .printing } }
            if round % 3 == 2 { try await eventually("it moves") { rig.link.snapshot.jobCommands > 10 } }
            try rig.link.cancel()
            let before = rig.events.ends
            try rig.link.print(next)
            try await eventually("job \(round) ends") { rig.events.ends > before }
            #expect(rig.printer.executedCommands.contains("M117 job \(round)"))
            #expect(rig.link.snapshot.jobCommands == 1)
        }
        #expect(rig.events.failures == [])
    }

    // MARK: The file

    @Test func theFileIsDeletedMeanwhile() async throws {
        let rig = try LinkRig { $0.moveTime = .fixed(nanoseconds: 50_000) }
        try await rig.connect()
        // More than the ring between file and wire holds.
        let file = GCode.moves(20_000)
        let job = try rig.job(file)
        try rig.link.print(job)
        try await eventually("it prints") { rig.link.snapshot.jobCommands > 10 }
        try FileManager.default.removeItem(atPath: job.path)
        try await eventually("it is finished") { rig.events.ends == 1 }
        #expect(rig.events.finished == 1)
        #expect(rig.printer.snapshot().digest == GCode.digest(file))
    }

    @Test func theFileIsCutMeanwhile() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let file = GCode.moves(40_000)
        let job = try rig.job(file)
        try rig.link.print(job)
        try rig.link.pause()
        let half = file.count / 2
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: job.path))
        try handle.truncate(atOffset: UInt64(half))
        try handle.close()
        // It may have begun before the pause; then it is streaming or paused, and goes on either way.
        try rig.link.resume()
        try await eventually("it fails") { rig.events.ends == 1 }
        #expect(
            rig.events.failures
                == [.file(.cut(path: job.path, expected: UInt64(file.count), found: UInt64(half)))])
        // What was there was printed, and the link goes on.
        #expect(rig.link.snapshot.jobCommands > 1000)
        try await rig.print(GCode.moves(5))
        #expect(rig.events.finished == 1)
    }

    @Test func theFileIsReplacedByLongLinesMeanwhile() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let file = GCode.moves(40_000)
        let job = try rig.job(file)
        try rig.link.print(job)
        try rig.link.pause()
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: job.path))
        try handle.seek(toOffset: UInt64(file.count - 1000))
        try handle.write(contentsOf: [UInt8](repeating: UInt8(ascii: "x"), count: 1000))
        try handle.close()
        try rig.link.resume()
        try await eventually("it fails") { rig.events.ends == 1 }
        #expect(rig.events.failures == [.file(.changed(path: job.path))])
    }
}
