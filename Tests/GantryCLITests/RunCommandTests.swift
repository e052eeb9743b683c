import Foundation
import Simulators
import Testing

@Suite struct RunCommandTests {
    private static let token = "6Y1t9EwL56nGisiWgNZq"

    /// A printer, a server, and the two files of the configuration.
    private final class Rig: Sendable {
        let printer: PrinterRig
        let server = ConnectServer()

        init(change: (inout MarlinPrinter.Configuration) -> Void = { _ in }) throws {
            printer = try PrinterRig(change: change)
            try server.start()
            try printer.folder.write(
                "[service::connect]\nhostname = 127.0.0.1\nport = \(server.port)\ntls = False\ntoken = \(token)\n",
                to: "printer.ini")
            try printer.folder.write(
                "[printer]\nport = \(printer.port)\ntype = MK3S\nserial_number = CZPX0123X004XC00042\n"
                    + "settings = printer.ini\ndirectory = files\n", to: "gantry.ini")
            try printer.folder.makeFolder("files")
        }

        deinit { server.stop() }

        var states: [String] {
            server.events.compactMap { $0.name == "STATE_CHANGED" ? $0.body["state"]?.string : nil }
        }
    }

    @Test func runsUntilSIGTERM() async throws {
        let rig = try Rig()
        let process = try rig.printer.start("run", "--config", "gantry.ini", "--log-level", "trace")
        try await eventually("Connect sees the printer") { rig.states.last == "IDLE" }
        let info = rig.server.queue(command: "SEND_INFO")
        try await eventually("it answers") { rig.server.command(info)?.answer?.name == "INFO" }
        process.send(SIGTERM)
        #expect(try await process.end() == 0)
        #expect(process.standardOutput == "")
        #expect(process.standardError.contains(" notice: idle\n"))
        #expect(process.standardError.contains("Connect: Internet ok"), "\(process.standardError)")
        #expect(process.standardError.hasSuffix(" notice: stopped\n"))
        #expect(!process.standardError.contains(Self.token))
        #expect(rig.server.violations == [])
    }

    @Test func aRunningPrintIsCancelledOnSIGTERM() async throws {
        let rig = try Rig(change: Files.slow)
        try rig.printer.folder.write(Files.long, to: "files/box.gcode")
        let process = try rig.printer.start("run", "--config", "gantry.ini")
        try await eventually("Connect sees the printer") { rig.states.last == "IDLE" }
        rig.server.queue(command: "START_PRINT", kwargs: ["path": "/local/box.gcode"])
        try await eventually("it prints") { rig.printer.printer.snapshot().digestedCommands > 30 }
        process.send(SIGTERM)
        #expect(try await process.end() == 0)
        #expect(rig.printer.cancelScriptWasExecuted)
        #expect(rig.printer.printer.snapshot().hotendTarget == 0)
        // Connect hears of it before the end.
        #expect(rig.states.last == "STOPPED")
        #expect(rig.server.violations == [])
    }

    @Test func flagsComeBeforeTheFile() async throws {
        let rig = try Rig()
        try rig.printer.folder.write("[printer]\nport = /dev/nowhere\ntype = MINI\n", to: "other.ini")
        let process = try rig.printer.start(
            "run", "--config", "other.ini", "--port", rig.printer.port, "--baudrate", "250000", "--type", "MK3S",
            "--serial-number", "CZPX0123X004XC00042", "--firmware", "9.9.9", "--settings", "printer.ini", "--directory",
            "files", "--state", "memory")
        try await eventually("Connect sees the printer") { rig.states.last == "IDLE" }
        let id = rig.server.queue(command: "SEND_INFO")
        try await eventually("it answers") { rig.server.command(id)?.answer != nil }
        let info = try #require(rig.server.command(id)?.answer?.body["data"])
        #expect(info["firmware"] == "9.9.9")
        #expect(info["type"]?.integer == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: rig.printer.folder.file("memory")).count == 3)
        process.send(SIGINT)
        #expect(try await process.end() == 0)
    }

    @Test func waitsForAPrinterThatIsNotThere() async throws {
        let rig = try Rig()
        let process = try rig.printer.start("run", "--config", "gantry.ini", "--port", "/dev/ttyUSB77")
        try await eventually("Connect sees the error") { rig.states.last == "ERROR" }
        try await eventually("so does who reads the log") {
            process.standardError.contains(" error: error: There is no serial port /dev/ttyUSB77.")
        }
        process.send(SIGTERM)
        #expect(try await process.end() == 0)
    }

    @Test func waitsForAServerThatIsNotThere() async throws {
        let rig = try Rig()
        rig.server.stop()
        let process = try rig.printer.start("run", "--config", "gantry.ini")
        try await eventually("the printer is ready") { process.standardError.contains(" notice: idle") }
        try await eventually("it complains") { process.standardError.contains(" warning: connection: ") }
        process.send(SIGTERM)
        #expect(try await process.end() == 0)
    }

