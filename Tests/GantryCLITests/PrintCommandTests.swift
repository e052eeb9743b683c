import CSerial
import Foundation
import Simulators
import Testing

/// `gantry print` as a person runs it.
@Suite struct PrintCommandTests {
    // MARK: It prints

    @Test(arguments: FirmwareProfile.all.map(\.name)) func printsAFile(_ firmware: String) async throws {
        let rig = try PrinterRig(firmware: #require(FirmwareProfile.named(firmware)))
        let text = Files.moves(400)
        try rig.folder.write(text, to: "box.gcode")
        let process = try rig.print("box.gcode")
        #expect(try await process.end() == 0)
        #expect(rig.printer.snapshot().digest == Files.digest(text))
        #expect(process.standardError == "")
        #expect(process.lines.last?.hasPrefix("Printed box.gcode: 402 lines in 0:0") == true, "\(process.lines)")
    }

    @Test func plainLinesWhenPiped() async throws {
        let rig = try PrinterRig { $0.moveTime = .fixed(nanoseconds: 2_000_000) }
        try rig.folder.write(Files.moves(1000), to: "box.gcode")
        let process = try rig.print("box.gcode")
        #expect(try await process.end() == 0)
        #expect(!process.standardOutput.utf8.contains { $0 == 0x1B || $0 == 0x0D })
        #expect(process.lines.contains { $0.hasPrefix("Printer: Marlin 2.1.2") })
        let progress = process.lines.filter { $0.contains(" %  printing") }
        #expect((2...15).contains(progress.count), "\(process.lines)")
        #expect(Set(progress).count == progress.count)
    }

    @Test func oneJSONObjectAndNothingElseOnStandardOutput() async throws {
        let rig = try PrinterRig()
        let text = Files.moves(300)
        try rig.folder.write(text, to: "box.gcode")
        let process = try rig.print("box.gcode", "--json")
        #expect(try await process.end() == 0)
        let object = try onlyObject(process.standardOutput)
        #expect(object["outcome"] as? String == "printed")
        #expect(object["file"] as? String == "box.gcode")
        #expect(object["lines"] as? Int == 302)
        #expect(object["bytes"] as? Int == text.utf8.count)
        #expect(object["resends"] as? Int == 0)
        #expect(object["seconds"] as? Double ?? 0 > 0)
        #expect(object["reason"] == nil)
        #expect(process.standardError.contains("Printed box.gcode"))
    }

    @Test func aStrayByteOfAnotherEncodingPrints() async throws {
        let rig = try PrinterRig()
        let bytes = Array("; f".utf8) + [0xFC] + Array("r Gr".utf8) + [0xF6, 0xDF] + Array("e\nG28\nG1 X5\n".utf8)
        try rig.folder.write(bytes, to: "box.gcode")
        let process = try rig.print("box.gcode")
        #expect(try await process.end() == 0)
        #expect(rig.printer.executedCommands.filter { $0.hasPrefix("G") } == ["G28", "G1 X5"])
    }

    @Test func aWindowOfOneAndABadCable() async throws {
        let rig = try PrinterRig { $0.faults = FaultPlan(seed: 4) }
        let text = Files.moves(200)
        try rig.folder.write(text, to: "box.gcode")
        #expect(try await rig.print("box.gcode", "--window", "1", "--baud", "250000").end() == 0)
        #expect(rig.printer.snapshot().digest == Files.digest(text))
        let bad = try PrinterRig { board in
            board.faults = FaultPlan(seed: 4)
            board.faults.toPrinter.flip = 0.002
        }
        try bad.folder.write(text, to: "box.gcode")
        let process = try bad.print("box.gcode", "--json")
        #expect(try await process.end() == 0)
        #expect(bad.printer.snapshot().digest == Files.digest(text))
        #expect(try onlyObject(process.standardOutput)["resends"] as? Int ?? 0 > 0)
    }

    // MARK: Files that cannot be printed

    @Test(arguments: [
        ("missing.gcode", nil, "gantry: There is no file missing.gcode.\n"),
        (".", nil, "gantry: . is no file that could be printed.\n"),
        ("/dev/null", nil, "gantry: /dev/null is no file that could be printed.\n"),
        ("box.gcode/x", "G28\n", "gantry: There is no file box.gcode/x.\n"),
        ("box.gcode", "", "gantry: box.gcode is empty.\n"),
        ("box.gcode", "; only words\n\n", "gantry: box.gcode contains no G-code command.\n"),
        (
            "box.gcode", "GCDE\u{2}\u{0}\u{0}\u{0}\u{1}\u{0}",
            "gantry: box.gcode is binary G-code that cannot be read: header at byte 0: version 2 of the format is not "
                + "known, only 1 is. Copy it again, or export it anew from the slicer.\n"
        ),
        (
            "box.gcode", "\u{7F}ELF\u{2}\u{1}\u{1}\u{0}\u{0}\u{0}\u{0}",
            "gantry: box.gcode is no text: only G-code can be printed.\n"
        ),
        (
            "box.gcode", "G28\n\nM117 " + String(repeating: "x", count: 200) + "\nG28\n",
            "gantry: box.gcode, line 3: the command has 205 characters; with line number and checksum the firmware takes "
                + "95. It begins: M117 \(String(repeating: "x", count: 91))\n"
        ),
    ])
    func refusedFiles(_ name: String, _ content: String?, _ expected: String) async throws {
        let folder = try TemporaryDirectory()
        if let content { try folder.write(content, to: "box.gcode") }
        // The port does not matter: it is not opened for a file that cannot be printed.
        let plain = try await gantry("print", name, "--port", "/dev/nowhere", in: folder.path)
        #expect(plain.status == 1)
        #expect(plain.errors == expected)
        #expect(plain.output == "")
        let json = try await gantry("print", name, "--port", "/dev/nowhere", "--json", in: folder.path)
        #expect(json.status == 1)
        let object = try onlyObject(json.output)
        #expect(object["outcome"] as? String == "failed")
        #expect("gantry: \(object["reason"] as? String ?? "")\n" == expected)
        #expect(object["lines"] as? Int == 0)
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything")) func aFileWithoutPermission() async throws {
        let folder = try TemporaryDirectory()
        chmod(try folder.write("G28\n", to: "box.gcode"), 0)
        let ended = try await gantry("print", "box.gcode", "--port", "/dev/nowhere", in: folder.path)
        #expect(ended.status == 1)
        #expect(ended.errors == "gantry: No permission to read box.gcode.\n")
    }

    @Test func aFileThatIsCutWhilePrinting() async throws {
        let rig = try PrinterRig { $0.moveTime = .fixed(nanoseconds: 200_000) }
        try rig.folder.write(Files.heating(moves: 300_000), to: "box.gcode")
        let process = try rig.print("box.gcode", "--json")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        #expect(truncate(rig.folder.file("box.gcode"), 400_000) == 0)
        #expect(try await process.end() == 1)
        let object = try onlyObject(process.standardOutput)
        #expect(object["outcome"] as? String == "failed")
        #expect((object["reason"] as? String)?.contains("box.gcode ended after") == true)
        #expect(object["lines"] as? Int ?? 0 > 1000)
        #expect(rig.printer.snapshot().hotendTarget == 0)
    }

    @Test func aFileThatIsDeletedWhilePrinting() async throws {
        let rig = try PrinterRig { $0.moveTime = .fixed(nanoseconds: 2_000_000) }
        let text = Files.moves(1000)
        try rig.folder.write(text, to: "box.gcode")
        let process = try rig.print("box.gcode")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        try FileManager.default.removeItem(atPath: rig.folder.file("box.gcode"))
        // It is open: the print goes on.
        #expect(try await process.end() == 0)
        #expect(rig.printer.snapshot().digest == Files.digest(text))
    }

    // MARK: Ports that cannot be used

    @Test func aMissingPort() async throws {
        let folder = try TemporaryDirectory()
        try folder.write("G28\n", to: "box.gcode")
        let ended = try await gantry("print", "box.gcode", "--port", "/dev/ttyUSB77", in: folder.path)
        #expect(ended.status == 1)
        #expect(
            ended.errors
                == "gantry: There is no serial port /dev/ttyUSB77. Is the printer connected and switched on? "
                + "`gantry doctor` lists the ports.\n")
    }

