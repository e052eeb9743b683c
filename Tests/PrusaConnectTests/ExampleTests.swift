import Foundation
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct ExampleTests {
    @Test("From a settings file without token to a print: the examples of the documentation")
    func wholeStory() async throws {
        let isPolled = Shared(false)
        let server = try ScriptedServer { request in
            switch (request.method, request.target) {
            case ("POST", "/p/register"): return .status(200, [("Code", "7P48QBJTSP")])
            case ("GET", "/p/register"): return .status(200, [("Token", "6Y1t9EwL56nGisiWgNZq")])
            case (_, "/p/telemetry") where request.json?["temp_nozzle"] == 24.1:
                guard
                    !isPolled.change({ old in
                        defer { old = true }; return old
                    })
                else { return .noContent }
                let json =
                    #"{"command": "START_PRINT", "args": ["/usb/box.gcode"], "kwargs": {"path": "/usb/box.gcode"}}"#
                return .command("5012", json)
            default: return .noContent
            }
        }
        let directory = try TemporaryDirectory()
        let path = directory.file("prusa_printer_settings.ini")
        let text = """
            [printer]
            type = MK3S

            [service::connect]
            hostname = 127.0.0.1
            tls = False
            port = \(server.port)
            ; the token comes with the registration
            token =

            [service::local]
            api_key = hunter2key

            """
        try text.write(toFile: path, atomically: true, encoding: .utf8)

        // Registration.
        let type = try #require(PrinterType(INIFile(path: path).value(of: "type", in: "printer") ?? ""))
        let new = try Printer(type: type, serialNumber: testSerial, connection: ConnectSettings(path: path))
        for await progress in new.register() {
            guard case .registered = progress else { continue }
            var file = try INIFile(path: path)
            try #require(new.connection).store(in: &file)
            try file.write()
        }
        let stored = try String(contentsOfFile: path, encoding: .utf8)
        #expect(stored == text.replacingOccurrences(of: "token =\n", with: "token = 6Y1t9EwL56nGisiWgNZq\n"))

        // The next start.
        let printer = try Printer(
            type: type, serialNumber: testSerial, connection: ConnectSettings(path: path), options: quickOptions)
        let printed = Shared<[String]>([])
        printer.on(.startPrint) { [weak printer] command in
            let file = try command.required("path")
            printer?.setState(.printing, source: .connect, commandID: command.id)
            printed.change { $0.append(file) }
            return .finished
        }
        try printer.start()
        printer.setState(.idle, source: .marlin)
        printer.telemetry {
            $0.nozzleTemperature = 24.1
            $0.bedTemperature = 23.2
        }
        eventually("the print is told") { server.events.count == 4 && printer.waitingEvents == 0 }
        #expect(printed.value == ["/usb/box.gcode"])
        #expect(
            server.events.map { String(decoding: $0.body, as: UTF8.self) } == [
                #"{"event": "STATE_CHANGED", "source": "MARLIN", "data": {}, "state": "IDLE"}"#,
                #"{"event": "ACCEPTED", "source": "CONNECT", "data": {}, "command_id": 5012, "state": "IDLE"}"#,
                #"{"event": "STATE_CHANGED", "source": "CONNECT", "data": {}, "command_id": 5012, "state": "PRINTING"}"#,
                #"{"event": "FINISHED", "source": "CONNECT", "data": {}, "command_id": 5012, "state": "PRINTING"}"#,
            ])
        #expect(
            server.requests.filter { !$0.isRegistration }.allSatisfy { $0.header("Token") == "6Y1t9EwL56nGisiWgNZq" })
        printer.stop()
    }

    @Test("The article shows the code that is compiled here")
    func article() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        func lines(_ path: String) throws -> [String] {
            try String(contentsOf: here.appendingPathComponent(path), encoding: .utf8).split(separator: "\n")
                .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
        let code = try lines("Examples.swift")
        let article = try lines("../../Sources/PrusaConnect/PrusaConnect.docc/Examples.md")
        let blocks = article.split { $0.hasPrefix("```") }.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        #expect(blocks.count == 8)
        for block in blocks {
            let isThere = code.indices.contains { code[$0...].starts(with: block) }
            #expect(isThere, "\(block.joined(separator: "\n"))")
        }
    }

    @Test("The examples of the article run")
    func examples() async throws {
        let isPolled = Shared(false)
        let commands = Shared(["START_PRINT", "STOP_PRINT", "SEND_INFO"])
        let ended = Shared(0)
        let server = try ScriptedServer { request in
            switch (request.method, request.target) {
            case ("POST", "/p/register"): return .status(200, [("Code", "7P48QBJTSP")])
            case ("GET", "/p/register"):
                isPolled.change { $0 = true }
                return .status(200, [("Token", testToken)])
            case (_, "/p/events"):
                if request.eventKind == "FINISHED" { ended.change { $0 += 1 } }
                return .noContent
            // The first one when telemetry is there, the others when the one before has ended.
            case (_, "/p/telemetry")
            where request.json?["temp_nozzle"] == 24.1 && commands.value.count == 3
                || commands.value.count < 3 && ended.value == 3 - commands.value.count:
                guard let name = commands.change({ $0.isEmpty ? nil : $0.removeFirst() }) else { return .noContent }
                let json = "{\"command\": \"\(name)\", \"kwargs\": {\"path\": \"/local/box.gcode\"}}"
                return .command(String(10 - commands.value.count), json)
            default: return .noContent
            }
        }
        let other = try ScriptedServer()
        let first = try Examples.fromValues(other.settings.server)
        eventually("connected") { first.conditions.isConnected }
        first.stop(deadline: .zero)
        #expect(other.requests.first?.header("Token") == "6Y1t9EwL56nGisiWgNZq")

        let folder = try TemporaryDirectory()
        let text = "[service::connect]\nhostname = 127.0.0.1\ntls = False\nport = \(server.port)\ntoken =\n"
        try text.write(toFile: folder.file("prusa_printer_settings.ini"), atomically: true, encoding: .utf8)
        let printer = try Examples.fromFile(in: folder.path)
        defer { printer.stop(deadline: .zero) }
        #expect(FileManager.default.fileExists(atPath: folder.file("connect-state")))
        let isStored = Shared(false)
        try FileManager.default.createDirectory(
            atPath: folder.file("gcodes"), withIntermediateDirectories: false)
        try "G28".write(toFile: folder.file("gcodes/box.gcode"), atomically: true, encoding: .utf8)
        try Examples.files(printer, in: folder.path)
        try await Examples.register(printer) { isStored.change { $0 = true } }
        #expect(isStored.value && isPolled.value && printer.connection?.token?.value == testToken)
        eventually("INFO") { server.events.last?.eventKind == "INFO" }
        let local = server.events.last?.json?["data"]?["files"]?["children"]?.array?.first
        #expect(local?["children"]?.array?.first?["name"] == "box.gcode")

        Examples.event(printer) { throw CommandError("Lost the USB drive") }
        eventually("told") { server.events.last?.json?["reason"] == "Lost the USB drive" }
        for state in ["READY", "BUSY", "READY"] {
            Examples.toggle(printer)
            eventually("told") { server.events.last?.json?["state"] == .string(state) }
        }
        Examples.commands(printer)
        let isOver = Shared(false)
        Examples.telemetry(printer, until: isOver)
        defer { isOver.change { $0 = true } }
        eventually("all commands done") {
            server.events.last?.json?["command_id"] == 10 && server.events.last?.eventKind == "INFO"
        }
        let states = server.events.suffix(8).map { "\($0.eventKind ?? "") \($0.json?["state"]?.string ?? "")" }
        #expect(
            states == [
                "ACCEPTED READY", "STATE_CHANGED PRINTING", "FINISHED PRINTING", "ACCEPTED PRINTING",
                "STATE_CHANGED READY", "FINISHED READY", "ACCEPTED READY", "INFO READY",
            ])
    }

    @Test("A printer that is let go ends its threads")
    func letGo() throws {
        func threads() -> Int {
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task"))?.count { task in
                let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
                return name == "letgo-\(getpid())".prefix(15) + "\n"
            } ?? -1
        }
        var worker: SerialWorker? = SerialWorker(name: String("letgo-\(getpid())".prefix(15)))
        let ran = Shared(0)
        for _ in 0..<100 { worker?.run { ran.change { $0 += 1 } } }
        eventually("all jobs ran") { ran.value == 100 }
        #expect(threads() == 1)
        worker?.finish()
        worker = nil
        eventually("the thread is gone") { threads() == 0 }
        weak var gone: Printer?
        do {
            let printer = try makePrinter(ScriptedServer().settings)
            gone = printer
            try printer.start()
            printer.stop()
        }
        eventually("the printer is gone") { gone == nil }
    }
}
