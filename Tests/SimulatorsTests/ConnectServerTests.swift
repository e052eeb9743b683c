import CSerial
import Foundation
import Testing

@testable import Simulators

@Suite struct ConnectServerTests {
    private func start(_ change: (inout ConnectServer.Configuration) -> Void = { _ in }) throws -> (
        ConnectServer, TestClient
    ) {
        var configuration = ConnectServer.Configuration()
        change(&configuration)
        let server = ConnectServer(configuration)
        return (server, try TestClient(port: try server.start()))
    }

    private let registration = """
        {"sn": "CZPX0123X004XC00042", "fingerprint": "\(TestClient.fingerprint)", "printer_type": "1.3.1", \
        "firmware": "3.14.0-8237"}
        """

    @Test func registersAfterTheUserEnteredTheCode() throws {
        let (server, client) = try start()
        defer { server.stop() }
        let first = try #require(client.post("/p/register", registration, ["Token": nil]))
        #expect(first.status == 200)
        let code = try #require(first.headers["Code"])
        for _ in 1...3 { #expect(client.get("/p/register", ["Token": nil, "Code": code])?.status == 202) }
        #expect(!server.authorize(code: "WRONG"))
        #expect(server.authorize(code: code))
        let last = try #require(client.get("/p/register", ["Token": nil, "Code": code]))
        #expect(last.status == 200)
        #expect(last.headers["Token"] == server.configuration.token)
        #expect(server.violations.isEmpty)
        #expect(server.counts.registrationPolls == 4)
        // All of that went over one connection.
        #expect(server.counts.connections == 1)
    }

    @Test func registersAfterSomePolls() throws {
        let (server, client) = try start { $0.pollsUntilToken = 2 }
        defer { server.stop() }
        let code = try #require(client.post("/p/register", registration)?.headers["Code"])
        let statuses = (1...3).map { _ in client.get("/p/register", ["Code": code])?.status }
        #expect(statuses == [202, 202, 200])
    }

    @Test func deliversOneCommandAtATime() throws {
        let (server, client) = try start()
        defer { server.stop() }
        #expect(client.telemetry()?.status == 204)
        let first = server.queue(command: "START_PRINT", kwargs: ["path": "/local/box.gcode"])
        let second = server.queue(gcode: "G28\nM104 S215", force: true)
        let delivered = try #require(client.telemetry())
        #expect(delivered.status == 200)
        #expect(delivered.headers["Command-Id"] == String(first))
        #expect(delivered.body == #"{"command": "START_PRINT", "kwargs": {"path": "/local/box.gcode"}}"#)
        #expect(client.telemetry()?.status == 204)
        #expect(client.event("ACCEPTED", for: first)?.status == 204)
        #expect(server.command(first)?.progress == .accepted)
        #expect(client.telemetry()?.status == 204)
        // What the command causes does not end it.
        #expect(client.event("STATE_CHANGED", for: first)?.status == 204)
        #expect(client.telemetry()?.status == 204)
        #expect(client.event("FINISHED", for: first)?.status == 204)
        #expect(server.command(first)?.answer?.name == "FINISHED")
        let next = try #require(client.telemetry())
        #expect(next.headers["Command-Id"] == String(second))
        #expect(next.headers["Content-Type"] == "text/x.gcode")
        #expect(next.headers["Force"] == "1")
        #expect(next.body == "G28\nM104 S215")
        #expect(server.violations.isEmpty)
    }

    @Test func deliversAgainWithTheSameId() throws {
        let (server, client) = try start { $0.redeliveryMilliseconds = 0 }
        defer { server.stop() }
        let id = server.queue(command: "SEND_INFO")
        #expect(client.telemetry()?.headers["Command-Id"] == String(id))
        #expect(client.telemetry()?.headers["Command-Id"] == String(id))
        #expect(server.command(id)?.deliveries == 2)
        _ = client.event("INFO", for: id)
        #expect(client.telemetry()?.status == 204)
    }

    @Test(
        arguments: [
            (["Token": nil], 401), (["Token": "nonsense"], 403),
            (["Fingerprint": String(repeating: "9", count: 64)], 403),
        ] as [([String: String?], Int)])
    func refusesWrongCredentials(_ headers: [String: String?], _ status: Int) throws {
        let (server, client) = try start { $0.fingerprint = TestClient.fingerprint }
        defer { server.stop() }
        #expect(client.post("/p/telemetry", #"{"state": "IDLE"}"#, headers)?.status == status)
        #expect(server.counts.telemetry == 0)
        #expect(server.counts.refusedCredentials == 1)
        #expect(client.telemetry()?.status == 204)
    }

    @Test(arguments: [
        (#"{"state": "SLEEPING"}"#, "unknown state SLEEPING"), (#"{"temp_nozzle": 20.0}"#, "state missing"),
        (#"{"temp_bed": null, "state": "IDLE"}"#, "body contains null"),
        (#"{"slot": {"a": [null]}, "state": "IDLE"}"#, "body contains null"),
        (#"{"temp_bed": "hot", "state": "IDLE"}"#, "temp_bed is no number"),
        (#"{"progress": 101, "state": "IDLE"}"#, "progress is not within"),
        (#"{"state": "IDLE", "state": "BUSY"}"#, "key state twice"), (#"{"state": "IDLE""#, "object is not closed"),
        (#"[1]"#, "body is no object"), (#"{"temp_bed": NaN, "state": "IDLE"}"#, "no value"),
    ])
    func complainsAboutTelemetry(_ body: String, _ complaint: String) throws {
        let (server, client) = try start()
        defer { server.stop() }
        _ = client.telemetry(body)
        #expect(server.violations.contains { $0.contains(complaint) }, "\(server.violations)")
    }

    @Test(
        arguments: [
            (["Timestamp": nil], "header Timestamp missing"),
            (["Timestamp": "1719312345"], "header Timestamp is no time"),
            (["Timestamp": "now"], "header Timestamp is no time"), (["User-Agent": nil], "header User-Agent missing"),
            (["User-Agent-Printer": "None"], "header User-Agent-Printer"),
            (["Fingerprint": nil], "Fingerprint missing"),
        ] as [([String: String?], String)])
    func complainsAboutHeaders(_ headers: [String: String?], _ complaint: String) throws {
        let (server, client) = try start()
        defer { server.stop() }
        _ = client.post("/p/telemetry", #"{"state": "IDLE"}"#, headers)
        #expect(server.violations.contains { $0.contains(complaint) }, "\(server.violations)")
    }

    @Test(arguments: [
        (#"{"event": "PARTY", "source": "WUI", "data": {}, "state": "IDLE"}"#, "unknown event PARTY"),
        (#"{"event": "INFO", "source": "MARS", "data": {}, "state": "IDLE"}"#, "unknown source MARS"),
        (#"{"event": "INFO", "source": "WUI", "state": "IDLE"}"#, "data missing"),
        (#"{"event": "FINISHED", "source": "WUI", "data": {}, "command_id": 77, "state": "IDLE"}"#, "not delivered"),
    ])
    func complainsAboutEvents(_ body: String, _ complaint: String) throws {
        let (server, client) = try start()
        defer { server.stop() }
        _ = client.post("/p/events", body)
        #expect(server.violations.contains { $0.contains(complaint) }, "\(server.violations)")
    }

    @Test func statusFaultsLoseTheRequest() throws {
        let (server, client) = try start()
        defer { server.stop() }
        server.inject(.status(500), requests: 2)
        server.inject(.status(429, retryAfter: 7))
        server.inject(.redirect("http://127.0.0.1:1/elsewhere"))
        #expect((1...2).map { _ in client.telemetry()?.status } == [500, 500])
        let slow = try #require(client.telemetry())
        #expect(slow.status == 429)
        #expect(slow.headers["Retry-After"] == "7")
        #expect(client.telemetry()?.headers["Location"] == "http://127.0.0.1:1/elsewhere")
        #expect(server.counts.telemetry == 0)
        #expect(client.telemetry()?.status == 204)
        #expect(server.requests.map(\.status) == [500, 500, 429, 307, 204])
    }

    @Test func faultsForOnePath() throws {
        let (server, client) = try start()
        defer { server.stop() }
        server.inject(.status(503), path: "/p/events")
        #expect(client.telemetry()?.status == 204)
        #expect(client.event("INFO")?.status == 503)
        #expect(client.event("INFO")?.status == 204)
    }

    @Test(arguments: [false, true])
    func closesWithoutAnAnswer(_ afterProcessing: Bool) throws {
        let (server, client) = try start()
        defer { server.stop() }
        server.inject(.close(afterProcessing: afterProcessing))
        #expect(client.event("INFO") == nil)
        #expect(server.counts.events == (afterProcessing ? 1 : 0))
    }

    @Test func garbageSlowTrickleTruncated() throws {
        let (server, client) = try start()
        defer { server.stop() }
        server.inject(.slow(milliseconds: 100))
        let start = cserial_monotonic_ns()
        #expect(client.telemetry()?.status == 204)
        #expect(cserial_monotonic_ns() - start >= 100_000_000)
        server.inject(.trickle(milliseconds: 1))
        #expect(client.telemetry()?.status == 204)
        server.inject(.garbage)
        client.send(TestClient.head("POST", "/p/telemetry") + "Content-Length: 0\r\n\r\n")
        #expect(client.readToEnd().contains("not HTTP"))
        let again = try TestClient(port: server.port)
        server.inject(.truncated)
        server.queue(command: "SEND_INFO")
        #expect(again.telemetry() == nil)
    }

    @Test func chunkedBodiesPiecesAndPipelining() throws {
        let (server, client) = try start()
        defer { server.stop() }
        let head = TestClient.head("POST", "/p/telemetry") + "Content-Type: application/json\r\n"
        let chunked =
            head
            + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"state\": \r\n7;x=y\r\n\"IDLE\"}\r\n0\r\nTrailer: 1\r\n\r\n"
        for character in chunked { client.send(String(character)) }
        #expect(client.answer()?.status == 204)
        let plain = head + "Content-Length: 17\r\n\r\n{\"state\": \"BUSY\"}"
        client.send(plain + chunked + plain)
        #expect((1...3).map { _ in client.answer()?.status } == [204, 204, 204])
        #expect(server.telemetry.map { $0["state"]?.string } == ["IDLE", "BUSY", "IDLE", "BUSY"])
        #expect(server.violations.isEmpty)
    }

    @Test func expectContinue() throws {
        let (server, client) = try start()
        defer { server.stop() }
        client.send(
            TestClient.head("POST", "/p/telemetry")
                + "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n")
        #expect(client.answer()?.status == 100)
        client.send("{\"state\": \"IDLE\"}")
        #expect(client.answer()?.status == 204)
    }

    @Test(arguments: [
        ("GARBAGE\r\n\r\n", 400), ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        ("GET / HTTP/1.1\r\nA: \(String(repeating: "a", count: 20_000))", 431),
    ])
    func refusesBrokenRequests(_ text: String, _ status: Int) throws {
        let (server, client) = try start()
        defer { server.stop() }
        client.send(text)
        #expect(client.answer()?.status == status)
        #expect(client.readToEnd() == "")
        #expect(server.counts.violations == 1)
    }

    @Test func servesFiles() throws {
        let (server, client) = try start()
        defer { server.stop() }
        server.serve(Array("G28\n".utf8), at: "/p/teams/1/files/abc/raw", contentType: "text/plain")
        let answer = try #require(client.get("/p/teams/1/files/abc/raw"))
        #expect(answer.status == 200)
        #expect(answer.body == "G28\n")
        #expect(client.get("/nothing")?.status == 404)
    }

    @Test func listsAreBounded() throws {
        let (server, client) = try start { $0.recordLimit = 20 }
        defer { server.stop() }
        for _ in 1...200 { #expect(client.telemetry()?.status == 204) }
        #expect(server.counts.telemetry == 200)
        #expect(server.requests.count <= 20)
        #expect(server.requests.last?.number == 200)
    }

    @Test func manyConnectionsAndStop() throws {
        let (server, _) = try start()
        let clients = try (1...20).map { _ in try TestClient(port: server.port) }
        for client in clients { #expect(client.telemetry()?.status == 204) }
        server.stop()
        for client in clients { #expect(client.readToEnd() == "") }
    }
}

@Suite struct PlainJSONTests {
    @Test(arguments: [
        (
            #"{"a": [1, 2.5, -3e2, "x\u00e9\ud83d\ude00\n", true, false, null]}"#,
            #"{"a": [1, 2.5, -300.0, "xé😀\n", true, false, null]}"#
        ),
        ("[]", "[]"), ("{}", "{}"), (" 0 ", "0"), (#""""#, #""""#),
    ])
    func reads(_ text: String, _ expected: String) throws {
        #expect(try PlainJSON(parsing: Array(text.utf8)).description == expected)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\" 1}", "01", "1.", "1e", "+1", "\"", "\"\\x\"", "\"\\ud800\"", "nul", "[1] 2", "'a'",
        "{a: 1}",
        "\"\u{1}\"", "1e999", String(repeating: "[", count: 100),
    ])
    func refuses(_ text: String) {
        #expect(throws: JSONError.self) { try PlainJSON(parsing: Array(text.utf8)) }
    }

    @Test func refusesBrokenUTF8() {
        #expect(throws: JSONError.self) { try PlainJSON(parsing: [0x22, 0xC3, 0x22]) }
    }
}
