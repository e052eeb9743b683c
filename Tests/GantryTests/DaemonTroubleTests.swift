import Foundation
import Simulators
import Testing

@testable import Gantry

/// What the daemon does when Connect or the printer fails.
@Suite struct DaemonTroubleTests {
    /// What is kept by a circle keeps its threads and one of the system's few inotify instances.
    @Test func anEndedDaemonIsLetGo() async throws {
        func runOnce() async throws -> () -> Machine? {
            let rig = try DaemonRig()
            try await rig.run { _ in }
            return { [weak machine = rig.daemon.machine] in machine }
        }
        let machine = try await runOnce()
        try await eventually("nothing holds the machine, nor what it holds") { machine() == nil }
    }

    // MARK: Connect

    enum Outage: String, CaseIterable {
        case refused, slow, trickle, internalError, unavailable, tooManyRequests, garbage, redirect, closed, truncated

        var fault: ServerFault? {
            switch self {
            case .refused: nil
            case .slow: .slow(milliseconds: 1500)
            case .trickle: .trickle(milliseconds: 50)
            case .internalError: .status(500)
            case .unavailable: .status(503)
            case .tooManyRequests: .status(429, retryAfter: 1)
            case .garbage: .garbage
            case .redirect: .redirect("http://127.0.0.1:9/p/telemetry")
            case .closed: .close()
            case .truncated: .truncated
            }
        }
    }

    @Test(arguments: Outage.allCases) func thePrintGoesOnWithoutConnect(_ outage: Outage) async throws {
        let file = Files.moves(300)
        let rig = try DaemonRig(files: ["a.gcode": file], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            let port = rig.server.port
            if let fault = outage.fault {
                rig.server.inject(fault, requests: 1_000_000)
            } else {
                rig.server.stop()
            }
            // More to tell than one event.
            rig.printer.emitAction("pause")
            try await eventually("it is paused") { rig.daemon.state == .paused }
            rig.printer.emitAction("resume")
            try await eventually("it is printed") { rig.daemon.state == .finished }
            #expect(rig.printer.snapshot().digest == Files.digest(file))
            #expect(rig.printer.snapshot().statistics.resendsRequested == 0)
            rig.server.clearFaults()
            if outage == .refused { try rig.server.start(port: port) }
            try await rig.waitForState("FINISHED")
            #expect(rig.states.suffix(4) == ["PRINTING", "PAUSED", "PRINTING", "FINISHED"])
            // Connect is served again.
            #expect(try await rig.order("SEND_STATE_INFO").body["state"] == "FINISHED")
        }
    }

