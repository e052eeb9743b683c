import Foundation
import MarlinLink
import Simulators
import Testing

@testable import Gantry

/// Pauses that bring back what they changed.
@Suite struct PauseTests {
    /// Heats, then moves in relative E, so that everything there is to restore has a value.
    private static let file: [String] =
        ["M140 S60", "M104 S215", "G28", "G90", "M83", "G1 Z0.3 F1200", "M106 S128"]
        + (0..<300).map { "G1 X\($0 % 90 + 10).5 Y\($0 % 70) E0.02 F1800" }

    /// A rig that prints the file; `scripts` in the words of `gantry.ini`.
    private func rig(
        pause: [String] = [], resume: [String] = [],
        printer change: (inout MarlinPrinter.Configuration) -> Void = { _ in }
    ) throws -> MachineRig {
        var scripts = Scripts()
        scripts.pause = try Script(pause)
        scripts.resume = try Script(resume)
        return try MachineRig(scripts: scripts) {
            $0.moveTime = .fixed(nanoseconds: 3_000_000)
            change(&$0)
        }
    }

    private func begin(_ rig: MachineRig) async throws {
        let path = try rig.folder.write(Array(Self.file.joined(separator: "\n").utf8), to: "box.gcode")
        try rig.machine.startJob(file: path, path: "/local/box.gcode", command: nil)
        try await eventually("it prints") { rig.printer.executedCommands.contains { $0.hasPrefix("G1 X40.5") } }
    }

    /// What the printer executed and the file does not have, M105 and the like left out; and the rest.
    private func executed(_ rig: MachineRig) -> (inserted: [String], printed: [String]) {
        var inserted: [String] = []
        var printed: [String] = []
        var rest = Self.file[...]
        for command in rig.printer.executedCommands where command != "M876 P1" {
            if command == rest.first {
                printed.append(rest.removeFirst())
            } else if !["M105", "M110", "M114", "M115", "M155"].contains(command.prefix(4)) {
                inserted.append(command)
            }
        }
        return (inserted, printed)
    }

    private func isSettled(_ rig: MachineRig) -> Bool {
        rig.machine.core.withLock { if case .settled = $0.pauseWork { true } else { false } }
    }

    private func pauseAndSettle(_ rig: MachineRig) async throws {
        try rig.machine.pause()
        try await eventually("the printer is at rest") { isSettled(rig) }
    }

    private func finish(_ rig: MachineRig) async throws {
        try await eventually("printed") { rig.machine.state == .finished }
        #expect(executed(rig).printed == Self.file)
    }