    @Test(arguments: ["/dev/null", "/etc/hostname", "/tmp"]) func aPortThatIsNone(_ path: String) async throws {
        let folder = try TemporaryDirectory()
        try folder.write("G28\n", to: "box.gcode")
        let ended = try await gantry("print", "box.gcode", "--port", path, in: folder.path)
        #expect(ended.status == 1)
        #expect(ended.errors == "gantry: \(path) is no serial port.\n")
    }

    @Test func aBusyPort() async throws {
        let rig = try PrinterRig(change: Files.slow)
        try rig.folder.write(Files.long, to: "box.gcode")
        let first = try rig.print("box.gcode")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 10 }
        let second = try rig.print("box.gcode")
        #expect(try await second.end() == 1)
        #expect(
            second.standardError
                == "gantry: Another program uses \(rig.port). Stop it (OctoPrint, a slicer, a second Gantry) and try "
                + "again.\n")
        first.send(SIGINT)
        #expect(try await first.end() == 130)
    }

    @Test func aPrinterThatNeverAnswers() async throws {
        let rig = try PrinterRig()
        rig.printer.goSilent()
        try rig.folder.write("G28\n", to: "box.gcode")
        let process = try rig.print("box.gcode", "--timeout", "0.5", "--json")
        #expect(try await process.end() == 1)
        let reason = "No answer from a printer on \(rig.port). Is it switched on, and is this its port?"
        #expect(try onlyObject(process.standardOutput)["reason"] as? String == reason)
        #expect(process.standardError.hasSuffix("gantry: \(reason)\n"))
    }

    @Test func noiseOfAWrongBaudRate() async throws {
        let folder = try TemporaryDirectory()
        try folder.write("G28\n", to: "box.gcode")
        let noise = try NoisyPort([0x80, 0xF8, 0x00, 0x9E, 0xE6, 0x1C, 0xFE, 0x66])
        let process = try GantryProcess(
            ["print", "box.gcode", "--port", noise.path, "--baud", "250000", "--timeout", "5"], in: folder.path)
        #expect(try await process.end() == 1)
        #expect(
            process.standardError
                == "gantry: What comes from \(noise.path) at 250000 baud is no text: the baud rate is wrong. Try 115200 "
                + "or 250000.\n")
    }

    @Test func textOfSomethingElse() async throws {
        let folder = try TemporaryDirectory()
        try folder.write("G28\n", to: "box.gcode")
        let other = try NoisyPort(Array("$GPGGA,123519,4807.038,N\r\n".utf8))
        let process = try GantryProcess(
            ["print", "box.gcode", "--port", other.path, "--timeout", "0.5"], in: folder.path)
        #expect(try await process.end() == 1)
        #expect(process.standardError.hasSuffix("does not say `ok` as Marlin does. Is this the printer's port?\n"))
    }

    // MARK: The print fails

    @Test func theCableIsPulled() async throws {
        let rig = try PrinterRig(change: Files.slow)
        try rig.folder.write(Files.long, to: "box.gcode")
        let process = try rig.print("box.gcode", "--json")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 60 }
        rig.printer.hangUp()
        #expect(try await process.end() == 1)
        let object = try onlyObject(process.standardOutput)
        #expect(object["outcome"] as? String == "failed")
        #expect(
            (object["reason"] as? String)?.hasPrefix("The connection to the printer on \(rig.port) was lost") == true)
        #expect(object["lines"] as? Int ?? 0 > 20)
    }

    @Test func thePrinterRestarts() async throws {
        let rig = try PrinterRig(change: Files.slow)
        try rig.folder.write(Files.long, to: "box.gcode")
        let process = try rig.print("box.gcode")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.printer.pressReset()
        #expect(try await process.end() == 1)
        #expect(
            process.standardError == "gantry: The printer restarted during the print; it cannot be continued.\n")
    }

    // MARK: Ctrl-C

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func theFirstSignalCancelsSafely(_ signal: Int32) async throws {
        let rig = try PrinterRig(change: Files.slow)
        try rig.folder.write(Files.long, to: "box.gcode")
        let process = try rig.print("box.gcode", "--json")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        process.send(signal)
        #expect(try await process.end() == 130)
        #expect(rig.cancelScriptWasExecuted)
        let printer = rig.printer.snapshot()
        #expect(printer.hotendTarget == 0)
        #expect(printer.bedTarget == 0)
        #expect(printer.fan == 0)
        let object = try onlyObject(process.standardOutput)
        #expect(object["outcome"] as? String == "cancelled")
        #expect(object["cancel_script"] as? String == "executed")
        #expect(object["lines"] as? Int ?? 0 > 20)
        #expect(process.standardError.contains("Cancelled after"))
    }

    @Test(arguments: [true, false]) func cancelledWhileHeating(_ hasEmergencyParser: Bool) async throws {
        let rig = try PrinterRig(firmware: hasEmergencyParser ? .marlin2Custom : .marlin2) { board in
            board.timeScale = hasEmergencyParser ? 1 : 8
        }
        try rig.folder.write(Files.heating(), to: "box.gcode")
        let process = try rig.print("box.gcode")
        try await eventually("it heats") { process.lines.contains { $0.contains("heating") } }
        process.send(SIGINT)
        try await eventually("it says so") { process.lines.contains { $0.hasPrefix("Cancelling") } }
        let says = process.lines.contains { $0.contains("this firmware cannot be interrupted") }
        #expect(says == !hasEmergencyParser)
        #expect(try await process.end() == 130)
        #expect(rig.cancelScriptWasExecuted)
    }

    @Test func theSecondSignalLeavesAtOnce() async throws {
        // Heating takes minutes, and this firmware cannot be interrupted in it.
        let rig = try PrinterRig(firmware: .marlin2) { $0.timeScale = 1 }
        try rig.folder.write(Files.heating(), to: "box.gcode")
        let process = try rig.print("box.gcode")
        try await eventually("it heats") { process.lines.contains { $0.contains("heating") } }
        process.send(SIGINT)
        try await eventually("it waits for the printer") { process.lines.contains { $0.contains("cancelling") } }
        #expect(!process.hasEnded)
        process.send(SIGINT)
        #expect(try await process.end() == 130)
        #expect(!rig.cancelScriptWasExecuted)
        #expect(process.standardError.contains("heaters may be on"))
    }

    @Test func aSignalBeforeThePrinterAnswered() async throws {
        let rig = try PrinterRig()
        rig.printer.goSilent()
        try rig.folder.write("G28\n", to: "box.gcode")
        let process = try rig.print("box.gcode")
        try await eventually("it waits") { process.lines == ["Waiting for the printer …"] }
        process.send(SIGINT)
        #expect(try await process.end() == 130)
    }

    @Test func whatThePrinterSaysCannotControlTheTerminal() async throws {
        let rig = try PrinterRig(change: Files.slow)
        try rig.folder.write(Files.long, to: "box.gcode")
        let process = try rig.print("box.gcode")
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 10 }
        rig.printer.emit("echo:\u{1B}[2J gone")
        try await eventually("it is shown") { process.standardOutput.contains("echo:?[2J gone") }
        process.send(SIGINT)
        #expect(try await process.end() == 130)
    }
}

/// A pseudo-terminal on which somebody talks without end.
private final class NoisyPort: Sendable {
    let path: String
    private let master: Int32
    private let isOver = Shared(false)

    init(_ bytes: [UInt8]) throws {
        var name = [CChar](repeating: 0, count: 128)
        master = cserial_open_pty(&name, name.count)
        try #require(master >= 0)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        Thread { [isOver, master] in
            var sink = [UInt8](repeating: 0, count: 256)
            while !isOver.value {
                _ = cserial_write(master, bytes, bytes.count)
                _ = cserial_read(master, &sink, sink.count)
                usleep(5000)
            }
            cserial_close(master)
        }.start()
    }

    deinit { isOver.change { $0 = true } }
}
