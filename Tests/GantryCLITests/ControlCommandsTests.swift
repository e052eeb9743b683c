import Foundation
import Logging
import Simulators
import Synchronization
import Testing

@testable import BoardIO
@testable import Gantry

/// An output that only remembers what it was set to.
private final class RememberingSwitch: PowerSwitch {
    private let states = Mutex<[Bool]>([])

    var history: [Bool] { states.withLock { $0 } }
    func isOn() throws(GPIOError) -> Bool { states.withLock { $0.last ?? false } }
    func set(_ isOn: Bool) throws(GPIOError) { states.withLock { $0.append(isOn) } }
}

/// `gantry power` and `gantry storage` beside a running daemon: the built program, a real socket.
@Suite struct ControlCommandsTests {
    /// Printer, Connect and the two files of the configuration.
    private final class Rig: Sendable {
        let printer: PrinterRig
        let server = ConnectServer()

        init(_ board: String = "") throws {
            printer = try PrinterRig(change: Files.slow)
            try server.start()
            try printer.folder.write(
                "[service::connect]\nhostname = 127.0.0.1\nport = \(server.port)\ntls = False\n"
                    + "token = 6Y1t9EwL56nGisiWgNZq\n", to: "printer.ini")
            try printer.folder.write(
                "[printer]\nport = \(printer.port)\ntype = MK3S\nserial_number = CZPX0123X004XC00042\n"
                    + "settings = \(printer.folder.file("printer.ini"))\ndirectory = \(printer.folder.file("files"))\n"
                    + "[control]\nsocket = \(printer.folder.file("control"))\n" + board, to: "gantry.ini")
            try printer.folder.makeFolder("files")
            try printer.folder.write(Files.long, to: "files/box.gcode")
        }

        deinit { server.stop() }

        var states: [String] {
            server.events.compactMap { $0.name == "STATE_CHANGED" ? $0.body["state"]?.string : nil }
        }

        func gantry(_ words: String...) async throws -> Ended {
            let process = try GantryProcess(words, in: printer.folder.path)
            let status = try await process.end()
            return Ended(status: status, output: process.standardOutput, errors: process.standardError)
        }

        /// Runs the daemon as a process.
        func run(_ body: (Rig) async throws -> Void) async throws {
            let process = try printer.start("run", "--config", "gantry.ini")
            try await eventually("Connect sees the printer: \(process.standardError)") { states.last == "IDLE" }
            try await body(self)
            process.send(SIGTERM)
            #expect(try await process.end() == 0)
        }

        /// Runs the daemon in this process, for a relay and sticks that no machine need have.
        func run(
            relay: any PowerSwitch, change: (inout GantryConfiguration) -> Void = { _ in },
            _ body: (Rig, Daemon) async throws -> Void
        ) async throws {
            var configuration = try GantryConfiguration(path: printer.folder.file("gantry.ini"))
            change(&configuration)
            let daemon = try Daemon(
                configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                makeSwitch: { _ throws(GPIOError) in relay })
            let failure = Shared<String?>(nil)
            let isRunning = Shared(true)
            Thread {
                do { try daemon.run() } catch { failure.change { $0 = "\(error)" } }
                isRunning.change { $0 = false }
            }.start()
            do {
                try await eventually("Connect sees the printer") { states.last == "IDLE" }
                try await body(self, daemon)
            } catch {
                daemon.stop()
                throw error
            }
            daemon.stop()
            try await eventually("the daemon ends") { !isRunning.value }
            #expect(failure.value == nil)
        }
    }

    // MARK: power

    @Test func theRelayIsSwitchedAndAskedFor() async throws {
        let relay = RememberingSwitch()
        let rig = try Rig("[power]\nline = gpiochip4711:1\ncycle_time = 1\n")
        try await rig.run(relay: relay) { rig, _ in
            let status = try await rig.gantry("power", "status", "--config", "gantry.ini")
            #expect(status.status == 0 && status.output == "off\n" && status.errors == "")
            #expect(relay.history == [])
            let on = try await rig.gantry("power", "on", "--config", "gantry.ini")
            #expect(on.status == 0 && on.output == "on\n")
            #expect(relay.history == [true])
            #expect(try await rig.gantry("power", "status", "--socket", "control").output == "on\n")
            let off = try await rig.gantry("power", "off", "--socket", "control")
            #expect(off.status == 0 && off.output == "off\n")
            #expect(relay.history == [true, false])
            #expect(try await rig.gantry("power", "on", "--socket", "control").output == "on\n")
            #expect(try await rig.gantry("power", "cycle", "--socket", "control").output == "off\n")
            try await eventually("it is on again") { relay.history == [true, false, true, false, true] }
        }
    }

    @Test func inAPrintOffNeedsForce() async throws {
        let relay = RememberingSwitch()
        let rig = try Rig("[power]\nline = gpiochip4711:1\nat_start = on\n")
        try await rig.run(relay: relay) { rig, _ in
            rig.server.queue(command: "START_PRINT", kwargs: ["path": "/local/box.gcode"])
            try await eventually("it prints") { rig.states.last == "PRINTING" }
            let refused = try await rig.gantry("power", "off", "--socket", "control")
            #expect(refused.status == 1 && refused.output == "")
            #expect(refused.errors == "gantry: A print is under way: cancel it first, or force it.\n")
            #expect(relay.history == [true])
            let forced = try await rig.gantry("power", "off", "--force", "--socket", "control")
            #expect(forced.status == 0 && forced.output == "off\n")
            #expect(relay.history == [true, false])
        }
    }

