import Foundation
import Glibc
import MarlinLink
import Simulators
import Testing

@testable import Gantry

/// Pauses and waits that the printer begins, and how it is told to go on.
@Suite struct OwnPauseTests {
    private func file(_ middle: String) -> [String] {
        ["G28"] + (0..<200).map { "G1 X\($0 % 90 + 10).5 Y\($0 % 70) F6000" } + [middle]
            + (0..<200).map { "G1 X\($0 % 80 + 10).5 Y\($0 % 60) F6000" }
    }

    private func begin(_ lines: [String], _ rig: MachineRig) throws {
        let path = try rig.folder.write(Array(lines.joined(separator: "\n").utf8), to: "box.gcode")
        try rig.machine.startJob(file: path, path: "/local/box.gcode", command: nil)
    }

    private func moves(_ rig: MachineRig) -> [String] { rig.printer.executedCommands.filter { $0.hasPrefix("G1 ") } }

    /// M601 in the file: an MK3S parks its head, and what is sent to it then would be done there.
    @Test(arguments: [FirmwareProfile.prusa3_13, .prusa3_9]) func aPrusaThatPausedByItselfIsToldToGoOn(
        _ firmware: FirmwareProfile
    ) async throws {
        let lines = file("M601")
        let rig = try MachineRig { $0 = Self.configuration(firmware, like: $0) }
        try await rig.run { rig in
            try begin(lines, rig)
            try await eventually("paused") { rig.machine.state == .paused }
            #expect(rig.printer.snapshot().isPaused)
            try rig.machine.resume()
            try await eventually("printed") { rig.machine.state == .finished }
            #expect(rig.printer.executedCommands.filter { $0 == "M602" }.count == 1)
            #expect(moves(rig) == lines.filter { $0.hasPrefix("G1 ") })
            #expect(!rig.warnings.contains { $0.contains("could not be followed") })
        }
    }

    @Test func aPrusaThatGoesOnByItselfIsLeftAlone() async throws {
        let rig = try MachineRig { $0 = Self.configuration(.prusa3_13, like: $0) }
        try await rig.run { rig in
            try begin(file("G4 P1"), rig)
            try await eventually("it moves") { moves(rig).count > 20 }
            rig.printer.emitAction("paused")
            try await eventually("paused") { rig.machine.state == .paused }
            rig.printer.emitAction("resumed")
            try await eventually("printed") { rig.machine.state == .finished }
            #expect(!rig.printer.executedCommands.contains("M602"))
        }
    }

    /// The printer says "resumed" when it is fed again, which may be before the state has changed.
    @Test func theAnswerToOurResumeIsNoOrder() async throws {
        let rig = try MachineRig()
        try await rig.run { rig in
            try begin((0..<4000).map { "G1 X\($0 % 90 + 10).5 Y\($0 % 70) F6000" }, rig)
            try await eventually("it moves") { moves(rig).count > 20 }
            rig.printer.emitAction("paused")
            try await eventually("paused") { rig.machine.state == .paused }
            let isResumed = Shared(false)
            // Whoever tells something waits for this to end, and all others for him: our resume before it changes the state.
            rig.changes.change { _ in
                _ = startThread { rig.machine.tell(.used) }
                usleep(100_000)
                _ = startThread {
                    try? rig.machine.resume()
                    isResumed.change { $0 = true }
                }
                while rig.machine.snapshot.phase == .paused { usleep(1000) }
                rig.printer.emitAction("resumed")
                usleep(300_000)
            }
            try await eventually("resumed") { isResumed.value }
            try await eventually("printed") { rig.machine.state == .finished }
            #expect(rig.warnings == [])
        }
    }

