import Foundation
import Simulators
import Testing

/// The daemon is killed in the midst of a print; the next one takes the print up.
@Suite struct ResumeCommandTests {
    private final class Rig: Sendable {
        let printer: PrinterRig
        let server = ConnectServer()
        let file: String

        init(moves: Int = 400, scripts: String = "", change: (inout MarlinPrinter.Configuration) -> Void = { _ in })
            throws
        {
            printer = try PrinterRig {
                $0.moveTime = .fixed(nanoseconds: 5_000_000)
                // What the second daemon asks in its greeting is not of the print.
                $0.digestsOnlyNumbered = true
                change(&$0)
            }
            try server.start()
            try printer.folder.write(
                "[service::connect]\nhostname = 127.0.0.1\nport = \(server.port)\ntls = False\ntoken = 6Y1t9EwL56nGisiWgNZq\n",
                to: "printer.ini")
            try printer.folder.write(
                "[printer]\nport = \(printer.port)\ntype = MK3S\nserial_number = CZPX0123X004XC00042\n"
                    + "settings = printer.ini\ndirectory = files\n[control]\nsocket = control\n" + scripts,
                to: "gantry.ini")
            try printer.folder.makeFolder("files")
            file = "G28\nG1 X1 Y1 Z0.3 F3000\n" + Files.heating(moves: moves)
            try printer.folder.write(file, to: "files/box.gcode")
        }

        deinit { server.stop() }

        func start() throws -> GantryProcess { try printer.start("run", "--config", "gantry.ini") }

        func resume(_ words: String...) async throws -> (status: Int32, output: String, errors: String) {
            let process = try GantryProcess(["resume", "--socket", "control"] + words, in: printer.folder.path)
            let status = try await process.end()
            return (status, process.standardOutput, process.standardError)
        }

        var states: [String] {
            server.events.compactMap { $0.name == "STATE_CHANGED" ? $0.body["state"]?.string : nil }
        }

        /// How many commands are on disk.
        var progress: Int {
            let text =
                (try? String(contentsOfFile: printer.folder.file("gantry-state/print.progress"), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
                .max() ?? 0
        }

        /// Starts a daemon, lets it print some of the file and kills it.
        func printAndKill(after commands: UInt64 = 60, when isTime: (Rig) -> Bool = { _ in true }) async throws {
            let process = try start()
            try await eventually("Connect sees the printer") { states.last == "IDLE" }
            server.queue(command: "START_PRINT", kwargs: ["path": "/local/box.gcode"])
            try await eventually("it prints") { printer.printer.snapshot().digestedCommands > commands && isTime(self) }
            process.send(SIGKILL)
            #expect(try await process.end() == -SIGKILL)
        }

        func end(_ process: GantryProcess) async throws {
            process.send(SIGTERM)
            #expect(try await process.end() == 0, "\(process.standardError)")
            #expect(server.violations == [])
        }
    }

    @Test func connectResumesWhatAKillInterrupted() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        let process = try rig.start()
        try await eventually("the print waits") { rig.states.last == "PAUSED" }
        let event = try #require(rig.server.events.last { $0.name == "STATE_CHANGED" })
        #expect(event.body["reason"]?.string?.contains("was interrupted at") == true, "\(event.body)")
        #expect(event.body["job_id"] != nil)
        let id = rig.server.queue(command: "RESUME_PRINT")
        try await eventually("it goes on to its end") { rig.states.last == "FINISHED" }
        #expect(rig.server.command(id)?.answer?.name == "FINISHED")
        #expect(rig.printer.printer.snapshot().digest == Files.digest(rig.file))
        try await rig.end(process)
        // Nothing is left to take up.
        let again = try rig.start()
        try await eventually("idle") { rig.states.last == "IDLE" }
        let answer = try await rig.resume()
        #expect(answer.status == 1)
        #expect(answer.errors.contains("There is no interrupted print."))
        try await rig.end(again)
    }

