import Foundation
import Testing

@testable import PrusaConnect

/// `openssl s_server` with a certificate of its own for 127.0.0.1.
private final class TLSServer: @unchecked Sendable {
    // @unchecked: the process is started in `init` and ended in `deinit`.
    private let process = Process()
    private let directory: TemporaryDirectory
    let port: UInt16
    var certificate: String { directory.file("cert.pem") }

    static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl") }

    init() throws {
        directory = try TemporaryDirectory()
        let key = directory.file("key.pem")
        let request = Process()
        request.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        request.arguments = [
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext",
            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", directory.file("cert.pem"),
        ]
        request.standardError = FileHandle.nullDevice
        try request.run()
        request.waitUntilExit()
        let output = Pipe()
        process.executableURL = request.executableURL
        process.arguments = [
            "s_server", "-accept", "127.0.0.1:0", "-www", "-key", key, "-cert", directory.file("cert.pem"),
        ]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Says "ACCEPT 127.0.0.1:40123".
        var text = ""
        while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { throw POSIXError(.EPIPE) }
            text += String(decoding: piece, as: UTF8.self)
        }
        port = text.split(whereSeparator: { ":\n ".contains($0) }).last.flatMap { UInt16($0) } ?? 0
    }

    deinit { process.terminate() }
}

@Suite(.timeLimit(.minutes(2)), .enabled(if: TLSServer.isAvailable)) struct TLSTests {
    @Test("A certificate is verified: unknown ones and other names are refused, a trusted one is taken")
    func verifies() throws {
        let server = try TLSServer()
        let transport = try CurlTransport()
        func send(host: String, trusting caFile: String?) throws -> TransportResult {
            let connect = try #require(ConnectServer(host: host, port: server.port))
            let request = HTTPRequest(
                method: .get, server: connect, target: "/", headers: [], body: nil, connectTimeout: .seconds(10),
                deadline: .seconds(10), bodyLimit: 1 << 20, caFile: caFile)
            transport.start(request)
            while true {
                if let result = transport.wait(for: .seconds(20)) { return result }
            }
        }
        func kind(_ result: TransportResult) -> TransportError.Kind? {
            if case .failure(let error) = result { error.kind } else { nil }
        }
        #expect(kind(try send(host: "127.0.0.1", trusting: nil)) == .tls)
        #expect(kind(try send(host: "localhost", trusting: server.certificate)) == .tls)
        #expect(try send(host: "127.0.0.1", trusting: server.certificate).get().status == 200)
        #expect(kind(try send(host: "127.0.0.1", trusting: "/no/such/file")) == .tls)
    }

    @Test("A download verifies certificates just so, with the authorities of the connection")
    func downloads() throws {
        let server = try TLSServer()
        let connect = try ScriptedServer()
        let directory = try TemporaryDirectory()
        var reasons: [String] = []
        for caFile in [nil, server.certificate] {
            var settings = connect.settings
            settings.caFile = caFile
            let printer = try makePrinter(settings)
            try printer.attach(Storage(name: "local", directory: directory.path))
            let ends = Shared<[TransferEnd]>([])
            printer.onTransferEnd { _, end in ends.change { $0.append(end) } }
            try printer.startDownload(from: "https://127.0.0.1:\(server.port)/x", to: "/local/x.gcode")
            eventually("ended") { ends.value.count == 1 }
            if case .aborted(let reason) = ends.value[0] { reasons.append(reason) }
        }
        // The test server has no G-code, but who gets to hear that has trusted its certificate.
        #expect(reasons.count == 2 && reasons.last == "Invalid content type: text/html")
        #expect(reasons.first?.hasPrefix("https://127.0.0.1") == true && reasons.first?.contains("certificate") == true)
    }
}
