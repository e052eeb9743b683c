import Foundation
import Glibc
import Testing

@testable import PrusaConnect

/// SEND_FILE_INFO, on real sockets and files.
@Suite(.timeLimit(.minutes(2))) struct FileInfoTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: folder.file("gcodes/a"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: sample("box.gcode"), toPath: folder.file("gcodes/box.gcode"))
        try "notes".write(toFile: folder.file("gcodes/a/notes.txt"), atomically: false, encoding: .utf8)
    }

    /// A printer with the storages of the recording.
    private func makePrinter(
        _ settings: ConnectSettings? = nil, state: String? = nil, log: PrinterLog? = nil
    ) throws -> Printer {
        var options = quickOptions
        options.stateDirectory = state
        let printer = try Printer(
            type: .mk3s, serialNumber: testSerial, connection: nil, options: options, log: log)
        // Without a token the storages are not told.
        try printer.attach(Storage(name: "local", directory: folder.file("gcodes")))
        let benchy = FileAttributes(isReadOnly: true, modified: 1_719_310_000, size: 4096)
        try printer.attach(
            Storage(name: "SD Card", files: [.file("BENCHY.GCO", benchy), .file("box_PLA.gcode"), .folder("sub", [])]))
        printer.connection = settings
        return printer
    }

    // MARK: The recording

    /// One command of the recording, and the events that answered it.
    private struct Recorded: Sendable {
        var id: String
        var body: String
        var events: [JSONValue] = []
    }

    private func recording() throws -> [Recorded] {
        let url = try #require(
            Bundle.module.url(forResource: "Fixtures/python-0.8.1-file-info", withExtension: "jsonl"))
        var commands: [Recorded] = []
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
            let value = try JSONValue(parsing: String(line))
            let response = value["response"]
            if let command = response?["json"] {
                let headers = response?["headers"]?.array ?? []
                let id = headers.first { $0.array?.first == "Command-Id" }?.array?.last?.string ?? ""
                commands.append(Recorded(id: id, body: command.wireText))
            } else if value["path"] == "/p/events", let event = value["json"] {
                commands[commands.count - 1].events.append(event)
            }
        }
        return commands
    }

    /// Where this library means to differ.
    private func intended(_ event: JSONValue) -> JSONValue {
        guard event["event"] == "FAILED", let error = event["data"]?["error"]?.string else { return event }
        // Messages instead of Python's repr; no paths of the host.
        if error.contains("requires kwargs") {
            return event.with([("data", ["error": "SEND_FILE_INFO requires path"])])
        }
        if error.contains("UnknownGcodeFileType") {
            // Not G-code: size and date are told all the same.
            return event.with([
                ("event", "FILE_INFO"), ("source", "CONNECT"), ("reason", nil),
                (
                    "data",
                    ["path": "/local/a/notes.txt", "read_only": false, "size": 5, "m_timestamp": "<mtime>"]
                ),
            ])
        }
        let text = error.dropFirst("ValueError(".count + 1).dropLast(2)
        return event.with([("data", ["error": .string(String(text))])])
    }

    private func withoutTimes(_ event: JSONValue) -> JSONValue {
        guard let data = event["data"], data["m_timestamp"] != nil else { return event }
        return event.with([("data", data.with([("m_timestamp", "<mtime>")]))])
    }

    @Test func answersAsRecorded() throws {
        let recorded = try recording()
        #expect(recorded.count == 8)
        let state = Shared((next: 0, events: [ReceivedRequest]()))
        let server = try ScriptedServer { request in
            state.change { state in
                if request.isEvent {
                    state.events.append(request)
                    if request.eventKind != "ACCEPTED" { state.next += 1 }
                    return .noContent
                }
                guard state.next < recorded.count else { return .noContent }
                return .command(recorded[state.next].id, recorded[state.next].body)
            }
        }
        let printer = try makePrinter()
        printer.setState(.idle, source: .user)
        printer.connection = server.settings
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all commands are answered") { state.value.next == recorded.count }
        // A command may be told twice before its first answer: only then ACCEPTED comes twice.
        for command in recorded {
            let ours = state.value.events.compactMap(\.json).filter { $0["command_id"]?.unsigned == UInt64(command.id) }
            #expect(ours.first?["event"] == "ACCEPTED")
            let expected = try withoutTimes(intended(#require(command.events.last)))
            #expect(ours.last.map(withoutTimes) == expected, "\(command.body)")
        }
    }

    // MARK: Beyond the recording

    @Test func hiddenFilesAndLinksDoNotExist() throws {
        try "x".write(toFile: folder.file("gcodes/.secret.gcode"), atomically: false, encoding: .utf8)
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("gcodes/link.gcode"), withDestinationPath: "/etc/passwd")
        let printer = try makePrinter()
        for path in ["/local/.secret.gcode", "/local/link.gcode", "/local/../gcodes/box.gcode", "box.gcode", ""] {
            #expect(throws: StorageError.self, "\(path)") { try printer.fileInfo(of: path) }
        }
        for path in ["/local", "/local/a", "/SD Card/sub", "/SD Card"] {
            #expect(throws: CommandError("FILE_INFO doesn't work for folders"), "\(path)") {
                try printer.fileInfo(of: path)
            }
        }
    }

    @Test func filesOfTheRootStorage() throws {
        let answers = Shared<[JSONValue]>([])
        let paths = Shared(["/box.gcode", "/a/../box.gcode", "/a/notes.txt", "/none.gcode"])
        let server = try ScriptedServer { request in
            if let event = request.json, request.isEvent, event["command_id"] != nil, event["event"] != "ACCEPTED" {
                answers.change { $0.append(event) }
            }
            guard request.isTelemetry, request.json?["command_id"] == nil else { return .noContent }
            return paths.change { paths in
                guard let path = paths.first else { return .noContent }
                paths.removeFirst()
                let command: JSONValue = ["command": "SEND_FILE_INFO", "kwargs": ["path": .string(path)]]
                return .command("\(10 + paths.count)", command.wireText)
            }
        }
        let printer = try Printer(
            type: .mk3s, serialNumber: testSerial, connection: server.settings, options: quickOptions)
        try printer.attach(Storage(name: "/", directory: folder.file("gcodes")))
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("all commands are answered") { answers.value.count == 4 }
        #expect(answers.value.map { $0["event"] } == ["FILE_INFO", "FILE_INFO", "FILE_INFO", "FAILED"])
        let data = answers.value.compactMap { $0["data"] }
        #expect(data.prefix(3).map { $0["path"] } == ["/box.gcode", "/a/../box.gcode", "/a/notes.txt"])
        #expect(data[1]["size"] == data[0]["size"])
        #expect(data[0]["printer_model"] == "MK3S" && data[0]["size"]?.int ?? 0 > 900 && data[2]["size"] == 5)
        #expect(data[3]["error"] == .string(StorageError.notFound("/none.gcode").description))
    }

    @Test func filesThatTheApplicationListed() throws {
        let printer = try makePrinter()
        #expect(
            try printer.fileInfo(of: "/SD Card/BENCHY.GCO")
                == ["path": "/SD Card/BENCHY.GCO", "read_only": true, "size": 4096, "m_timestamp": 1_719_310_000])
        // Only the name speaks.
        #expect(
            try printer.fileInfo(of: "/SD Card/box_PLA.gcode")
                == ["path": "/SD Card/box_PLA.gcode", "size": 0, "filament_type": "PLA"])
        #expect(throws: StorageError.notFound("/SD Card/none.gcode")) {
            try printer.fileInfo(of: "/SD Card/none.gcode")
        }
    }

    @Test func contentForTheApplication() throws {
        let printer = try makePrinter()
        let content = try printer.fileContent(of: "/local/box.gcode")
        #expect(content.metadata.printerModel == "MK3S" && content.preview?.width == 220)
        #expect(try printer.fileContent(of: "/local/a/notes.txt") == FileContent())
        #expect(throws: StorageError.self) { try printer.fileContent(of: "/local/none.gcode") }
    }

    @Test func theCacheIsUsedAndNothingIsWrittenBesideTheFile() throws {
        let state = folder.file("state")
        let printer = try makePrinter(state: state)
        let first = try printer.fileInfo(of: "/local/box.gcode")
        #expect(first["printer_model"] == "MK3S")
        // The same size, date and inode with another content: only a cache can still know the first.
        var status = stat()
        #expect(stat(folder.file("gcodes/box.gcode"), &status) == 0)
        let file = open(folder.file("gcodes/box.gcode"), O_WRONLY)
        #expect(pwrite(file, [UInt8](repeating: 0x3B, count: 952), 952, 0) == 952)
        #expect(futimens(file, [status.st_mtim, status.st_mtim]) == 0)
        close(file)
        let later = try makePrinter(state: state)
        #expect(try later.fileInfo(of: "/local/box.gcode") == first)
        // A new date: read again.
        #expect(utimensat(AT_FDCWD, folder.file("gcodes/box.gcode"), nil, 0) == 0)
        #expect(try later.fileInfo(of: "/local/box.gcode").keys == ["path", "read_only", "size", "m_timestamp"])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("gcodes"))
        #expect(names.sorted() == ["a", "box.gcode"])
    }

    @Test func withoutAPlaceForTheCacheItWorksAndSaysSo() throws {
        let logs = Shared<[String]>([])
        try "file".write(toFile: folder.file("state"), atomically: false, encoding: .utf8)
        let printer = try makePrinter(state: folder.file("state")) { _, text in logs.change { $0.append(text) } }
        #expect(try printer.fileInfo(of: "/local/box.gcode")["printer_model"] == "MK3S")
        #expect(logs.value.contains { $0.contains("what is in /local/box.gcode is not kept") })
    }
}
