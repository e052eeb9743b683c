import Foundation
import Simulators
import Testing

/// The simulators as processes of their own, with `gantry` on the other side.
@Suite struct SimulateCommandTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func start(_ arguments: String...) throws -> GantryProcess {
        try GantryProcess(arguments, in: folder.path)
    }

    @Test(arguments: [
        ["--unpaced"], ["--baud", "250000"], ["--unpaced", "--faults", "seed=7 in-flip=0.001 lost-ok=0.01"],
    ])
    func aPrinterToPrintOn(_ options: [String]) async throws {
        let text = Files.moves(600)
        try folder.write(text, to: "box.gcode")
        let printer = try GantryProcess(
            ["simulate", "printer", "--link", folder.file("tty"), "--speed", "1000"] + options, in: folder.path)
        try await eventually("the port is there") { printer.lines == [folder.file("tty")] }
        let print = try start("print", "box.gcode", "--port", folder.file("tty"))
        #expect(try await print.end() == 0)
        printer.send(SIGINT)
        #expect(try await printer.end() == 0)
        let summary = try #require(printer.lines.last)
        #expect(summary.contains("overflows=0 "))
        #expect(summary.hasSuffix("digest=\(Files.digest(text))"))
        // The link goes with the port.
        #expect(throws: (any Error).self) {
            try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("tty"))
        }
    }

    @Test func aPrinterThatRestartsByItself() async throws {
        try folder.write(Files.moves(5000), to: "box.gcode")
        let printer = try start("simulate", "printer", "--faults", "reset-after=300", "--speed", "1000")
        try await eventually("the port is there") { printer.lines.first?.hasPrefix("/dev/pts/") == true }
        let port = try #require(printer.lines.first)
        let print = try start("print", "box.gcode", "--port", port)
        #expect(try await print.end() == 1)
        #expect(print.standardError.contains("The printer restarted during the print"))
        printer.send(SIGTERM)
        #expect(try await printer.end() == 0)
    }

    @Test func allOfItTogether() async throws {
        let printer = try start("simulate", "printer", "--link", folder.file("tty"), "--speed", "1000")
        let connect = try start("simulate", "connect", "--polls", "1")
        try await eventually("both are there") { !printer.lines.isEmpty && !connect.lines.isEmpty }
        let url = try #require(connect.lines.first)
        #expect(url.hasPrefix("http://127.0.0.1:"))
        let port = String(url.drop { $0 != ":" }.dropFirst().drop { $0 != ":" }.dropFirst())
        let identity = ["--type", "MK3S", "--serial-number", "CZPX0123X004XC00042", "--settings", "printer.ini"]
        let register = try GantryProcess(
            ["register", "--hostname", "127.0.0.1", "--server-port", port, "--no-tls"] + identity, in: folder.path)
        #expect(try await register.end() == 0)
        try folder.makeFolder("files")
        let text = Files.moves(400)
        try folder.write(text, to: "files/box.gcode")
        let daemon = try GantryProcess(
            ["run", "--port", folder.file("tty"), "--directory", "files"] + identity, in: folder.path)
        try await eventually("it is idle") { connect.standardOutput.contains("\"state\": \"IDLE\"") }
        connect.write("START_PRINT path=/local/box.gcode\n")
        try await eventually("it is printed") { connect.standardOutput.contains("\"state\": \"FINISHED\"") }
        connect.write("gcode M117 hello\nSEND_JOB_INFO\n")
        try await eventually("both are answered") {
            connect.lines.filter { $0.contains("\"event\": \"FINISHED\"") }.count == 2
                && connect.lines.contains { $0.contains("no job in progress") }
        }
        daemon.send(SIGTERM)
        #expect(try await daemon.end() == 0)
        connect.send(SIGTERM)
        #expect(try await connect.end() == 0)
        #expect(connect.lines.last?.hasSuffix("registrations=1 violations=0") == true)
        #expect(!connect.standardOutput.contains("complaint:"))
        printer.send(SIGTERM)
        #expect(try await printer.end() == 0)
        #expect(printer.lines.last?.hasSuffix("digest=\(Files.digest(text + "M117 hello\n"))") == true)
    }

    @Test func theDemoProvesItself() async throws {
        let demo = try start("demo", "--layers", "2", "--speed", "1000")
        #expect(try await demo.end() == 0)
        #expect(demo.lines.last?.hasPrefix("Proved in ") == true, "\(demo.standardOutput)")
        let digests = demo.lines.filter { $0.hasPrefix("SHA-256") }.map { $0.suffix(64) }
        #expect(digests.count == 2)
        #expect(digests.first == digests.last)
        #expect(!demo.standardOutput.utf8.contains(0x1B))
    }
}