    @Test func theCommandLineResumesItToo() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        // Killed once more while it waits.
        let waiting = try rig.start()
        try await eventually("the print waits") { rig.states.last == "PAUSED" }
        waiting.send(SIGKILL)
        _ = try await waiting.end()
        let process = try rig.start()
        try await eventually("the print waits again") {
            process.standardError.contains("paused: The print was interrupted")
        }
        let answer = try await rig.resume()
        #expect(answer.status == 0, "\(answer)")
        #expect(answer.output.contains("/local/box.gcode goes on"))
        try await eventually("it goes on to its end") { rig.states.last == "FINISHED" }
        #expect(rig.printer.printer.snapshot().digest == Files.digest(rig.file))
        try await rig.end(process)
    }

    /// The printer's own safety timer switched the heaters off meanwhile.
    @Test func whatWasLetCoolIsHeatedFirst() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        let process = try rig.start()
        try await eventually("the print waits") { rig.states.last == "PAUSED" }
        let cold = rig.server.queue(gcode: "M104 S0\nM140 S0")
        try await eventually("it is cold") { rig.server.command(cold)?.answer != nil }
        try await eventually("Gantry knows it") { rig.printer.printer.snapshot().hotendTarget == 0 }
        // Reports come every second.
        try await Task.sleep(for: .seconds(2.5))
        let before = rig.printer.printer.executedCommands.count
        rig.server.queue(command: "RESUME_PRINT")
        try await eventually("it goes on to its end") { rig.states.last == "FINISHED" }
        let rest = rig.printer.printer.executedCommands.dropFirst(before).filter {
            !$0.hasPrefix("M105") && $0 != "M114"
        }
        #expect(rest.prefix(3) == ["M140 S60", "M190 S60", "M109 S200"])
        try await rig.end(process)
    }

    /// Killed while the print was paused, its nozzle parked.
    @Test func aPausedPrintGoesBackToItsPlaceFirst() async throws {
        let rig = try Rig(scripts: "[scripts]\npause = G1 Z20\n")
        let process = try rig.start()
        try await eventually("Connect sees the printer") { rig.states.last == "IDLE" }
        rig.server.queue(command: "START_PRINT", kwargs: ["path": "/local/box.gcode"])
        try await eventually("it prints") { rig.printer.printer.snapshot().digestedCommands > 60 }
        rig.server.queue(command: "PAUSE_PRINT")
        try await eventually("it is parked") { rig.printer.printer.executedCommands.contains("G1 Z20") }
        try await eventually("the journal knows") {
            let path = rig.printer.folder.file("gantry-state/print.progress")
            return (try? String(contentsOfFile: path, encoding: .utf8))?.contains(" paused ") == true
        }
        process.send(SIGKILL)
        _ = try await process.end()
        let next = try rig.start()
        try await eventually("the print waits") { next.standardError.contains("paused: The print was interrupted") }
        let answer = try await rig.resume()
        #expect(answer.status == 0, "\(answer.errors)")
        try await eventually("it goes on to its end") { rig.states.last == "FINISHED" }
        let all = rig.printer.printer.executedCommands
        let parked = try #require(all.firstIndex(of: "G1 Z20"))
        let lift = try #require(all[parked...].firstIndex(of: "G1 Z21 F600"))
        // The way back may look like a move of the file.
        #expect(all[lift + 1].hasPrefix("G1 X") && all[lift + 2] == "G1 Z0.3 F600")
        let moves = Files.moves(400).split(separator: "\n").map(String.init).filter { $0.hasPrefix("G1 ") }
        let printed = (all[...lift] + all[(lift + 2)...]).filter { moves.contains($0) }
        #expect(printed == moves)
        try await rig.end(next)
    }

    /// Somebody moved the nozzle at the printer's own menu.
    @Test func aPrinterThatWasMovedDoesNotGoOn() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        let process = try rig.start()
        try await eventually("the print waits") { rig.states.last == "PAUSED" }
        let move = rig.server.queue(gcode: "G1 Z40")
        try await eventually("it moved") { rig.server.command(move)?.answer != nil }
        let answer = try await rig.resume()
        #expect(answer.status == 1)
        #expect(
            answer.errors.contains("The printer was moved: Z is 40, and the print stands at 0.3."), "\(answer.errors)")
        let back = rig.server.queue(gcode: "G1 Z0.3")
        try await eventually("it is back") { rig.server.command(back)?.answer != nil }
        #expect(try await rig.resume().status == 0)
        try await eventually("it goes on to its end") { rig.states.last == "FINISHED" }
        try await rig.end(process)
    }

    @Test func stopEndsIt() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        let process = try rig.start()
        try await eventually("the print waits") { rig.states.last == "PAUSED" }
        rig.server.queue(command: "STOP_PRINT")
        try await eventually("stopped") { rig.states.last == "STOPPED" }
        try await eventually("heaters are off") { rig.printer.cancelScriptWasExecuted }
        #expect(rig.printer.printer.snapshot().hotendTarget == 0)
        #expect(!FileManager.default.fileExists(atPath: rig.printer.folder.file("gantry-state/print.ini")))
        try await rig.end(process)
    }

    @Test func aPrinterThatLostItsPowerIsPrepared() async throws {
        let rig = try Rig(moves: 1500)
        try await rig.printAndKill(after: 150) { $0.progress > 100 }
        rig.printer.printer.pressReset()
        let process = try rig.start()
        try await eventually("idle, with a reason") {
            rig.states.last == "IDLE" && process.standardError.contains("has lost its place")
        }
        let plan = try await rig.resume()
        #expect(plan.status == 1)
        #expect(plan.errors.contains("G28 X Y"))
        #expect(plan.errors.contains("gantry resume --recover"))
        #expect(rig.states.last == "IDLE")
        let before = rig.printer.printer.executedCommands.count
        let answer = try await rig.resume("--recover")
        #expect(answer.status == 0, "\(answer)")
        try await eventually("printed") { rig.states.last == "FINISHED" }
        let rest = rig.printer.printer.executedCommands.dropFirst(before).filter {
            !$0.hasPrefix("M105") && !$0.hasPrefix("M110") && !$0.hasPrefix("M155")
        }
        #expect(rest.prefix(4) == ["M140 S60", "M104 S150", "M190 S60", "M109 S200"])
        // Where the print begins again, nothing of the file's rest is left out.
        let lines = rig.file.split(separator: "\n").map(String.init)
        let start = try #require(rest.firstIndex(of: "G92 E0"))
        let printed = Array(rest[(rest.index(after: start))...].drop { $0 != "M400" && !lines.contains($0) })
        let moves = printed.filter { $0 != "M400" }
        #expect(moves.count > 200)
        #expect(Array(moves.suffix(200)) == Array(lines.suffix(200)))
        #expect(Array(lines.suffix(moves.count)) == moves)
        try await rig.end(process)
    }

    @Test func aPrintCanBeForgotten() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        rig.printer.printer.pressReset()
        let process = try rig.start()
        try await eventually("idle, with a reason") { process.standardError.contains("has lost its place") }
        #expect(try await rig.resume("--discard").status == 0)
        #expect(try await rig.resume().errors.contains("There is no interrupted print."))
        try await eventually("its record is gone") {
            !FileManager.default.fileExists(atPath: rig.printer.folder.file("gantry-state/print.ini"))
        }
        try await rig.end(process)
    }

    @Test func anotherFileOfThatNameIsNotPrinted() async throws {
        let rig = try Rig()
        try await rig.printAndKill()
        try rig.printer.folder.write("G28\n", to: "files/box.gcode")
        let process = try rig.start()
        try await eventually("a reason") { process.standardError.contains("was changed since.") }
        try await eventually("Connect sees it idle") { rig.states.last == "IDLE" }
        #expect(try await rig.resume().status == 1)
        try await rig.end(process)
    }
}
