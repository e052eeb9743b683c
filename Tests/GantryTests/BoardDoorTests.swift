import BoardIO
import Simulators
import Testing

@testable import Gantry

/// The door, with the line's news made by hand.
@Suite struct BoardDoorTests {
    private static let reason = "The door is open. Close it, then resume."

    private func rig(pauses: Bool = true, scripts: Scripts = Scripts()) throws -> DaemonRig {
        var board = BoardConfiguration()
        board.door = .init(address: .offset(chip: "/dev/gpiochip4711", 0))
        board.doorPauses = pauses
        return try DaemonRig(
            files: ["a.gcode": Files.long], board: board, scripts: scripts, printer: Files.slow)
    }

    private func door(isOpen: Bool, isFirst: Bool = false, of rig: DaemonRig) {
        rig.daemon.board.take(.level(line: BoardDuties.door, isActive: isOpen, isFirst: isFirst, at: 0))
    }

    private func logged(_ text: String, _ rig: DaemonRig) -> Int { rig.log.lines.count { $0.contains(text) } }

    @Test func openedInAPrintItPausesUntilItIsClosedAndResumed() async throws {
        let rig = try rig()
        try await rig.run { rig in
            door(isOpen: false, isFirst: true, of: rig)
            try await rig.startPrint("a.gcode")
            door(isOpen: true, of: rig)
            try await eventually("the print is paused") { rig.daemon.state == .paused }
            try await rig.waitForState("ATTENTION")
            #expect(rig.change(to: "ATTENTION")?.reason == Self.reason)
            door(isOpen: false, of: rig)
            // Closed it is a pause like any other: nobody is run over by a door that falls shut.
            try await rig.waitForState("PAUSED")
            #expect(rig.daemon.state == .paused)
            try await rig.order("RESUME_PRINT")
            try await rig.waitForState("PRINTING")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func whoResumesWithAnOpenDoorIsLeftAlone() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            door(isOpen: true, of: rig)
            try await rig.waitForState("ATTENTION")
            try await rig.order("RESUME_PRINT")
            try await rig.waitForState("PRINTING")
            // Behind the news of the state the board has seen all there is.
            door(isOpen: false, of: rig)
            try await eventually("it was seen") { logged("the door is closed", rig) == 1 }
            #expect(rig.daemon.state == .printing)
            door(isOpen: true, of: rig)
            try await rig.waitForState("ATTENTION")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func withoutAPrintItIsOnlyNews() async throws {
        let rig = try rig()
        try await rig.run { rig in
            door(isOpen: true, of: rig)
            try await eventually("the log tells") { logged("the door is open", rig) == 1 }
            door(isOpen: false, of: rig)
            try await eventually("the log tells") { logged("the door is closed", rig) == 1 }
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("PRINTING")
            #expect(!rig.states.contains("ATTENTION"))
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func aPrintThatBeginsWithAnOpenDoorIsPaused() async throws {
        let rig = try rig()
        try await rig.run { rig in
            door(isOpen: true, isFirst: true, of: rig)
            try await eventually("it is known") { logged("the door is open", rig) == 1 }
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("ATTENTION")
            #expect(rig.daemon.state == .paused)
            #expect(rig.change(to: "ATTENTION")?.reason == Self.reason)
            try await rig.order("STOP_PRINT")
        }
    }

    /// While the start script runs there is nothing that could be paused: the pause follows.
    @Test func openedWhileThePrinterIsPreparedItPausesAfterThat() async throws {
        var scripts = Scripts()
        scripts.start = Script(constant: ["M0"])
        let rig = try rig(scripts: scripts)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("the printer waits") { rig.daemon.snapshot.readings.waitsForUser }
            door(isOpen: true, of: rig)
            try await eventually("the log tells") { logged("the printer is being prepared", rig) == 1 }
            #expect(rig.daemon.state == .printing)
            rig.printer.pressButton()
            try await eventually("the print is paused") { rig.daemon.state == .paused }
            #expect(logged("the printer is being prepared", rig) == 1)
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func reportOnlyReports() async throws {
        let rig = try rig(pauses: false)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            door(isOpen: true, of: rig)
            try await eventually("the log tells") { logged("the door is open", rig) == 1 }
            door(isOpen: false, of: rig)
            try await eventually("the log tells") { logged("the door is closed", rig) == 1 }
            #expect(rig.daemon.state == .printing)
            #expect(!rig.states.contains("ATTENTION"))
            try await rig.order("STOP_PRINT")
        }
    }
}
