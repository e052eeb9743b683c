import Foundation
import Glibc
import Testing

@testable import PrusaConnect

/// A started printer, a server that is Connect and has files, and a directory that is the storage `/local`.
final class TransferRig: @unchecked Sendable {
    // @unchecked: mutable state is in `Shared` boxes.
    let server: ScriptedServer
    let printer: Printer
    let directory: TemporaryDirectory
    private let commands = Shared<[(String, String)]>([])
    private let files: Shared<(ReceivedRequest) -> Reaction>
    private let ends = Shared<[(Transfer, TransferEnd)]>([])

    /// `files` answers requests that are not the printer's own.
    init(
        options change: (inout TransferOptions) -> Void = { _ in },
        files: @escaping (ReceivedRequest) -> Reaction
    ) throws {
        let commands = commands
        let box = Shared(files)
        self.files = box
        server = try ScriptedServer { request in
            if request.isEvent { return .noContent }
            guard request.isTelemetry else { return box.value(request) }
            // One command at a time, as from Connect.
            guard request.json?["command_id"] == nil else { return .noContent }
            return commands.change { waiting in
                guard !waiting.isEmpty else { return .noContent }
                let (id, json) = waiting.removeFirst()
                return .command(id, json)
            }
        }
        directory = try TemporaryDirectory()
        var options = quickOptions
        options.transfers.attempts = 4
        options.transfers.spareSpace = 0
        change(&options.transfers)
        printer = try makePrinter(server.settings, options: options)
        try printer.attach(Storage(name: "local", directory: directory.path))
        let ends = ends
        printer.onTransferEnd { transfer, end in ends.change { $0.append((transfer, end)) } }
        printer.setState(.idle, source: .user)
        try printer.start()
    }

    func stop() { printer.stop(deadline: .zero) }

    func setFiles(_ new: @escaping (ReceivedRequest) -> Reaction) { files.change { $0 = new } }

    /// Address of a file on this server.
    func url(_ path: String = "/files/box.gcode") -> String { server.settings.server.baseURL + path }

    /// Lets a telemetry without a running command bring a command.
    func order(_ id: Int, _ name: String, _ keywords: JSONObject = [:]) {
        let json: JSONValue = ["command": .string(name), "kwargs": .object(keywords)]
        commands.change { $0.append((String(id), json.wireText)) }
    }

    /// Requests that are not the printer's own.
    var fileRequests: [ReceivedRequest] { server.requests.filter { !$0.isEvent && !$0.isTelemetry } }

    /// Events about transfers and commands: those about the printer's state and its files are left out.
    var events: [JSONValue] {
        server.events.compactMap(\.json).filter { !Self.otherEvents.contains($0["event"]?.string ?? "") }
    }

    static let otherEvents: Set<String> = ["STATE_CHANGED", "MEDIUM_INSERTED", "FILE_CHANGED"]

    func events(_ kind: String) -> [JSONValue] { events.filter { $0["event"]?.string == kind } }

    /// How transfers ended, as the application was told.
    var told: [TransferEnd] { ends.value.map(\.1) }
    var toldTransfers: [Transfer] { ends.value.map(\.0) }

    /// The one end that Connect heard of, and its reason; fails when it is not exactly one.
    func end(sourceLocation: SourceLocation = #_sourceLocation) -> (kind: String, reason: String) {
        func all() -> [JSONValue] {
            events.filter {
                ["TRANSFER_FINISHED", "TRANSFER_STOPPED", "TRANSFER_ABORTED"].contains($0["event"]?.string)
            }
        }
        eventually("the transfer ends", sourceLocation: sourceLocation) {
            !all().isEmpty && !told.isEmpty && printer.waitingEvents == 0
        }
        #expect(all().count == 1 && told.count == 1, sourceLocation: sourceLocation)
        return (all().first?["event"]?.string ?? "", all().first?["reason"]?.string ?? "")
    }

    func content(_ name: String = "box.gcode") -> String? {
        try? String(contentsOfFile: directory.file(name), encoding: .utf8)
    }

    /// Names in the storage, hidden ones too.
    var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.path))?.sorted() ?? []
    }
}

/// Lines of G-code, all different, `count` bytes.
func gcodeText(_ count: Int) -> String {
    var text = ""
    var line = 0
    while text.utf8.count < count {
        text += "G1 X\(line) Y\(line * 7 % 200) E0.\(line)\n"
        line += 1
    }
    return String(text.prefix(count))
}

/// A file on a server, as servers give it out.
struct ServedFile {
    var text: String
    var etag: String? = "\"1\""
    var type: String? = "text/x.gcode"
    var knowsRanges = true

    /// `cutAt`: the connection ends after this many bytes of the body.
    func answer(_ request: ReceivedRequest, cutAt: Int? = nil) -> Reaction {
        let bytes = Array(text.utf8)
        var first = 0
        if knowsRanges, let range = request.header("Range"), request.header("If-Range") == etag {
            first = Int(range.dropFirst("bytes=".count).dropLast()) ?? 0
        }
        var head = first > 0 ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n"
        if first > 0 { head += "Content-Range: bytes \(first)-\(bytes.count - 1)/\(bytes.count)\r\n" }
        head += "Content-Length: \(bytes.count - first)\r\n"
        if let type { head += "Content-Type: \(type)\r\n" }
        if let etag { head += "ETag: \(etag)\r\n" }
        let body = bytes[first...].prefix(cutAt ?? .max)
        return .raw(head + "\r\n" + String(decoding: body, as: UTF8.self))
    }
}
