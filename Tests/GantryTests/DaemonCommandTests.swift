import Foundation
import Simulators
import Testing

@testable import Gantry

/// Every command of Connect, on a real port and a real socket.
@Suite struct DaemonCommandTests {
    // MARK: Printing

    @Test(arguments: ["marlin-2.1.2", "marlin-2.1.2-custom", "marlin-1.1.9", "mk3s-3.13.3", "mk3s-3.9.0", "octoprint"])
    func printsWhatConnectStarts(_ firmware: String) async throws {
        let file = Files.moves(800)
        let rig = try DaemonRig(firmware: #require(FirmwareProfile.named(firmware)), files: ["a.gcode": file])
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("FINISHED")
            #expect(rig.printer.snapshot().digest == Files.digest(file))
            #expect(rig.states.suffix(2) == ["PRINTING", "FINISHED"])
            let printing = try #require(rig.change(to: "PRINTING"))
            let finished = try #require(rig.change(to: "FINISHED"))
            #expect(printing.commandID == Int(rig.server.commands[0].id))
            #expect(printing.body["source"] == "CONNECT")
            #expect(finished.body["source"] == "MARLIN")
            #expect(finished.commandID == nil)
            #expect(printing.body["job_id"]?.integer == finished.body["job_id"]?.integer)
            #expect(printing.body["job_id"]?.integer ?? 0 > 0)
        }
        #expect(rig.printer.snapshot().statistics.overflows == 0)
    }