    /// `pause = M601` in `[firmware]`: the printer parks by its own rules, and comes back by them.
    @Test func aPauseIsLeftToThePrinterWhereThatIsWanted() async throws {
        var firmware = FirmwareOverrides()
        firmware.pause = .command("M601")
        let lines = file("G4 P1")
        let rig = try MachineRig(firmware: firmware) { $0 = Self.configuration(.prusa3_13, like: $0) }
        try await rig.run { rig in
            try begin(lines, rig)
            try await eventually("it moves") { moves(rig).count > 20 }
            try rig.machine.pause()
            try await eventually("paused there") { rig.printer.snapshot().isPaused }
            #expect(rig.machine.state == .paused)
            try rig.machine.resume()
            try await eventually("printed") { rig.machine.state == .finished }
            let commands = rig.printer.executedCommands
            #expect(commands.filter { $0 == "M601" || $0 == "M602" } == ["M601", "M602"])
            #expect(moves(rig) == lines.filter { $0.hasPrefix("G1 ") })
        }
    }

    @Test func aKlipperThatPausedByItselfIsToldInItsWords() async throws {
        let rig = try MachineRig { $0 = Self.configuration(.klipper, like: $0) }
        try await rig.run { rig in
            #expect(rig.machine.identity.dialect == .klipper)
            try begin(file("G4 P1"), rig)
            try await eventually("it moves") { moves(rig).count > 20 }
            rig.printer.emitAction("paused")
            try await eventually("paused") { rig.machine.state == .paused }
            try rig.machine.resume()
            #expect(rig.printer.executedCommands.contains("RESUME"))
            rig.printer.emitAction("paused")
            try await eventually("paused") { rig.machine.state == .paused }
            try rig.machine.cancel()
            #expect(rig.printer.executedCommands.contains("CANCEL_PRINT"))
        }
    }

    @Test func aPrintThatAPrusaPausedIsEndedThereToo() async throws {
        let rig = try MachineRig { $0 = Self.configuration(.prusa3_13, like: $0) }
        try await rig.run { rig in
            try begin(file("M601"), rig)
            try await eventually("paused") { rig.machine.state == .paused }
            try rig.machine.cancel()
            let commands = rig.printer.executedCommands
            let end = try #require(commands.firstIndex(of: "M603"))
            #expect(commands[end...].contains("M104 S0"))
            #expect(rig.machine.state == .stopped)
        }
    }

    /// M0 waits for a button; Connect's RESUME presses it where the firmware has an emergency parser.
    @Test(arguments: ["M0", "M600"]) func aPrinterThatWaitsForItsUserIsToldToGoOn(_ wait: String) async throws {
        let lines = file(wait)
        let rig = try MachineRig { _ in }
        try await rig.run { rig in
            try begin(lines, rig)
            try await eventually("it waits") { rig.machine.snapshot.readings.waitsForUser }
            try await eventually("told") {
                rig.changes.value.contains { if case .attention(let reason?) = $0 { !reason.isEmpty } else { false } }
            }
            try rig.machine.resume()
            try await eventually("printed") { rig.machine.state == .finished }
            #expect(moves(rig) == lines.filter { $0.hasPrefix("G1 ") })
        }
    }

    /// Nobody stands beside it to press the button, and its heaters are on.
    @Test(arguments: ["M0", "M600"]) func aPrintThatWaitsForItsUserCanBeEnded(_ wait: String) async throws {
        let rig = try MachineRig { _ in }
        try await rig.run { rig in
            try begin(["M104 S200"] + file(wait), rig)
            try await eventually("it waits") { rig.machine.snapshot.readings.waitsForUser }
            try rig.machine.cancel()
            #expect(rig.machine.state == .stopped)
            #expect(rig.printer.snapshot().hotendTarget == 0)
        }
    }

    @Test func aPrinterThatCannotBeToldKeepsItsButton() async throws {
        let rig = try MachineRig { $0 = Self.configuration(.marlin1, like: $0) }
        try await rig.run { rig in
            try begin(file("M0"), rig)
            try await eventually("it waits") { rig.machine.snapshot.readings.waitsForUser }
            #expect(throws: MachineError.self) { try rig.machine.resume() }
            rig.printer.pressButton()
            try await eventually("printed") { rig.machine.state == .finished }
        }
    }

    private static func configuration(
        _ firmware: FirmwareProfile, like other: MarlinPrinter.Configuration
    ) -> MarlinPrinter.Configuration {
        var result = MarlinPrinter.Configuration(profile: firmware)
        result.timeScale = other.timeScale
        result.keepsCommands = other.keepsCommands
        result.moveTime = other.moveTime
        return result
    }
}
