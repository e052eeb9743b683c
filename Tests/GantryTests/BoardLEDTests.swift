import BoardIO
import Simulators
import Testing

@testable import Gantry

/// The status LED: off, on in a print, blinking while somebody has to act.
@Suite struct BoardLEDTests {
    private let led = RememberingSwitch()

    private func rig(
        _ files: [String: [UInt8]] = ["a.gcode": Files.long], isPluggedIn: Bool = true,
        sensor: BoardConfiguration.FilamentSensor? = nil
    ) throws -> DaemonRig {
        var board = BoardConfiguration()
        board.led = .init(address: .offset(chip: "/dev/gpiochip4711", 5))
        board.filamentSensor = sensor
        return try DaemonRig(
            files: files, isPluggedIn: isPluggedIn, board: board, led: led, printer: Files.slow)
    }

    /// It went off and on at least twice more.
    private func blinks() async throws {
        let seen = led.history.count
        try await eventually("the LED blinks: \(led.history)") { led.history.count >= seen + 4 }
    }

    @Test func offWhenIdleOnInAPrintOffAfterIt() async throws {
        let rig = try rig(["a.gcode": Files.moves(60)])
        try await rig.run { rig in
            try await rig.waitForState("IDLE")
            // While the link was made it was no error, so nothing blinked.
            #expect(led.history == [])
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("FINISHED")
            try await eventually("it is off again: \(led.history)") { led.history == [true, false] }
        }
        #expect(led.history == [true, false])
    }

    @Test func blinksWhileFilamentIsMissing() async throws {
        let input = BoardConfiguration.Input(address: .offset(chip: "/dev/gpiochip4711", 0))
        let rig = try rig(sensor: .init(input: input, detectionLength: nil, action: .pause))
        try await rig.run { rig in
            rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: true, isFirst: true, at: 0))
            try await rig.startPrint("a.gcode")
            try await eventually("it is on") { led.history == [true] }
            rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: false, isFirst: false, at: 0))
            try await rig.waitForState("ATTENTION")
            try await blinks()
            rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: true, isFirst: false, at: 0))
            try await rig.order("RESUME_PRINT")
            try await rig.waitForState("PRINTING")
            try await eventually("it is on") { led.history.last == true }
            try await rig.order("STOP_PRINT")
            try await eventually("it is off") { led.history.last == false }
        }
    }

    @Test func blinksWhileThePrinterWaitsForItsUser() async throws {
        let rig = try rig(["a.gcode": Files.moves(20) + Array("M0\n".utf8) + Files.moves(500)])
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("ATTENTION")
            try await blinks()
            rig.printer.pressButton()
            try await rig.waitForState("PRINTING")
            try await eventually("it is on") { led.history.last == true }
            let seen = led.history.count
            try await eventually("it prints on") { rig.printer.snapshot().digestedCommands > 100 }
            #expect(led.history.count == seen)
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func blinksWithoutAPrinterAndIsOffAtTheEnd() async throws {
        let rig = try rig(isPluggedIn: false)
        try rig.start()
        try await eventually("the printer is not there") { rig.daemon.state == .error }
        try await blinks()
        try await rig.stop()
        #expect(led.history.last == false)
    }
}