    @Test func whatConnectDidNotGetComesAfterAKillAndARestart() async throws {
        let rig = try Rig()
        let port = rig.server.port
        rig.server.stop()
        let first = try rig.printer.start("run", "--config", "gantry.ini")
        try await eventually("the printer is ready") { first.standardError.contains(" notice: idle") }
        try await eventually("it complains") { first.standardError.contains(" warning: connection: ") }
        first.send(SIGKILL)
        #expect(try await first.end() == -SIGKILL)
        try rig.server.start(port: UInt16(port))
        let second = try rig.printer.start("run", "--config", "gantry.ini")
        try await eventually("everything arrives") {
            rig.server.events.count { $0.name == "MEDIUM_INSERTED" } == 2 && rig.states.last == "IDLE"
        }
        // The first life's events come first, its last state among them.
        let names = rig.server.events.map { $0.name == "STATE_CHANGED" ? $0.body["state"]?.string ?? "" : $0.name }
        let restart = try #require(names.lastIndex(of: "MEDIUM_INSERTED"))
        #expect(names[..<restart].contains("IDLE") && names[..<restart].contains("MEDIUM_INSERTED"))
        #expect(second.standardError.contains(" events from before wait for Connect"))
        second.send(SIGTERM)
        #expect(try await second.end() == 0)
        #expect(rig.server.violations == [])
    }

    @Test(arguments: [
        (
            "[printer]\nspeed = 9\n",
            "gantry.ini:2: there is no key speed; expected one of port, baudrate, meatpack, type, serial_number, "
                + "firmware, settings, directory, state"
        ),
        (
            "[connect]\n",
            "gantry.ini:1: there is no section [connect]; expected [printer], [control], [firmware], [scripts], [filament_sensor], "
                + "[power], [usb], [emergency_stop], [door], [led]"
        ),
        (
            "[printer]\nport = x\nbaudrate = many\n",
            "gantry.ini:3: baudrate in [printer]: expected a whole number from 1200 to 4000000"
        ),
        (
            "[printer]\ntype = T1000\n",
            "gantry.ini:2: type in [printer]: expected a model such as I3MK3S, MK4S or MINI, or its dotted numbers such as "
                + "1.3.1"
        ),
        ("[printer]\nwhat\n", "gantry.ini:2: expected \"key = value\", \"[section]\" or a comment"),
        (
            "[printer]\nport = x\n",
            "Connect needs the printer's model: set type in [printer] or --type to a model such as I3MK3S, MK4S or MINI, or "
                + "its dotted numbers such as 1.3.1"
        ),
        (
            "[printer]\nport = x\ntype = MK3S\n",
            "Connect needs the printer's serial number: set serial_number in [printer] or --serial-number"
        ),
        (
            "[printer]\nport = x\ntype = MK3S\nserial_number = S\nsettings = none.ini\n",
            "none.ini is missing: register the printer first with `gantry register`, or set settings in [printer] or "
                + "--settings to the file that Connect offers for download"
        ),
        (
            "[printer]\nport = x\ntype = MK3S\nserial_number = S\nsettings = empty.ini\n",
            "empty.ini has no token: register the printer first with `gantry register`"
        ),
        (
            "[printer]\nport = x\ntype = MK3S\nserial_number = S\nsettings = bad.ini\n",
            "bad.ini:2: tls in [service::connect]: expected true or false"
        ),
        (
            "[printer]\nport = x\ntype = MK3S\nserial_number = S\nsettings = good.ini\ndirectory = good.ini\n",
            "The directory good.ini cannot be used: Not a directory"
        ),
    ])
    func badConfigurationsEndWithAReason(_ text: String, _ expected: String) async throws {
        let folder = try TemporaryDirectory()
        try folder.write(text, to: "gantry.ini")
        try folder.write("[service::connect]\nhostname = 127.0.0.1\n", to: "empty.ini")
        try folder.write("[service::connect]\ntls = perhaps\ntoken = x\n", to: "bad.ini")
        try folder.write("[service::connect]\nhostname = 127.0.0.1\ntoken = x\n", to: "good.ini")
        let ended = try await gantry("run", "--config", "gantry.ini", in: folder.path)
        #expect(ended.status == 1)
        #expect(ended.errors == "gantry: \(expected)\n")
        #expect(ended.output == "")
    }

    @Test func aMissingConfiguration() async throws {
        let folder = try TemporaryDirectory()
        let ended = try await gantry("run", "--config", "gantry.ini", in: folder.path)
        #expect(ended.status == 1)
        #expect(ended.errors == "gantry: gantry.ini: cannot open: No such file or directory\n")
    }
}
