import Foundation
import Simulators
import Testing

@Suite struct RegisterCommandTests {
    private static let token = "6Y1t9EwL56nGisiWgNZq"

    private let folder: TemporaryDirectory
    private let server: ConnectServer

    init() throws {
        folder = try TemporaryDirectory()
        server = ConnectServer()
        try server.start()
    }

    private func register(_ more: String...) throws -> GantryProcess {
        try GantryProcess(
            [
                "register", "--type", "I3MK3S", "--serial-number", "CZPX0123X004XC00042", "--settings", "printer.ini",
                "--hostname", "127.0.0.1", "--server-port", "\(server.port)", "--no-tls",
            ] + more, in: folder.path)
    }

    private func content() throws -> String {
        try String(contentsOfFile: folder.file("printer.ini"), encoding: .utf8)
    }

    @Test func storesTheTokenAndKeepsTheRest() async throws {
        defer { server.stop() }
        let path = try folder.write(
            "# mine\n[printer]\ntype = MK3S\n\n[service::local]\nenable=1\n[service::connect]\nhostname = old.example\ntls = True\nport=0\ntoken=\n",
            to: "printer.ini")
        chmod(path, 0o644)
        let process = try register("--name", "Left one", "--location", "Cellar")
        try await eventually("the code is shown") { process.lines.count >= 2 }
        #expect(process.lines[0] == "Code: 7P48QBJTSP")
        #expect(
            process.lines[1]
                == "Enter it on http://127.0.0.1:\(server.port)/add-printer/connect/1.3.1/7P48QBJTSP?name=Left%20one&location=Cellar"
        )
        try await eventually("it asks for the token") { server.counts.registrationPolls > 0 }
        #expect(!process.hasEnded)
        server.authorize(code: "7P48QBJTSP")
        #expect(try await process.end() == 0)
        #expect(process.lines.last == "Registered. The token is in printer.ini.")
        #expect(
            try content()
                == "# mine\n[printer]\ntype = MK3S\n\n[service::local]\nenable=1\n[service::connect]\nhostname = 127.0.0.1\ntls = False\n"
                + "port=\(server.port)\ntoken=\(Self.token)\n")
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        // Nothing of the writing is left behind, and the secret was never shown.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["printer.ini"])
        #expect(!(process.standardOutput + process.standardError).contains(Self.token))
        #expect(server.violations == [])
    }

    @Test func makesTheFileWhenThereIsNone() async throws {
        defer { server.stop() }
        let process = try register()
        try await eventually("it asks for the token") { server.counts.registrationPolls > 0 }
        server.authorize(code: "7P48QBJTSP")
        #expect(try await process.end() == 0)
        #expect(
            try content()
                == "[service::connect]\nhostname = 127.0.0.1\ntls = False\nport = \(server.port)\ntoken = \(Self.token)\n"
        )
    }

    @Test func goesOnThroughTrouble() async throws {
        defer { server.stop() }
        server.inject(.status(503), requests: 2)
        let process = try register()
        try await eventually("it asks for the token") { server.counts.registrationPolls > 0 }
        #expect(process.standardError.contains("trying again"))
        server.inject(.close(), requests: 1)
        server.authorize(code: "7P48QBJTSP")
        #expect(try await process.end() == 0)
    }

    @Test func aRefusalEndsIt() async throws {
        defer { server.stop() }
        server.inject(.status(403), requests: 10)
        let process = try register()
        #expect(try await process.end() == 1)
        #expect(process.standardError == "gantry: Connect refused the registration (403): simulated fault\n")
        #expect(throws: (any Error).self) { try content() }
    }

    @Test func ctrlCEndsIt() async throws {
        defer { server.stop() }
        let process = try register()
        try await eventually("it asks for the token") { server.counts.registrationPolls > 0 }
        process.send(SIGINT)
        #expect(try await process.end() == 130)
        #expect(process.standardError == "gantry: cancelled\n")
        #expect(throws: (any Error).self) { try content() }
    }

    @Test func complaintsComeBeforeAnythingIsAsked() async throws {
        defer { server.stop() }
        let nothing = try await gantry("register", in: folder.path)
        #expect(nothing.status == 1)
        #expect(
            nothing.errors
                == "gantry: Connect needs the printer's model: set type in [printer] or --type to a model such as I3MK3S, "
                + "MK4S or MINI, or its dotted numbers such as 1.3.1\n")
        let noNumber = try await gantry("register", "--type", "MK3S", in: folder.path)
        #expect(noNumber.status == 1)
        #expect(
            noNumber.errors
                == "gantry: Connect needs the printer's serial number: set serial_number in [printer] or --serial-number\n"
        )
        let nowhere = try await gantry(
            "register", "--type", "MK3S", "--serial-number", "S", "--settings", "no/where/printer.ini", in: folder.path)
        #expect(nowhere.status == 1)
        #expect(
            nowhere.errors
                == "gantry: no/where/printer.ini cannot be written, and the token would be lost: no/where: No such file or "
                + "directory\n")
        try folder.write("[service::connect]\nport = http\n", to: "bad.ini")
        let bad = try await gantry(
            "register", "--type", "MK3S", "--serial-number", "S", "--settings", "bad.ini", in: folder.path)
        #expect(bad.status == 1)
        #expect(
            bad.errors
                == "gantry: bad.ini:2: port in [service::connect]: expected a whole number from 0 to 65535\n")
        #expect(server.counts.registrations == 0)
    }
}
