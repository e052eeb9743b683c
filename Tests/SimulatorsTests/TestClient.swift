import CSerial
import Foundation
import Testing

@testable import Simulators

/// A bare HTTP client over a raw socket, so that the server is not tried with the code it serves.
final class TestClient {
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    private let descriptor: Int32
    private var received: [UInt8] = []

    init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        _ = text.withCString { Glibc.send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }

    /// Everything until the server closes.
    func readToEnd() -> String {
        while receive() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    private func receive() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 { received += chunk[..<count] }
        return count > 0
    }

    /// One answer; nil when the connection ends before it is complete.
    func answer() -> Answer? {
        while true {
            if let range = received.firstRange(of: Array("\r\n\r\n".utf8)) {
                let head = String(decoding: received[..<range.lowerBound], as: UTF8.self)
                let lines = head.components(separatedBy: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    headers[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
                }
                let length = Int(headers["Content-Length"] ?? "0") ?? 0
                if received.count >= range.upperBound + length {
                    let body = String(decoding: received[range.upperBound..<range.upperBound + length], as: UTF8.self)
                    received.removeSubrange(..<(range.upperBound + length))
                    let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
                    return Answer(status: status, headers: headers, body: body)
                }
            }
            guard receive() else { return nil }
        }
    }

    static let fingerprint = String(repeating: "0123456789abcdef", count: 4)

    static func head(_ method: String, _ path: String, _ headers: [String: String?] = [:]) -> String {
        var all: [String: String?] = [
            "Host": "127.0.0.1", "Fingerprint": fingerprint, "Timestamp": "1719312345.1",
            "User-Agent": "Prusa-Connect-SDK-Printer/0.8.1", "User-Agent-Printer": "1.3.1",
            "User-Agent-Version": "0.8.1", "Token": ConnectServer.Configuration().token,
        ]
        for (name, value) in headers { all.updateValue(value, forKey: name) }
        return all.reduce("\(method) \(path) HTTP/1.1\r\n") { text, header in
            header.value.map { "\(text)\(header.key): \($0)\r\n" } ?? text
        }
    }

    /// Sends a request with a JSON body and waits for its answer.
    func post(_ path: String, _ body: String, _ headers: [String: String?] = [:]) -> Answer? {
        send(
            Self.head("POST", path, headers)
                + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        return answer()
    }

    func get(_ path: String, _ headers: [String: String?] = [:]) -> Answer? {
        send(Self.head("GET", path, headers) + "\r\n")
        return answer()
    }

    func telemetry(_ body: String = #"{"temp_nozzle": 24.1, "state": "IDLE"}"#) -> Answer? {
        post("/p/telemetry", body)
    }

    func event(_ name: String, for id: UInt32? = nil) -> Answer? {
        let command = id.map { #", "command_id": \#($0)"# } ?? ""
        return post("/p/events", #"{"event": "\#(name)", "source": "CONNECT", "data": {}\#(command), "state": "IDLE"}"#)
    }
}
