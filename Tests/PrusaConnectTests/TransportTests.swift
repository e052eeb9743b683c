import Foundation
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct TransportTests {
    private func request(
        _ server: ConnectServer, _ method: HTTPRequest.Method = .post, body: [UInt8]? = Array("{}".utf8),
        deadline: Duration = .seconds(10), bodyLimit: Int = 1 << 20
    ) -> HTTPRequest {
        let common = CommonHeaders(fingerprint: Fingerprint(serialNumber: "x"), printerType: .mk3s, version: "1")
        let headers = common.make(
            server: server, timestamp: Timestamp(tenths: 15), token: Token("t"), isClockAdjusted: false, body: body)
        return HTTPRequest(
            method: method, server: server, target: "/p/telemetry", headers: headers, body: body,
            connectTimeout: .seconds(5), deadline: deadline, bodyLimit: bodyLimit)
    }

    private func send(_ transport: CurlTransport, _ request: HTTPRequest) -> TransportResult {
        transport.start(request)
        while true {
            if let result = transport.wait(for: .seconds(20)) { return result }
        }
    }

    private func kind(_ result: TransportResult) -> TransportError.Kind? {
        if case .failure(let error) = result { error.kind } else { nil }
    }

    @Test("A request arrives with its headers in order, and the answer comes back")
    func exchange() throws {
        let server = try ScriptedServer { _ in .respond(200, [("Command-Id", " 7 "), ("X-Two", "b")], "answer") }
        let transport = try CurlTransport()
        let body = Array("{\"state\": \"IDLE\"}".utf8)
        let sent = request(server.settings.server, body: body)
        let response = try send(transport, sent).get()
        #expect(response.status == 200 && response.body == Array("answer".utf8))
        #expect(response.header("command-id") == "7" && response.header("X-Two") == "b" && response.header("X") == nil)
        let received = try #require(server.requests.first)
        #expect(received.method == "POST" && received.target == "/p/telemetry" && received.body == body)
        #expect(received.headers.map(\.name) == sent.headers.map(\.name))
        #expect(received.headers.map(\.value) == sent.headers.map(\.value))
    }

    @Test("GET without a body, empty bodies, bodies of megabytes without Expect")
    func bodies() throws {
        let server = try ScriptedServer()
        let transport = try CurlTransport()
        let big = [UInt8](repeating: 0x20, count: 3 << 20)
        for body in [nil, [], big] as [[UInt8]?] {
            let result = send(transport, request(server.settings.server, body == nil ? .get : .post, body: body))
            #expect(try result.get().status == 204)
        }
        #expect(server.requests.map(\.method) == ["GET", "POST", "POST"])
        #expect(server.requests.map(\.body.count) == [0, 0, big.count])
        #expect(server.requests.allSatisfy { $0.header("Expect") == nil && $0.header("Transfer-Encoding") == nil })
        #expect(server.requests[0].header("Content-Length") == nil)
    }

    @Test("One connection for many requests, a new one when the server has closed it")
    func keepAlive() throws {
        let server = try ScriptedServer()
        let transport = try CurlTransport()
        for _ in 0..<5 { #expect(try send(transport, request(server.settings.server)).get().status == 204) }
        #expect(Set(server.requests.map(\.connection)) == [0])
        server.setScript { _ in .respond(204, [("Connection", "close")], "") }
        for _ in 0..<2 { #expect(try send(transport, request(server.settings.server)).get().status == 204) }
        #expect(server.connectionCount == 2)
    }

    @Test(
        "What the network does to an answer",
        arguments: [
            (.close, .cut), (.reset, .cut), (.raw("nonsense\r\n\r\n"), .notHTTP),
            (.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), .cut),
            (.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), .cut),
            (.hold, .timeout), (.trickle("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), .timeout),
            (.respond(200, [], String(repeating: "x", count: 5000)), .tooLong),
            (
                .raw(
                    "HTTP/1.1 200 OK\r\n"
                        + String(repeating: "X-Long: \(String(repeating: "y", count: 1000))\r\n", count: 80) + "\r\n"),
                .tooLong
            ),
        ] as [(Reaction, TransportError.Kind)])
    func failures(_ reaction: Reaction, _ expected: TransportError.Kind) throws {
        let server = try ScriptedServer { _ in reaction }
        let transport = try CurlTransport()
        let sent = request(
            server.settings.server, deadline: .milliseconds(expected == .timeout ? 300 : 10_000), bodyLimit: 4000)
        #expect(kind(send(transport, sent)) == expected)
        // The transport is as good as before.
        server.setScript { _ in .noContent }
        #expect(try send(transport, sent).get().status == 204)
    }

    @Test("What the network does to a connection")
    func noConnection() throws {
        let server = try ScriptedServer(greeting: "this is no TLS")
        let transport = try CurlTransport()
        let tls = try #require(ConnectServer(host: "127.0.0.1", port: server.port, usesTLS: true))
        #expect(kind(send(transport, request(tls))) == .tls)
        server.stop()
        eventually("refused") { kind(send(transport, request(server.settings.server))) == .connectionRefused }
        let nowhere = try #require(ConnectServer(host: "no-such-host.invalid"))
        #expect(kind(send(transport, request(nowhere))) == .nameNotResolved)
    }

    @Test("Redirects are answers, not orders", arguments: [301, 302, 303, 307, 308])
    func redirects(_ status: Int) throws {
        let server = try ScriptedServer { _ in .respond(status, [("Location", "/elsewhere")], "") }
        let transport = try CurlTransport()
        #expect(try send(transport, request(server.settings.server)).get().status == status)
        #expect(server.requests.count == 1)
    }

    @Test("Interim answers are skipped")
    func interim() throws {
        let server = try ScriptedServer { _ in
            .raw("HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 204 No\r\nX-New: 2\r\n\r\n")
        }
        let transport = try CurlTransport()
        let response = try send(transport, request(server.settings.server)).get()
        #expect(response.status == 204 && response.header("X-Old") == nil && response.header("X-New") == "2")
    }

    @Test("A wake ends a wait, with and without a request")
    func wakes() throws {
        let server = try ScriptedServer { _ in .hold }
        let transport = try CurlTransport()
        for isBusy in [false, true] {
            if isBusy { transport.start(request(server.settings.server, deadline: .seconds(1000))) }
            let waker = transport.waker
            let isAwake = Shared(false)
            Thread.detachNewThread { while !isAwake.value { waker.wake(); usleep(1000) } }
            #expect(transport.wait(for: .seconds(1000)) == nil)
            isAwake.change { $0 = true }
        }
        transport.cancel()
        transport.waker.wake()
        #expect(transport.wait(for: .zero) == nil)
    }

    @Test("A cancelled request leaves nothing behind, and a waker outlives its transport")
    func cancels() throws {
        let server = try ScriptedServer { _ in .hold }
        var transport: CurlTransport? = try CurlTransport()
        let waker = try #require(transport).waker
        transport?.start(request(server.settings.server))
        eventually("request arrived") { transport?.wait(for: .milliseconds(5)) == nil && !server.requests.isEmpty }
        transport?.cancel()
        server.setScript { _ in .noContent }
        #expect(try send(#require(transport), request(server.settings.server)).get().status == 204)
        transport = nil
        waker.wake()
    }
}