    @Test func connectThatNeverWasThere() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.moves(10)])
        let port = rig.server.port
        rig.server.stop()
        try await rig.run { rig in
            try await eventually("it says so") { rig.log.lines.contains { $0.hasPrefix("warning: connection:") } }
            try rig.server.start(port: port)
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("FINISHED")
        }
    }

    // MARK: The port

    @Test func thePrinterIsPluggedInLater() async throws {
        let rig = try DaemonRig(isPluggedIn: false)
        try rig.start()
        try await rig.waitForState("ERROR")
        #expect(rig.change(to: "ERROR")?.reason?.hasPrefix("There is no serial port") == true)
        try rig.printer.start()
        try await rig.waitForState("IDLE")
        #expect(rig.change(to: "IDLE")?.reason == nil)
        try await rig.stop()
        #expect(rig.server.violations == [])
    }

    @Test func unpluggedWhileIdle() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            try await rig.waitForState("IDLE")
            rig.printer.hangUp()
            try await rig.waitForState("ERROR")
            try await eventually("the reason is told") { rig.change(to: "ERROR")?.reason != nil }
            let refused = try await rig.order("START_PRINT", ["path": "/local/a.gcode"])
            #expect(refused.name == "FAILED")
            try rig.printer.plugIn()
            try await rig.waitForState("IDLE")
            #expect(try await rig.gcode("G28").name == "FINISHED")
        }
        #expect(rig.states.filter { $0 == "ERROR" }.count == 1)
    }

    @Test func unpluggedWhileReady() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            try await rig.order("SET_PRINTER_READY")
            rig.printer.hangUp()
            try await rig.waitForState("ERROR")
            try rig.printer.plugIn()
            // Whether the bed is still empty nobody knows.
            try await rig.waitForState("IDLE")
        }
    }

    @Test(arguments: ["printing", "paused"]) func unpluggedDuringAJob(_ when: String) async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            if when == "paused" { try await rig.order("PAUSE_PRINT") }
            rig.printer.hangUp()
            try await rig.waitForState("ERROR")
            #expect(rig.change(to: "ERROR")?.reason?.contains("was lost") == true)
            #expect(rig.printer.snapshot().hotendTarget == 200)
            try rig.printer.plugIn()
            try await rig.waitForState("IDLE")
            // The job is gone; its heat must not stay.
            try await eventually("heaters go off") {
                rig.printer.snapshot().hotendTarget == 0 && rig.printer.snapshot().bedTarget == 0
            }
            try await rig.startPrint("a.gcode")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func unpluggedWhileACommandWaits() async throws {
        // A printer that heats does not answer a greeting before it is hot: that must be soon.
        let rig = try DaemonRig { $0.timeScale = 10 }
        try await rig.run { rig in
            let id = rig.server.queue(gcode: "M109 S200")
            try await eventually("it heats") { rig.daemon.snapshot.readings.isHeating }
            rig.printer.hangUp()
            try await eventually("the command ends") { rig.server.command(id)?.answer != nil }
            #expect(rig.server.command(id)?.answer?.name == "FAILED")
            try rig.printer.plugIn()
            try await rig.waitForState("IDLE")
        }
    }

    // MARK: The firmware

    @Test func aRestartWhileIdle() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            try await rig.waitForState("IDLE")
            rig.printer.pressReset()
            try await eventually("Connect sees it") { rig.states.suffix(3) == ["IDLE", "BUSY", "IDLE"] }
            #expect(try await rig.gcode("G28").name == "FINISHED")
        }
    }

    @Test(arguments: ["printing", "paused"]) func aRestartDuringAJob(_ when: String) async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            if when == "paused" { try await rig.order("PAUSE_PRINT") }
            rig.printer.pressReset()
            try await rig.waitForState("STOPPED")
            #expect(
                rig.change(to: "STOPPED")?.reason
                    == "The printer restarted during the print; it cannot be continued.")
            // It stays: the user shall see how the job ended. The printer is ready for another one.
            try await eventually("it is greeted again") { rig.daemon.snapshot.phase == .ready }
            // What looked like a restart may have been none.
            try await eventually("heaters go off, once more") {
                rig.printer.executedCommands.suffix(4) == ["M104 S0", "M140 S0", "M107", "M84"]
            }
            try await rig.startPrint("a.gcode")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func aRestartWhileACommandWaits() async throws {
        let rig = try DaemonRig { $0.timeScale = 1 }
        try await rig.run { rig in
            let id = rig.server.queue(gcode: "M109 S200")
            try await eventually("it heats") { rig.daemon.snapshot.readings.isHeating }
            rig.printer.pressReset()
            try await eventually("the command ends") { rig.server.command(id)?.answer != nil }
            #expect(rig.server.command(id)?.answer?.name == "FAILED")
            #expect(rig.server.command(id)?.answer?.error?.contains("M109 S200 was not sent") == true)
            try await rig.waitForState("IDLE")
        }
    }

    @Test(arguments: ["idle", "printing"]) func theFirmwareHalts(_ when: String) async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            if when == "printing" {
                try await rig.startPrint("a.gcode")
                try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            }
            rig.printer.emit("Error:Thermal Runaway, system stopped! Heater_ID: 0")
            rig.printer.emit("Error:Printer halted. kill() called!")
            try await rig.waitForState("ERROR")
            #expect(rig.change(to: "ERROR")?.reason?.contains("halted") == true)
            rig.printer.pressReset()
            try await rig.waitForState("IDLE")
        }
    }

    @Test func theFirmwareFallsSilentAndComesBack() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            rig.printer.goSilent()
            rig.printer.pressReset()
            try await eventually("Connect sees it") { rig.states.suffix(2) == ["BUSY", "IDLE"] }
        }
    }

    @Test func thePrinterGivesOrders() async throws {
        let file = Files.moves(500)
        let rig = try DaemonRig(files: ["a.gcode": file, "b.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            rig.printer.emitAction("paused")
            try await rig.waitForState("PAUSED")
            #expect(rig.change(to: "PAUSED")?.body["source"] == "MARLIN")
            rig.printer.emitAction("resumed")
            try await rig.waitForState("FINISHED")
            #expect(rig.printer.snapshot().digest == Files.digest(file))
            // Actions without a job mean nothing.
            for action in ["pause", "resume", "cancel"] { rig.printer.emitAction(action) }
            try await rig.startPrint("b.gcode")
            rig.printer.emitAction("cancel")
            try await rig.waitForState("STOPPED")
            try await eventually("heaters go off") { rig.printer.snapshot().hotendTarget == 0 }
            // Ready by the printer's own display (Prusa).
            rig.printer.emitAction("ready")
            try await rig.waitForState("READY")
            rig.printer.emitAction("not_ready")
            try await rig.waitForState("IDLE")
        }
    }

    @Test func thePrinterWaitsForItsUser() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Array("G28\nM0\nG1 X5\n".utf8)])
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("ATTENTION")
            #expect(rig.change(to: "ATTENTION")?.reason == "The printer waits for its user")
            #expect(try await rig.gcode("G28").error == "Can't run G-code while in ATTENTION state.")
            rig.printer.pressButton()
            try await rig.waitForState("FINISHED")
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>) func aBadCable(_ seed: UInt64) async throws {
        let file = Files.moves(1500)
        let rig = try DaemonRig(files: ["a.gcode": file]) { board in
            board.faults = .noisy(seed: seed)
            board.faults.lateOkMilliseconds = 700
        }
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("FINISHED")
            #expect(rig.printer.snapshot().digest == Files.digest(file))
        }
    }

    // MARK: The end

    @Test func stoppedWhileThePortIsMissing() async throws {
        let rig = try DaemonRig(isPluggedIn: false)
        try rig.start()
        try await rig.waitForState("ERROR")
        try await rig.stop()
    }

    @Test func stoppedWhileThePrinterIsGreeted() async throws {
        let rig = try DaemonRig()
        rig.printer.goSilent()
        try rig.start()
        try await eventually("the port is open") { rig.printer.isOpen }
        try await rig.stop()
        #expect(rig.daemon.state == .busy)
    }

    @Test func stoppedBeforeItBegan() async throws {
        let rig = try DaemonRig()
        rig.daemon.stop()
        try rig.start()
        try await rig.stop()
    }

    @Test(arguments: ["printing", "heating", "paused"]) func stoppedDuringAJob(_ when: String) async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long]) { board in
            Files.slow(&board)
            board.timeScale = when == "heating" ? 1 : .infinity
        }
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            if when == "heating" { try await eventually("it heats") { rig.daemon.snapshot.readings.isHeating } }
            if when != "heating" {
                try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            }
            if when == "paused" { try await rig.order("PAUSE_PRINT") }
        }
        #expect(rig.states.last == "STOPPED")
        #expect(rig.change(to: "STOPPED")?.reason == "Gantry was stopped")
        #expect(rig.printer.snapshot().hotendTarget == 0)
        #expect(rig.printer.snapshot().bedTarget == 0)
        let commands = rig.printer.executedCommands.filter { !["M105", "M114", "M400"].contains($0) }
        #expect(commands.suffix(4) == ["M104 S0", "M140 S0", "M107", "M84"])
    }

    @Test func stoppedWhileAFirmwareHeatsThatCannotBeInterrupted() async throws {
        let rig = try DaemonRig(firmware: .marlin2, files: ["a.gcode": Files.heating()]) { $0.timeScale = 1 }
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it heats") { rig.daemon.snapshot.readings.isHeating }
        }
        // It does not end in silence: a pseudo-terminal cannot even reset the printer.
        #expect(rig.log.lines.contains { $0.hasPrefix("warning: Heaters could not be switched off") })
        #expect(rig.log.lines.contains { $0.hasPrefix("warning: ") && $0.contains("Its heaters may be on.") })
        #expect(rig.states.last == "STOPPED")
    }
}
