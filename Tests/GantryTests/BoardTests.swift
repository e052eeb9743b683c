import BoardIO
import Foundation
import Simulators
import Testing

@testable import Gantry

/// What the board does to a print, with printer and Connect simulated and the lines' news made by hand.
@Suite struct BoardTests {
    private func board(_ change: (inout BoardConfiguration) -> Void) -> BoardConfiguration {
        var configuration = BoardConfiguration()
        change(&configuration)
        return configuration
    }

    /// Its line is on a chip that no machine has: the news come by hand.
    private let input = BoardConfiguration.Input(address: .offset(chip: "/dev/gpiochip4711", 0))
    private let output = BoardConfiguration.Power(address: .offset(chip: "/dev/gpiochip4711", 1))

    private func sensor(_ action: BoardConfiguration.RunOutAction) -> BoardConfiguration {
        board { $0.filamentSensor = .init(input: input, detectionLength: nil, action: action) }
    }

    private func level(_ role: String, _ isActive: Bool) -> BoardDevices.Event {
        .level(line: role, isActive: isActive, isFirst: false, at: 0)
    }

    @Test func aRunOutPausesWithAttentionAndAReason() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], board: sensor(.pause), printer: Files.slow)
        try await rig.run { rig in
            rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: true, isFirst: true, at: 0))
            try await rig.startPrint("a.gcode")
            try await eventually("telemetry shows filament") {
                rig.server.telemetry.contains { $0["extruder_fs_state"]?.string == "HAS_FILAMENT" }
            }
            rig.daemon.board.take(level(BoardDuties.filament, false))
            try await eventually("the print is paused") { rig.daemon.state == .paused }
            try await rig.waitForState("ATTENTION")
            #expect(rig.change(to: "ATTENTION")?.reason == "Filament ran out. Insert filament, then resume.")
            try await eventually("telemetry shows none") {
                rig.server.telemetry.contains { $0["extruder_fs_state"]?.string == "NO_FILAMENT" }
            }
            rig.daemon.board.take(level(BoardDuties.filament, true))
            try await rig.waitForState("PAUSED")
            try await rig.order("RESUME_PRINT")
            try await rig.waitForState("PRINTING")
            try await rig.order("STOP_PRINT")
        }
    }

    /// Extrudes half a millimetre with each move of 20 ms, 300 mm in all.
    private static let extruding = Array(("M83\n" + (0..<600).map { "G1 X\($0 % 90) E0.5 F6000\n" }.joined()).utf8)

    private var motionSensor: BoardConfiguration {
        board { $0.filamentSensor = .init(input: input, detectionLength: 20, action: .pause) }
    }

    @Test func filamentThatDoesNotMovePauses() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Self.extruding], board: motionSensor, printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("the print is paused") { rig.daemon.state == .paused }
            try await rig.waitForState("ATTENTION")
            #expect(rig.change(to: "ATTENTION")?.reason?.hasPrefix("The filament does not move") == true)
            #expect(rig.printer.snapshot().digestedCommands > 40)
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func filamentThatMovesPausesNothing() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Self.extruding], board: motionSensor, printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            let end = ContinuousClock.now + .seconds(4)
            // The meter looks twice a second, 12 mm apart: pulses come closer than that.
            while ContinuousClock.now < end {
                rig.daemon.board.take(.pulses(line: BoardDuties.filament, count: 1))
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(rig.printer.snapshot().digestedCommands > 40)
            #expect(rig.daemon.state == .printing)
            try await eventually("then it does not move any more") { rig.daemon.state == .paused }
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func reportOnlyReports() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], board: sensor(.report), printer: Files.slow)
        try await rig.run { rig in
            rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: true, isFirst: true, at: 0))
            try await rig.startPrint("a.gcode")
            rig.daemon.board.take(level(BoardDuties.filament, false))
            try await eventually("the log tells") { rig.log.lines.contains { $0.contains("Filament ran out") } }
            #expect(rig.daemon.state == .printing)
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func aPrintThatBeginsWithoutFilamentIsPaused() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], board: sensor(.pause), printer: Files.slow)
        try await rig.run { rig in
            rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: false, isFirst: true, at: 0))
            try await eventually("it is known") { rig.daemon.board.hasFilament == false }
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("ATTENTION")
            try await rig.order("RESUME_PRINT")
            try await rig.waitForState("PRINTING")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func theButtonStopsTheFirmwareAndThePower() async throws {
        let relay = RememberingSwitch()
        let configuration = board {
            $0.emergencyStop = input
            $0.power = output
            $0.power?.policy.atStart = .on
        }
        let rig = try DaemonRig(board: configuration, relay: relay)
        try await rig.run { rig in
            try await eventually("the relay is on") { relay.history == [true] }
            rig.daemon.board.take(level(BoardDuties.emergencyStop, true))
            try await rig.waitForState("ERROR")
            try await eventually("the relay is off") { relay.history == [true, false] }
        }
    }

    @Test func aPrintSwitchesThePrinterOnAndWaitsForIt() async throws {
        let plug = Shared<(@Sendable () -> Void)?>(nil)
        let relay = RememberingSwitch { isOn in if isOn { plug.value?() } }
        let configuration = board {
            $0.power = output
            $0.power?.policy.bootTime = 0
        }
        let rig = try DaemonRig(
            files: ["a.gcode": Files.moves(20)], isPluggedIn: false, board: configuration, relay: relay)
        // Without power there is no port.
        plug.change { $0 = { _ = try? rig.printer.start() } }
        try rig.start()
        try await eventually("the printer is not there") { rig.daemon.state == .error }
        try await rig.startPrint("a.gcode")
        try await rig.waitForState("FINISHED")
        #expect(relay.history == [true])
        #expect(ControlSocket.ask("power status", at: rig.controlSocket) == "on")
        #expect(ControlSocket.ask("power off", at: rig.controlSocket) == "off")
        #expect(relay.history == [true, false])
        try await rig.stop()
        plug.change { $0 = nil }
    }

    @Test func thePowerStaysInAPrintUnlessForced() async throws {
        let relay = RememberingSwitch()
        let configuration = board {
            $0.power = output
            $0.power?.policy.atStart = .on
        }
        let rig = try DaemonRig(
            files: ["a.gcode": Files.long], board: configuration, relay: relay, printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("refused") {
                ControlSocket.ask("power off", at: rig.controlSocket)?.hasPrefix("refused: A print is under way")
                    == true
            }
            #expect(ControlSocket.ask("storage list", at: rig.controlSocket) == "no sticks")
            #expect(ControlSocket.ask("nonsense", at: rig.controlSocket) == "refused: unknown order")
            #expect(relay.history == [true])
            try await rig.order("STOP_PRINT")
        }
    }
}
