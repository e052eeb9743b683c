import BoardIO
import Simulators
import Testing

@testable import Gantry

/// RESET_PRINTER as a power cycle, for printers without a reset line.
@Suite struct BoardPowerTests {
    private func board(_ change: (inout BoardConfiguration.Power) -> Void = { _ in }) -> BoardConfiguration {
        var board = BoardConfiguration()
        var power = BoardConfiguration.Power(address: .offset(chip: "/dev/gpiochip4711", 1))
        power.resetsByPower = true
        power.policy.atStart = .on
        power.policy.cyclePause = 200_000_000
        change(&power)
        board.power = power
        return board
    }

    /// A relay in front of a printer whose serial adapter lives on the board's USB: the port stays, the firmware goes.
    private func relay(_ printer: Shared<PrinterSimulator?>) -> RememberingSwitch {
        RememberingSwitch { isOn in
            if isOn { printer.value?.pressReset() } else { printer.value?.goSilent() }
        }
    }

    @Test func aHaltedPrinterWhosePortStaysIsBack() async throws {
        let printer = Shared<PrinterSimulator?>(nil)
        let relay = relay(printer)
        let rig = try DaemonRig(board: board { $0.policy.offWhenHalted = false }, relay: relay)
        printer.change { $0 = rig.printer }
        try await rig.run { rig in
            try await rig.gcode("M112")
            try await rig.waitForState("ERROR")
            #expect(try await rig.order("RESET_PRINTER").name == "FINISHED")
            try await rig.waitForState("IDLE")
            #expect(relay.history == [true, false, true])
            #expect(try await rig.gcode("G28").name == "FINISHED")
        }
        printer.change { $0 = nil }
    }

    @Test func whatAHaltSwitchedOffIsSwitchedOnAgain() async throws {
        let printer = Shared<PrinterSimulator?>(nil)
        let relay = relay(printer)
        let rig = try DaemonRig(board: board(), relay: relay)
        printer.change { $0 = rig.printer }
        try await rig.run { rig in
            try await rig.gcode("M112")
            try await eventually("the power is off") { relay.history == [true, false] }
            #expect(try await rig.order("RESET_PRINTER").name == "FINISHED")
            try await rig.waitForState("IDLE")
            #expect(relay.history == [true, false, true])
        }
        printer.change { $0 = nil }
    }

    /// The port is the printer's own and goes with the power. The print is lost, the next one is not.
    @Test func inAPrintThePortVanishesAndComesBack() async throws {
        let printer = Shared<PrinterSimulator?>(nil)
        let relay = RememberingSwitch { isOn in
            guard let printer = printer.value else { return }
            if isOn {
                printer.pressReset()
                _ = try? printer.plugIn()
            } else {
                printer.hangUp()
            }
        }
        let rig = try DaemonRig(files: ["a.gcode": Files.long], board: board(), relay: relay, printer: Files.slow)
        printer.change { $0 = rig.printer }
        try await rig.run { rig in
            try await eventually("the power is on") { relay.history == [true] }
            try await rig.waitForState("IDLE")
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            #expect(try await rig.order("RESET_PRINTER").name == "FINISHED")
            try await rig.waitForState("IDLE")
            #expect(rig.states.contains("ERROR"))
            #expect(relay.history == [true, false, true])
            #expect(rig.printer.snapshot().hotendTarget == 0)
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("PRINTING")
            try await rig.order("STOP_PRINT")
        }
        printer.change { $0 = nil }
    }

    @Test func inAPrintWhosePortStaysThePrintEnds() async throws {
        let printer = Shared<PrinterSimulator?>(nil)
        let relay = relay(printer)
        let rig = try DaemonRig(files: ["a.gcode": Files.long], board: board(), relay: relay, printer: Files.slow)
        printer.change { $0 = rig.printer }
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            #expect(try await rig.order("RESET_PRINTER").name == "FINISHED")
            try await rig.waitForState("STOPPED")
            #expect(relay.history == [true, false, true])
            #expect(rig.printer.snapshot().hotendTarget == 0)
            try await eventually("the next print may begin") { rig.daemon.snapshot.phase == .ready }
        }
        printer.change { $0 = nil }
    }

    @Test func aRelayThatCannotBeHadIsAnAnswer() async throws {
        // No fake: the chip is looked for, and is not there.
        let rig = try DaemonRig(board: board())
        try await rig.run { rig in
            let answer = try await rig.order("RESET_PRINTER")
            #expect(answer.name == "FAILED")
            #expect(answer.error?.hasPrefix("Cannot open /dev/gpiochip4711: No such file or directory.") == true)
            #expect(rig.daemon.state == .idle)
        }
    }

    @Test func unlessConfiguredTheResetLineIsUsed() async throws {
        let relay = RememberingSwitch()
        let rig = try DaemonRig(board: board { $0.resetsByPower = false }, relay: relay)
        try await rig.run { rig in
            let answer = try await rig.order("RESET_PRINTER")
            #expect(answer.error?.contains("has no line that could reset the printer") == true)
            #expect(relay.history == [true])
        }
    }
}