    @Test func aSecondJobHasAHigherNumber() async throws {
        let file = Files.moves(20)
        let rig = try DaemonRig(files: ["a.gcode": file])
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("FINISHED")
            let first = try #require(rig.change(to: "PRINTING")?.body["job_id"]?.integer)
            try await rig.startPrint("a.gcode")
            try await eventually("it printed twice") { rig.printer.snapshot().digestedCommands == 44 }
            try await rig.waitForState("FINISHED")
            #expect(try #require(rig.change(to: "PRINTING")?.body["job_id"]?.integer) > first)
        }
    }

    @Test func startedTwice() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long, "b.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            let first = rig.server.queue(command: "START_PRINT", kwargs: ["path": "/local/a.gcode"])
            let second = rig.server.queue(command: "START_PRINT", kwargs: ["path": "/local/b.gcode"])
            try await eventually("both are answered") { rig.server.command(second)?.answer != nil }
            #expect(rig.server.command(first)?.answer?.name == "FINISHED")
            #expect(rig.server.command(second)?.answer?.name == "FAILED")
            #expect(rig.server.command(second)?.answer?.error == "Cannot print in PRINTING state.")
            let job = try await rig.order("SEND_JOB_INFO")
            #expect(job.data["path"] == "/local/a.gcode")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func pausedAndResumed() async throws {
        let file = Files.moves(500)
        let rig = try DaemonRig(files: ["a.gcode": file], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            #expect(try await rig.order("PAUSE_PRINT").name == "FINISHED")
            try await rig.waitForState("PAUSED")
            #expect(rig.change(to: "PAUSED")?.body["source"] == "CONNECT")
            // What the printer has taken it still executes: then nothing moves.
            try await eventually("the printer stands still") {
                let snapshot = rig.daemon.snapshot
                return snapshot.phase == .paused && rig.printer.snapshot().state == .idle
                    && snapshot.jobCommands == rig.printer.snapshot().digestedCommands
            }
            let executed = rig.printer.snapshot().digestedCommands
            #expect(executed < 502)
            #expect(try await rig.order("PAUSE_PRINT").error == "Cannot pause when not printing.")
            let job = try await rig.order("SEND_JOB_INFO")
            #expect(job.name == "JOB_INFO")
            #expect(job.body["state"] == "PAUSED")
            #expect(rig.printer.snapshot().digestedCommands == executed)
            #expect(try await rig.order("RESUME_PRINT").name == "FINISHED")
            try await rig.waitForState("FINISHED")
            #expect(rig.printer.snapshot().digest == Files.digest(file))
            #expect(rig.states.suffix(4) == ["PRINTING", "PAUSED", "PRINTING", "FINISHED"])
            #expect(try await rig.order("RESUME_PRINT").error == "Cannot resume when not paused.")
            #expect(try await rig.order("PAUSE_PRINT").error == "Cannot pause when not printing.")
        }
    }

    @Test func pausedWhileItMakesItsLastMoves() async throws {
        // All of the file is at the printer long before it is executed.
        let rig = try DaemonRig(files: ["a.gcode": Files.moves(12)]) {
            $0.moveTime = .fixed(nanoseconds: 1_000_000_000)
        }
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("all was sent") { rig.daemon.snapshot.phase == .finishing }
            let answer = try await rig.order("PAUSE_PRINT")
            #expect(answer.name == "FAILED")
            #expect(answer.error == "Cannot pause: the print makes its last moves.")
            try await rig.waitForState("FINISHED")
            #expect(!rig.states.contains("PAUSED"))
        }
    }

    @Test func stoppedWhilePrinting() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            #expect(try await rig.order("STOP_PRINT").name == "FINISHED")
            try await rig.waitForState("STOPPED")
            #expect(rig.change(to: "STOPPED")?.body["source"] == "CONNECT")
            let printer = rig.printer.snapshot()
            #expect(printer.hotendTarget == 0)
            #expect(printer.bedTarget == 0)
            #expect(printer.fan == 0)
            #expect(rig.printer.executedCommands.suffix(4) == ["M104 S0", "M140 S0", "M107", "M84"])
            #expect(try await rig.order("STOP_PRINT").error == "No print to stop")
            try await rig.startPrint("a.gcode")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func stoppedWhilePaused() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.order("PAUSE_PRINT")
            #expect(try await rig.order("STOP_PRINT").name == "FINISHED")
            try await rig.waitForState("STOPPED")
            #expect(rig.printer.snapshot().hotendTarget == 0)
        }
    }

    @Test(arguments: [true, false]) func stoppedWhileHeating(_ hasEmergencyParser: Bool) async throws {
        let firmware: FirmwareProfile = hasEmergencyParser ? .marlin2Custom : .marlin2
        let rig = try DaemonRig(firmware: firmware, files: ["a.gcode": Files.heating()]) { board in
            // Without emergency parser the printer first heats to the end: that must be soon.
            board.timeScale = hasEmergencyParser ? 1 : 8
        }
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it heats") { rig.daemon.snapshot.readings.isHeating }
            #expect(try await rig.order("STOP_PRINT").name == "FINISHED")
            try await rig.waitForState("STOPPED")
            let printer = rig.printer.snapshot()
            #expect(printer.hotendTarget == 0)
            #expect(printer.bedTarget == 0)
            #expect(rig.printer.executedCommands.suffix(4) == ["M104 S0", "M140 S0", "M107", "M84"])
        }
    }

    // MARK: Asking

    @Test func infoHasThePrinterAndItsFiles() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.moves(3), ".hidden": [1]])
        try await rig.run { rig in
            let info = try await rig.order("SEND_INFO")
            #expect(info.name == "INFO")
            #expect(info.data["sn"] == "CZPX0123X004XC00042")
            #expect(info.data["type"]?.integer == 1)
            #expect(info.data["version"]?.integer == 3)
            #expect(info.data["subversion"]?.integer == 1)
            // What the printer itself said to M115.
            #expect(info.data["firmware"]?.string?.hasPrefix("Marlin 2.1.2") == true)
            let local = try #require(info.data["files"]?["children"]?.array?.first)
            #expect(local["name"] == "local")
            #expect(local["children"]?.array?.compactMap { $0["name"]?.string } == ["a.gcode"])
            #expect(rig.server.events.contains { $0.name == "MEDIUM_INSERTED" && $0.data["root"] == "/local" })
        }
    }

    @Test func stateInfo() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            let answer = try await rig.order("SEND_STATE_INFO")
            #expect(answer.name == "STATE_CHANGED")
            #expect(answer.body["state"] == "IDLE")
        }
    }

    @Test func jobInfo() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            let none = try await rig.order("SEND_JOB_INFO")
            #expect(none.name == "FAILED")
            #expect(none.error == "Cannot get job info, when there is no job in progress.")
            try await rig.startPrint("a.gcode")
            let start = try #require(rig.server.commands.last?.id)
            let job = try await rig.order("SEND_JOB_INFO")
            #expect(job.name == "JOB_INFO")
            #expect(job.data["path"] == "/local/a.gcode")
            #expect(job.data["size"]?.integer == Files.long.count)
            #expect(job.data["m_timestamp"]?.integer ?? 0 > 1_500_000_000)
            #expect(job.data["start_cmd_id"]?.integer == Int(start))
            #expect(job.data["from_sd"] == .bool(false))
            #expect(job.data["progress"]?.integer != nil)
            #expect(job.data["time_printing"]?.integer != nil)
            #expect(job.body["job_id"]?.integer ?? 0 > 0)
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func fileInfo() async throws {
        let text = Array("; layer_height = 0.2\n".utf8) + Files.moves(3)
        let rig = try DaemonRig(files: ["a.gcode": text])
        try rig.folder.makeFolder("gcodes/sub")
        try rig.folder.write("secret", to: "secret.txt")
        try await rig.run { rig in
            let file = try await rig.order("SEND_FILE_INFO", ["path": "/local/a.gcode"])
            #expect(file.name == "FILE_INFO")
            #expect(file.data["path"] == "/local/a.gcode")
            #expect(file.data["size"]?.integer == text.count)
            #expect(file.data["layer_height"]?.number == 0.2)
            #expect(file.data["read_only"] == .bool(false))
            #expect(file.data["m_timestamp"]?.integer ?? 0 > 1_500_000_000)
            let bad: [(PlainJSON, String)] = [
                (["path": "/local/missing.gcode"], "File does not exist: /local/missing.gcode"),
                (["path": "/local/sub"], "FILE_INFO doesn't work for folders"),
                (["path": "/local/../secret.txt"], "Path leads outside of its storage: /local/../secret.txt"),
                (["path": "/local/sub/../b.gcode"], "File does not exist: /local/b.gcode"),
                ([:], "SEND_FILE_INFO requires path"),
                (["path": 5], "SEND_FILE_INFO: path must be a text"),
            ]
            for (keywords, expected) in bad {
                let answer = try await rig.order("SEND_FILE_INFO", keywords)
                #expect(answer.name == "FAILED")
                #expect(answer.reason == "Command error")
                #expect(answer.error == expected)
            }
        }
    }

    @Test func filesThatCannotBePrinted() async throws {
        let rig = try DaemonRig(files: [
            "empty.gcode": [], "binary.gcode": Array("GCDE".utf8) + [0, 1, 2], "comments.gcode": Array("; x\n".utf8),
            "long.gcode": Array(("G28\nM117 " + String(repeating: "x", count: 120) + "\n").utf8),
        ])
        try rig.folder.makeFolder("gcodes/sub")
        try await rig.run { rig in
            for (name, expected) in [
                ("missing.gcode", "File does not exist: /local/missing.gcode"),
                ("sub", "/local/sub is no file that could be printed."),
                ("../secret", "Path leads outside of its storage: /local/../secret"),
                ("empty.gcode", "/local/empty.gcode is empty."),
                ("comments.gcode", "/local/comments.gcode contains no G-code command."),
                ("binary.gcode", "/local/binary.gcode is binary G-code that cannot be read: header at byte 0"),
                ("long.gcode", "/local/long.gcode, line 2: the command has 125 characters"),
            ] {
                let answer = try await rig.order("START_PRINT", ["path": .string("/local/" + name)])
                #expect(answer.name == "FAILED")
                #expect(answer.error?.hasPrefix(expected) == true, "\(answer.body)")
                // The paths of this machine are not Connect's business.
                #expect(answer.error?.contains(rig.folder.path) == false)
            }
            #expect(rig.daemon.state == .idle)
            #expect(rig.states.last == "IDLE")
        }
    }

    // MARK: The rest

    @Test func readyAndNotReady() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            #expect(
                try await rig.order("CANCEL_PRINTER_READY").error == "Cannot cancel READY when not actually ready.")
            #expect(try await rig.order("SET_PRINTER_READY").name == "FINISHED")
            #expect(rig.states.last == "READY")
            #expect(try await rig.order("SET_PRINTER_READY").name == "FINISHED")
            #expect(try await rig.order("CANCEL_PRINTER_READY").name == "FINISHED")
            #expect(rig.states.last == "IDLE")
            try await rig.order("SET_PRINTER_READY")
            try await rig.startPrint("a.gcode")
            #expect(try await rig.order("SET_PRINTER_READY").error == "Cannot get into READY from PRINTING")
            try await rig.order("STOP_PRINT")
            #expect(try await rig.order("SET_PRINTER_READY").name == "FINISHED")
            #expect(rig.states.suffix(4) == ["READY", "PRINTING", "STOPPED", "READY"])
        }
    }

    @Test func gcodeRunsInOrder() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            let answer = try await rig.gcode("G28 ; home\n\n;nothing\nM104 S50\nM117 Žluť\n")
            #expect(answer.name == "FINISHED")
            #expect(rig.printer.executedCommands.suffix(3) == ["G28", "M104 S50", "M117 Žluť"])
            #expect(rig.printer.snapshot().hotendTarget == 50)
            #expect(try await rig.gcode(";").error == "There is no command in this G-code")
            let renumbering = try await rig.gcode("M104 S60\nM110 N7")
            #expect(renumbering.error == "Line 2: M110 is not possible, Gantry numbers the lines itself")
            #expect(rig.printer.snapshot().hotendTarget == 50)
        }
    }

    @Test func gcodeWhilePrintingMustBeForced() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            let refused = try await rig.gcode("M117 no")
            #expect(refused.name == "FAILED")
            #expect(refused.error == "Can't run G-code while in PRINTING state.")
            #expect(try await rig.gcode("M117 yes", force: true).name == "FINISHED")
            #expect(rig.printer.snapshot().message == "yes")
            #expect(rig.daemon.state == .printing)
            try await rig.order("PAUSE_PRINT")
            #expect(try await rig.gcode("M117 paused").name == "FINISHED")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func forcedGCodeDoesNotDisturbThePrint() async throws {
        let file = Files.moves(300)
        let rig = try DaemonRig(files: ["a.gcode": file], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.gcode("M220 S90\nM221 S95", force: true)
            try await rig.waitForState("FINISHED")
            let printed = rig.printer.executedCommands.filter { !$0.hasPrefix("M22") }
            #expect(Files.digest(Array(printed.joined(separator: "\n").utf8)) == Files.digest(file))
            #expect(rig.printer.snapshot().feedRate == 90)
        }
    }

    @Test func emergencyStopIsNeverRefused() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
            #expect(try await rig.gcode("M112").name == "FINISHED")
            try await rig.waitForState("ERROR")
            try await eventually("the firmware halted") { rig.printer.snapshot().state == .halted }
            #expect(rig.printer.snapshot().hotendTarget == 0)
            #expect(try await rig.gcode("G28", force: true).error == "The printer is not connected.")
            // Somebody presses the button: it goes on without a restart of the daemon.
            rig.printer.pressReset()
            try await rig.waitForState("IDLE")
            try await rig.startPrint("a.gcode")
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func aPseudoTerminalCannotResetThePrinter() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            let answer = try await rig.order("RESET_PRINTER")
            #expect(answer.name == "FAILED")
            #expect(answer.error?.contains("has no line that could reset the printer. Reset it by hand.") == true)
            #expect(rig.daemon.state == .idle)
        }
    }

    @Test func unknownCommands() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            let unknown = try await rig.order("MAKE_COFFEE")
            #expect(unknown.name == "REJECTED")
            #expect(unknown.reason == "Unknown command")
            let known = try await rig.order("UPGRADE")
            #expect(known.name == "REJECTED")
            #expect(known.reason == "Not Implemented")
            let broken = rig.server.queue(rawBody: Array("{\"command\": ".utf8), contentType: "application/json")
            try await eventually("the broken one is answered") { rig.server.command(broken)?.answer != nil }
            #expect(rig.server.command(broken)?.answer?.name == "REJECTED")
        }
    }

    // MARK: Telemetry

    @Test(arguments: ["idle", "heating", "printing", "paused"]) func telemetryGoesOn(_ when: String) async throws {
        let rig = try DaemonRig(files: ["heat.gcode": Files.heating(), "long.gcode": Files.long]) { board in
            Files.slow(&board)
            board.timeScale = when == "heating" ? 1 : .infinity
        }
        try await rig.run { rig in
            if when != "idle" { try await rig.startPrint(when == "heating" ? "heat.gcode" : "long.gcode") }
            if when == "paused" { try await rig.order("PAUSE_PRINT") }
            if when == "heating" {
                try await eventually("it heats") { rig.daemon.snapshot.readings.isHeating }
            }
            let before = rig.server.counts.telemetry
            try await eventually("telemetry comes", deadline: 20) { rig.server.counts.telemetry >= before + 4 }
            let last = try #require(rig.server.telemetry.last)
            #expect(last["state"]?.string == (when == "idle" ? "IDLE" : when == "paused" ? "PAUSED" : "PRINTING"))
            #expect(last["temp_nozzle"]?.number != nil || rig.server.telemetry.contains { $0["temp_nozzle"] != nil })
            #expect((last["job_id"] != nil) == (when != "idle"))
            if when != "idle" {
                #expect(rig.server.telemetry.contains { $0["progress"] != nil })
                try await rig.order("STOP_PRINT")
            }
        }
    }
}
