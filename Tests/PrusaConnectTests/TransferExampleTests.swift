import Foundation
import Testing

@testable import PrusaConnect

/// The application of the documentation's examples.
private final class Job: @unchecked Sendable {
    // @unchecked: the state is in a `Shared` box.
    let started = Shared<[String]>([])
    var isRunning: Bool { !started.value.isEmpty }
    var path: String { started.value.last ?? "" }
    func start(_ path: String) throws { started.change { $0.append(path) } }
}

@Sendable private func lastPicture() -> [UInt8] { jpeg("example") }

private struct SnapshotDriver: CameraDriver {
    let name = "Snapshot"

    func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera { SnapshotCamera() }
}

private struct SnapshotCamera: Camera {
    let capabilities: Set<CameraCapability> = []
    let resolutions: [CameraResolution] = []

    func takePicture(_ configuration: CameraConfiguration) throws(CameraError) -> [UInt8] { lastPicture() }
}

@Suite(.timeLimit(.minutes(2))) struct TransferExampleTests {
    @Test("Transfers: the examples of the documentation")
    func transfers() throws {
        let commands = Shared([
            #"{"command": "START_CONNECT_DOWNLOAD", "kwargs": {"team_id": 1, "hash": "h", "path": "/local/a.gcode", "#
                + #""printing": true}}"#
        ])
        let server = try ScriptedServer { request in
            if request.isEvent { return .noContent }
            guard request.isTelemetry else { return .status(200, body: "G28\n") }
            return commands.change { $0.isEmpty ? .noContent : .command("1", $0.removeFirst()) }
        }
        let directory = try TemporaryDirectory()
        let printer = try makePrinter(server.settings)
        let job = Job()
        try printer.attach(Storage(name: "local", directory: directory.path))
        printer.onPrintedFile { job.isRunning ? job.path : nil }
        printer.onTransferFinished { transfer in
            if transfer.isToPrint { try? job.start(transfer.path) }
        }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("printed") { job.started.value == ["/local/a.gcode"] }
        // Downloaded by the application itself, and now refused by what is printed.
        let ends = Shared<[TransferEnd]>([])
        printer.onTransferEnd { transfer, end in
            if case .aborted(let reason) = end { print("\(transfer.path): \(reason)") }
            ends.change { $0.append(end) }
        }
        try printer.startDownload(from: server.settings.server.baseURL + "/box.gcode", to: "/local/box.gcode")
        eventually("downloaded") { ends.value == [.finished] }
        #expect(throws: StorageError.printedFile("/local/a.gcode")) {
            try printer.startDownload(from: server.settings.server.baseURL + "/x", to: "/local/a.gcode")
        }
    }

    @Test("Cameras: the examples of the documentation")
    func cameras() throws {
        let server = try ScriptedServer()
        let directory = try TemporaryDirectory()
        let path = directory.file("cameras.ini")
        try
            "[camera::kQ3v9L0aXbYz]\nname = Camera on the shelf\ndriver = Snapshot\ntrigger_scheme = EACH_LAYER\ntoken = t\n"
            .write(toFile: path, atomically: true, encoding: .utf8)
        let printer = try makePrinter(server.settings)
        let cameras = Cameras(printer: printer, drivers: [SnapshotDriver()], path: path)
        defer { cameras.stop() }
        for problem in try cameras.load() { print("\(problem.camera.name): \(problem.error)") }
        for found in cameras.detect() { try cameras.add(found) }
        // With each layer of a print:
        cameras.layerChanged()
        eventually("sent") { server.requests.contains { $0.target == "/c/snapshot" && $0.body == lastPicture() } }
    }
}