    @Test func whatNobodyTouchedIsLeftAlone() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            try await pauseAndSettle(rig)
            try rig.machine.resume()
            try await finish(rig)
            // The last M400 is that of the job's end.
            #expect(executed(rig).inserted == ["M400", "M400"])
        }
    }

    @Test func scriptsKnowWhereTheJobStands() async throws {
        let rig = try rig(
            pause: ["M117 {file} {layer} {hotend} {bed} {fan} {tool} {feed_rate}", "G1 X0 Y0 Z{z}"],
            resume: ["M117 at {x} {y} {e}"])
        try await rig.run { rig in
            try await begin(rig)
            try await pauseAndSettle(rig)
            try rig.machine.resume()
            try await finish(rig)
            let inserted = executed(rig).inserted
            let state = Self.state(behind: executed(rig), at: "M400")
            #expect(
                inserted == [
                    "M400", "M117 box.gcode 0 215 60 128 0 1800", "G1 X0 Y0 Z0.3",
                    "M117 at \(state.x) \(state.y) \(state.e)", "M400", "G21", "G90", "G1 Z1.3 F600",
                    "G1 X\(state.x) Y\(state.y) F6000", "G1 Z0.3 F600", "M106 S128", "G1 F1800", "G90", "M83",
                    "G92 E\(state.e)", "M400",
                ])
        }
    }

    /// Where the job stood when the first `mark` was executed: found in the printer's list, not by our own parser.
    private static func state(
        behind executed: (inserted: [String], printed: [String]), at mark: String
    ) -> (x: String, y: String, e: String) {
        // The count of moves is told by the restoring move itself.
        let move =
            executed.inserted.first { $0.hasPrefix("G1 X") && $0.hasSuffix("F6000") && !$0.hasPrefix("G1 X0 ") } ?? ""
        let words = move.split(separator: " ")
        guard words.count == 4 else { return ("?", "?", "?") }
        let (x, y) = (String(words[1].dropFirst()), String(words[2].dropFirst()))
        let count = executed.printed.firstIndex { $0.hasPrefix("G1 X\(x) Y\(y) ") } ?? 0
        // 0.02 mm for each move.
        let e = (Double(count - 6) * 0.02).gcode()
        return (x, y, e)
    }

    @Test func aNozzleThatWasMovedComesBackFromAbove() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            try await pauseAndSettle(rig)
            let before = rig.printer.executedCommands.count
            try rig.machine.execute(["G91", "G1 Z20", "G1 X5", "M107"])
            try rig.machine.resume()
            try await finish(rig)
            let restored = Array(executed(rig).inserted.drop { $0 != "M107" }.dropFirst())
            #expect(before > 40)
            #expect(Array(restored.prefix(3)) == ["G21", "G90", "G1 Z21.3 F600"])
            #expect(restored[3].hasPrefix("G1 X") && restored[3].hasSuffix("F6000"))
            #expect(Array(restored[4...8]) == ["G1 Z0.3 F600", "M106 S128", "G1 F1800", "G90", "M83"])
        }
    }

    /// At the printer's own menu: no command of ours tells of it.
    @Test func whatTheUserDidAtThePrinterIsSeen() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            try await pauseAndSettle(rig)
            try await Self.coolDown(rig)
            try rig.machine.resume()
            try await finish(rig)
            let inserted = executed(rig).inserted
            let heating = try #require(inserted.firstIndex(of: "M140 S60"))
            #expect(Array(inserted[heating...].prefix(3)) == ["M140 S60", "M190 S60", "M109 S215"])
        }
    }

    /// By commands that the machine does not see.
    private static func coolDown(_ rig: MachineRig) async throws {
        let link = try #require(rig.machine.core.withLock { $0.link })
        try link.run(["M104 S0", "M140 S0", "M105"])
        try await eventually("the link knows") { link.snapshot.readings.hotend.target == 0 }
    }

    @Test func resumeDoesNotWaitForAPrinterThatHeats() async throws {
        let rig = try rig { $0.timeScale = 1 }
        try await rig.run { rig in
            let path = try rig.folder.write(Array(("M109 S250\n" + Self.plainMoves).utf8), to: "hot.gcode")
            try rig.machine.startJob(file: path, path: "/local/hot.gcode", command: nil)
            try await eventually("it heats") { rig.machine.snapshot.readings.isHeating }
            // The M109 is at the printer; the M400 of the pause waits behind it.
            try rig.machine.pause()
            try rig.machine.resume()
            #expect(rig.machine.state == .printing)
            try rig.machine.cancel()
        }
    }

    @Test func aCancelledPauseBringsNothingBack() async throws {
        let rig = try rig(pause: ["G1 X0 Y0"], resume: ["M109 S250"]) { $0.timeScale = 1 }
        try await rig.run { rig in
            let path = try rig.folder.write(Array(Self.plainMoves.utf8), to: "box.gcode")
            try rig.machine.startJob(file: path, path: "/local/box.gcode", command: nil)
            try await eventually("it prints") { rig.printer.executedCommands.count > 30 }
            try await pauseAndSettle(rig)
            let refused = Shared<String?>(nil)
            try #require(
                startThread {
                    do throws(MachineError) { try rig.machine.resume() } catch { refused.change { $0 = "\(error)" } }
                })
            try await eventually("the way back has begun") { rig.machine.snapshot.readings.isHeating }
            #expect(throws: MachineError.self) { try rig.machine.resume() }
            try rig.machine.cancel()
            try await eventually("resuming ends") { refused.value != nil }
            #expect(rig.machine.state == .stopped)
            try await eventually("nothing follows the cancel script") {
                rig.printer.executedCommands.last { !$0.hasPrefix("M105") } == "M84"
            }
        }
    }

    @Test func startAndFinished() async throws {
        var scripts = Scripts()
        scripts.start = try Script(["M117 begin {file}", "G28"], isPause: false)
        scripts.finished = try Script(["M117 end"], isPause: false)
        let rig = try MachineRig(scripts: scripts)
        try await rig.run { rig in
            let path = try rig.folder.write(Array("G1 X5 F6000\n".utf8), to: "box.gcode")
            try rig.machine.startJob(file: path, path: "/local/box.gcode", command: nil)
            #expect(rig.machine.state == .printing)
            try await eventually("printed") { rig.printer.executedCommands.contains("M117 end") }
            let list = rig.printer.executedCommands.filter {
                $0 != "M876 P1" && !["M105", "M110", "M115", "M155", "M400"].contains($0.prefix(4))
            }
            #expect(list == ["M117 begin box.gcode", "G28", "G1 X5 F6000", "M117 end"])
            #expect(rig.machine.state == .finished)
        }
    }

    @Test func aStartThatIsCancelledPrintsNothing() async throws {
        var scripts = Scripts()
        scripts.start = try Script(["M109 S250", "G28"], isPause: false)
        let rig = try MachineRig(scripts: scripts) { $0.timeScale = 1 }
        try await rig.run { rig in
            let path = try rig.folder.write(Array("G1 X5 F6000\n".utf8), to: "box.gcode")
            try rig.machine.startJob(file: path, path: "/local/box.gcode", command: nil)
            try await eventually("it heats") { rig.machine.snapshot.readings.isHeating }
            #expect(throws: MachineError.self) { try rig.machine.pause() }
            try rig.machine.cancel()
            #expect(rig.machine.state == .stopped)
            try await eventually("heaters are off") { rig.printer.snapshot().hotendTarget == 0 }
            #expect(!rig.printer.executedCommands.contains("G28"))
            #expect(!rig.printer.executedCommands.contains("G1 X5 F6000"))
        }
    }
}

extension PauseTests {
    fileprivate static var plainMoves: String { (0..<3000).map { "G1 X\($0 % 90) Y5 F6000\n" }.joined() }
}
