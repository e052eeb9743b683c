import Foundation
import Glibc

@testable import PrusaConnect

/// A request as it came over the wire.
struct ReceivedRequest: Sendable {
    var method: String
    var target: String
    /// In wire order.
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// Counts the connections of the server from 0.
    var connection: Int

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    var json: JSONValue? { try? JSONValue(parsing: body) }
    var isTelemetry: Bool { target == "/p/telemetry" }
    var isEvent: Bool { target == "/p/events" }
    var isRegistration: Bool { target == "/p/register" }
    var eventKind: String? { isEvent ? json?["event"]?.string : nil }
}

/// What the server does with a request. Everything that real networks do to a printer is among it.
enum Reaction: Sendable {
    case respond(Int, [(String, String)], String)
    /// Closes without a byte.
    case close
    /// Closes with RST.
    case reset
    /// Sends these bytes and closes.
    case raw(String)
    /// Sends these bytes and then single spaces for as long as the client takes them.
    case trickle(String)
    /// Sends these bytes and then nothing more, without closing.
    case stall(String)
    /// Never answers.
    case hold

    static let noContent = Reaction.respond(204, [], "")

    static func status(_ status: Int, _ headers: [(String, String)] = [], body: String = "") -> Reaction {
        .respond(status, headers, body)
    }

    static func command(_ id: String, _ json: String, type: String = "application/json") -> Reaction {
        .respond(200, [("Command-Id", id), ("Content-Type", type)], json)
    }
}

/// A small HTTP server on 127.0.0.1 that does what a script says, also what no server should do.
final class ScriptedServer: @unchecked Sendable {
    // @unchecked: mutable state is in `Shared` boxes; the script is called by one connection at a time.
    let port: UInt16
    private let listener: Int32
    private let script: Shared<(ReceivedRequest) -> Reaction>
    private let received = Shared<[ReceivedRequest]>([])
    private let connections = Shared<[Int32]>([])
    private let isStopped = Shared(false)

    private let greeting: String

    /// `greeting` is sent to each new connection before it has asked anything.
    init(greeting: String = "", _ script: @escaping (ReceivedRequest) -> Reaction = { _ in .noContent }) throws {
        self.greeting = greeting
        self.script = Shared(script)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, raw, &size) == 0
            }
        }
        let boundPort = UInt16(bigEndian: address.sin_port)
        guard bound, let server = ConnectServer(host: "127.0.0.1", port: boundPort, usesTLS: false) else {
            throw POSIXError(.EADDRNOTAVAIL)
        }
        settings = ConnectSettings(server: server, token: Token(testToken))
        self.listener = listener
        port = boundPort
        Thread.detachNewThread { [self] in acceptLoop() }
    }

    deinit { stop() }

    /// How a printer reaches this server.
    let settings: ConnectSettings

    var requests: [ReceivedRequest] { received.value }
    var events: [ReceivedRequest] { requests.filter(\.isEvent) }
    var connectionCount: Int { connections.value.count }

    func setScript(_ new: @escaping (ReceivedRequest) -> Reaction) { script.change { $0 = new } }

    func stop() {
        guard
            !isStopped.change({ old in
                defer { old = true }; return old
            })
        else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        for connection in connections.value { shutdown(connection, Int32(SHUT_RDWR)) }
    }

    private func acceptLoop() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { return }
            let number = connections.change { all in
                all.append(connection)
                return all.count - 1
            }
            _ = Self.write(greeting, to: connection)
            if isStopped.value { shutdown(connection, Int32(SHUT_RDWR)) }
            Thread.detachNewThread { [self] in
                while let request = Self.read(from: connection, number: number), serve(request, connection) {}
                // The descriptor stays open until the process ends: another connection must not get its number while
                // `stop` may still shut it down.
                shutdown(connection, Int32(SHUT_RDWR))
            }
        }
    }

    /// False when the connection is over.
    private func serve(_ request: ReceivedRequest, _ connection: Int32) -> Bool {
        let reaction = script.change { script in
            received.change { $0.append(request) }
            return script(request)
        }
        switch reaction {
        case .respond(let status, let headers, let body):
            var text = "HTTP/1.1 \(status) Text\r\n"
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            if status != 204 { text += "Content-Length: \(body.utf8.count)\r\n" }
            return Self.write(text + "\r\n" + body, to: connection)
        case .close: return false
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            // Putting another file in the socket's place closes it and keeps its number taken.
            let null = open("/dev/null", O_RDONLY)
            dup2(null, connection)
            Glibc.close(null)
            return false
        case .raw(let text):
            _ = Self.write(text, to: connection)
            return false
        case .trickle(let text):
            var alive = Self.write(text, to: connection)
            while alive, !isStopped.value {
                usleep(10_000)
                alive = Self.write(" ", to: connection)
            }
            return false
        case .stall(let text):
            var byte: UInt8 = 0
            return Self.write(text, to: connection) && recv(connection, &byte, 1, 0) > 0
        case .hold:
            var byte: UInt8 = 0
            return recv(connection, &byte, 1, 0) > 0
        }
    }

    private static func write(_ text: String, to connection: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func read(from connection: Int32, number: Int) -> ReceivedRequest? {
        var bytes: [UInt8] = []
        func more() -> Bool {
            var piece = [UInt8](repeating: 0, count: 65536)
            let count = recv(connection, &piece, piece.count, 0)
            guard count > 0 else { return false }
            bytes += piece[..<count]
            return true
        }
        let end = Array("\r\n\r\n".utf8)
        var headerEnd: Int?
        while headerEnd == nil {
            guard more() else { return nil }
            headerEnd = bytes.indices.first { bytes[$0...].starts(with: end) }
        }
        guard let headerEnd else { return nil }
        let lines = String(decoding: bytes[..<headerEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let start = lines[0].components(separatedBy: " ")
        let headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            return (name: String(line[..<colon]), value: value)
        }
        var request = ReceivedRequest(
            method: start[0], target: start[1], headers: headers, body: [], connection: number)
        let length = request.header("Content-Length").flatMap { Int($0) } ?? 0
        while bytes.count < headerEnd + 4 + length { guard more() else { return nil } }
        request.body = Array(bytes[(headerEnd + 4)..<(headerEnd + 4 + length)])
        return request
    }
}