    /// What the daemon cannot do is no success of the command.
    @Test func aRelayThatCannotBeHad() async throws {
        let rig = try Rig("[power]\nline = gpiochip4711:1\n")
        try await rig.run { rig in
            let reason =
                "Cannot open /dev/gpiochip4711: No such file or directory. "
                + "List the chips that exist with: ls /dev/gpiochip*\n"
            let status = try await rig.gantry("power", "status", "--socket", "control")
            #expect(status.status == 0 && status.output == "unknown: " + reason)
            let on = try await rig.gantry("power", "on", "--socket", "control")
            #expect(on.status == 1 && on.output == "" && on.errors == "gantry: " + reason)
        }
    }

    @Test func withoutARelay() async throws {
        let rig = try Rig()
        try await rig.run { rig in
            for action in ["on", "off", "cycle", "status"] {
                let ended = try await rig.gantry("power", action, "--socket", "control")
                #expect(ended.status == 1 && ended.errors == "gantry: there is no [power] in gantry.ini\n")
            }
        }
    }

    @Test(arguments: [["power", "on"], ["storage", "list"], ["storage", "eject", "STICK"]])
    func withoutADaemon(_ words: [String]) async throws {
        let folder = try TemporaryDirectory()
        let process = try GantryProcess(words + ["--socket", "control"], in: folder.path)
        #expect(try await process.end() == 1)
        #expect(process.standardError.hasPrefix("gantry: no daemon answers at control: is `gantry run` running"))
        #expect(process.standardOutput == "")
    }

    @Test(arguments: [["power"], ["power", "up"], ["power", "on", "--force"], ["storage"], ["storage", "eject"]])
    func whatIsNoOrder(_ words: [String]) async throws {
        let process = try GantryProcess(words, in: NSTemporaryDirectory())
        // `storage` alone shows what there is.
        #expect(try await process.end() == (words == ["storage"] ? 0 : 2))
    }

    // MARK: storage

    @Test func withoutSticks() async throws {
        let rig = try Rig("[usb]\nmount = no\n")
        try await rig.run { rig in
            let list = try await rig.gantry("storage", "list", "--socket", "control")
            #expect(list.status == 0 && list.output == "no sticks\n")
            let eject = try await rig.gantry("storage", "eject", "A B", "--socket", "control")
            #expect(eject.status == 1 && eject.output == "")
            #expect(
                eject.errors
                    == "gantry: Cannot eject A B: No such file or directory. No stick has that name; "
                    + "list them with: gantry storage list\n")
        }
    }

    /// The stick and udisks2 are played: a script that writes a mount table of its own.
    @Test func aStickIsListedAndEjected() async throws {
        let rig = try Rig("[usb]\nmount = udisks2\n")
        let folder = rig.printer.folder
        try folder.makeFolder("A B")
        try folder.write(Files.moves(5), to: "A B/box.gcode")
        let path = folder.file("A B")
        try folder.write(
            """
            cd '\(folder.path)'
            case $1 in
            mount) cp mounted mountinfo ;;
            unmount) [ ! -e busy ] || { echo UDisks2.Error.DeviceBusy; exit 1; }; : >mountinfo ;;
            power-off) : >off ;;
            esac
            """, to: "udisksctl")
        // As the kernel writes a blank.
        let place = path.replacing(" ", with: "\\040")
        try folder.write("36 35 8:1 / \(place) ro - vfat \(folder.file("sda1")) ro\n", to: "mounted")
        try folder.write("", to: "busy")
        try folder.write("", to: "sda1")
        let volume = USBFileSystem(
            node: folder.file("sda1"), label: "A B", type: "vfat", uuid: nil, isRemovable: true, sizeBytes: 1 << 23)
        try await rig.run(
            relay: RememberingSwitch(),
            change: {
                $0.board.storage?.mountTable = folder.file("mountinfo")
                $0.board.storage?.udisks.command = ["sh", folder.file("udisksctl")]
            }
        ) { rig, daemon in
            func told(_ name: String) -> Bool {
                rig.server.events.contains { $0.name == name && $0.body["data"]?["root"] == "/A B" }
            }
            daemon.board.devices.withLock { $0 }?.keeper?.appeared(volume)
            try await eventually("Connect sees it") { told("MEDIUM_INSERTED") }
            let list = try await rig.gantry("storage", "list", "--socket", "control")
            #expect(list.status == 0 && list.output == "A B\t\(path)\tread-only\n")

            let refused = try await rig.gantry("storage", "eject", "A B", "--socket", "control")
            #expect(refused.status == 1 && refused.output == "")
            #expect(refused.errors.hasPrefix("gantry: Cannot eject A B through udisks2: UDisks2.Error.DeviceBusy. "))
            #expect(!told("MEDIUM_EJECTED"))

            try FileManager.default.removeItem(atPath: folder.file("busy"))
            let ejected = try await rig.gantry("storage", "eject", "A B", "--socket", "control")
            #expect(ejected.status == 0 && ejected.output == "A B may be pulled\n" && ejected.errors == "")
            #expect(FileManager.default.fileExists(atPath: folder.file("off")))
            try await eventually("Connect sees it go") { told("MEDIUM_EJECTED") }
            #expect(try await rig.gantry("storage", "list", "--socket", "control").output == "no sticks\n")
        }
    }
}
