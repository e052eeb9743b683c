import Foundation
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct FileExampleTests {
    /// Stands for the application's job.
    private final class Job: Sendable {
        let started = Shared<String?>(nil)
        let path = "/local/box.gcode"
        var isRunning: Bool { started.value != nil }
        func start(_ file: String) throws { started.change { $0 = file } }
    }

    @Test("Storages, a print and a file that must stay: the example of the documentation")
    func storages() throws {
        let commands = Shared([
            ("5012", #"{"command": "START_PRINT", "kwargs": {"path": "/local/box.gcode"}}"#),
            ("5013", #"{"command": "DELETE_FILE", "kwargs": {"path": "/local/box.gcode"}}"#),
            ("5014", #"{"command": "DELETE_FILE", "kwargs": {"path": "/local/old.gcode"}}"#),
        ])
        let server = try ScriptedServer { request in
            guard request.isTelemetry, request.json?["command_id"] == nil,
                let next = commands.change({ $0.isEmpty ? nil : $0.removeFirst() })
            else { return .noContent }
            return .command(next.0, next.1)
        }
        let directory = try TemporaryDirectory()
        try directory.makeFolder("gcodes")
        try directory.write("G28\n", to: "gcodes/box.gcode")
        try directory.write("G28\n", to: "gcodes/old.gcode")
        let job = Job()
        let printer = try makePrinter(server.settings)

        try printer.attach(Storage(name: "local", directory: directory.file("gcodes")))
        try printer.attach(
            Storage(name: "SD Card", files: [.file("BENCHY.GCO", FileAttributes(isReadOnly: true, size: 4096))]))

        printer.onPrintedFile { job.isRunning ? job.path : nil }
        printer.on(.startPrint) { [weak printer] command in
            guard let printer else { throw CommandError("the printer is gone") }
            let file = try printer.localPath(of: command.required("path"))
            try job.start(file)
            return .finished
        }

        try printer.start()
        defer { printer.stop(deadline: .zero) }
        func ends() -> [String] {
            server.events.compactMap(\.json).filter { $0["command_id"] != nil && $0["event"] != "ACCEPTED" }.map {
                "\($0["event"]?.string ?? "") \($0["data"]?["error"]?.string ?? "")"
            }
        }
        eventually("all commands end") { ends().count == 3 }
        #expect(ends() == ["FINISHED ", "FAILED This file is currently printed", "FINISHED "])
        #expect(job.started.value == directory.file("gcodes/box.gcode"))
        eventually("the change is told") {
            server.events.contains { $0.json?["data"]?["old_path"] == "/local/old.gcode" }
        }
        #expect(directory.exists("gcodes/box.gcode") && !directory.exists("gcodes/old.gcode"))
    }
}
