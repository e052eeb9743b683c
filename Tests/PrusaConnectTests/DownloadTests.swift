import Foundation
import Testing

@testable import PrusaConnect

// The parts of a download that need no network.

@Suite struct DownloadURLTests {
    @Test(
        "Addresses that are taken",
        arguments: [
            ("http://example.org", "http://example.org", "/"),
            ("HTTPS://Example.org:8443/a/b?c=d#e", "https://Example.org:8443", "/a/b?c=d"),
            ("http://[::1]:80/x", "http://[::1]:80", "/x"),
            ("https://h?q", "https://h", "/?q"),
            ("http://h/a b/é\"<>", "http://h", "/a%20b/%C3%A9%22%3C%3E"),
            ("http://h:/x", "http://h", "/x"),
            ("http://h/%2e%2E/x", "http://h", "/%2e%2E/x"),
        ])
    func taken(_ text: String, _ server: String, _ target: String) throws {
        let url = try #require(DownloadURL(text))
        #expect(url.server.baseURL == server && url.target == target)
    }

    @Test(
        "Addresses that are refused",
        arguments: [
            "", "example.org/x", "/x", "ftp://h/x", "file:///etc/passwd", "http:/h", "http:///x", "http://user@h/x",
            "http://user:secret@h/x", "http://h:0/", "http://h:65536/", "http://h:8x/", "http://h\\@evil/",
            "http://a b/", "http://h/\u{0}", "http://h/\r\nToken: x", "http://::1/",
            "https://h/" + String(repeating: "x", count: 9000),
        ])
    func refused(_ text: String) { #expect(DownloadURL(text) == nil) }

    @Test(
        "Where redirects lead",
        arguments: [
            ("/x", "https://h/x"), ("x", "https://h/a/x"), ("../x?y", "https://h/a/../x?y"), ("?y", "https://h/a/b?y"),
            ("", "https://h/a/b"), ("//other:1/x", "https://other:1/x"), ("http://other/x", "http://other/x"),
            ("#frag", "https://h/a/b"), ("javascript:alert(1)", nil), ("http://user@h/", nil),
        ])
    func redirects(_ location: String, _ expected: String?) throws {
        let url = try #require(DownloadURL("https://h/a/b?q=/r/s"))
        let next = url.redirected(to: location)
        #expect(next.map { $0.server.baseURL + $0.target } == expected)
    }

    @Test(
        "Credentials: the same scheme, host and port, nothing less",
        arguments: [
            ("https://connect.prusa3d.com/x", true), ("https://CONNECT.prusa3d.com:443/x", true),
            ("https://connect.prusa3d.com.evil.org/x", false), ("https://connect.prusa3d.com:8443/x", false),
            ("http://connect.prusa3d.com/x", false), ("http://connect.prusa3d.com:443/x", false),
            ("https://evil.org/connect.prusa3d.com", false),
        ])
    func origins(_ text: String, _ isSame: Bool) throws {
        #expect(try #require(DownloadURL(text)).server.isSameOrigin(as: .prusa) == isSame)
    }
}

@Suite struct DownloadStateTests {
    private func state() throws -> DownloadState {
        DownloadState(url: try #require(DownloadURL("https://h/a")), options: TransferOptions())
    }

    private func answer(_ status: Int, _ headers: [(String, String)] = []) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers.map { HTTPHeader($0.0, $0.1) })
    }

    /// A download of 5000 bytes that was cut after 1000.
    private func cut(_ headers: [(String, String)]) throws -> DownloadState {
        var state = try state()
        let head = state.head(answer(200, [("Content-Length", "5000")] + headers), wall: .zero, chance: 0)
        #expect(head == .write(at: 0))
        #expect(state.receive(1000) == nil)
        guard case .again = state.broke(TransportError(kind: .cut, message: "cut"), chance: 0) else {
            Issue.record("not tried again")
            return state
        }
        return state
    }

    @Test("Which answers allow to go on where it was cut")
    func validators() throws {
        let old = "Sun, 06 Nov 1994 08:49:37 GMT"
        let new = "Sun, 06 Nov 1994 08:50:37 GMT"
        let cases: [([(String, String)], String?)] = [
            ([("ETag", "\"a\"")], "\"a\""), ([("ETag", "W/\"a\"")], nil), ([], nil),
            ([("Last-Modified", old), ("Date", new)], old), ([("Last-Modified", old), ("Date", old)], nil),
            ([("Last-Modified", old)], nil), ([("ETag", "\"a\""), ("Accept-Ranges", "none")], nil),
        ]
        for (headers, validator) in cases {
            let expected = validator.map { [HTTPHeader("Range", "bytes=1000-"), HTTPHeader("If-Range", $0)] } ?? []
            #expect(try cut(headers).rangeHeaders == expected)
        }
    }

    @Test(
        "Answers to a Range",
        arguments: [
            ("bytes 1000-4999/5000", "\"a\"", true), ("bytes 1000-4999/*", nil, true),
            ("bytes 1001-4999/5000", "\"a\"", false), ("bytes 0-4999/5000", "\"a\"", false),
            ("bytes 1000-4999/6000", "\"a\"", false), ("bytes 1000-4999/5000", "\"b\"", false),
            ("items 1000-4999/5000", "\"a\"", false), ("bytes 1000-5000/5000", "\"a\"", false), ("", nil, false),
        ] as [(String, String?, Bool)])
    func parts(_ range: String, _ etag: String?, _ fits: Bool) throws {
        var state = try cut([("ETag", "\"a\"")])
        let headers = [("Content-Range", range)] + (etag.map { [("ETag", $0)] } ?? [])
        let head = state.head(answer(206, headers), wall: .zero, chance: 0)
        if fits {
            #expect(head == .write(at: 1000))
        } else {
            guard case .end(.again) = head else {
                Issue.record("\(head)")
                return
            }
            #expect(state.received == 0 && state.rangeHeaders.isEmpty)
        }
    }

    @Test("416 to a Range begins anew; Retry-After counts up to five minutes; TLS trouble is final")
    func others() throws {
        var state = try cut([("ETag", "\"a\"")])
        guard case .end(.again) = state.head(answer(416), wall: .zero, chance: 0) else {
            Issue.record("not tried again")
            return
        }
        #expect(state.rangeHeaders.isEmpty)
        let pauses = ["7", "9999"].map { state.head(answer(503, [("Retry-After", $0)]), wall: .zero, chance: 0) }
        #expect(pauses == [.end(.again(after: .seconds(7))), .end(.again(after: .seconds(300)))])
        let insecure = state.head(answer(302, [("Location", "http://h/a")]), wall: .zero, chance: 0)
        #expect(insecure == .end(.failed("Redirect from https to http")))
        let tls = state.broke(TransportError(kind: .tls, message: "tls"), chance: 0)
        #expect(tls == .failed("tls"))
    }

    @Test("A byte more resets the patience, but not for ever")
    func patience() throws {
        var state = try cut([("ETag", "\"a\"")])
        var attempts = 1
        while attempts < 1000 {
            _ = state.head(
                answer(206, [("Content-Range", "bytes \(state.received)-4999/5000")]), wall: .zero, chance: 0)
            _ = state.receive(1)
            attempts += 1
            if case .failed = state.broke(TransportError(kind: .cut, message: "cut"), chance: 0) { break }
        }
        #expect(attempts == DownloadState.mostAttempts)
    }

    @Test("Content-Range")
    func contentRange() {
        #expect(ContentRange("bytes 0-0/1")?.size == 1 && ContentRange("BYTES 5-9/*")?.first == 5)
        for text in [
            "", "bytes", "bytes */5", "bytes 5-4/9", "bytes 0-9/9", "bytes -1-2/9", "bytes 1-2", "bytes 1-2/3/4",
        ] {
            #expect(ContentRange(text) == nil, "\(text)")
        }
    }

    @Test("The rate limit spreads bytes and saves nothing up")
    func rate() {
        var rate = RateLimit()
        let cases: [(Int, Int?, Int, Duration)] = [
            (10_000, 10_000, 100, .seconds(1)), (5000, 10_000, 101, .milliseconds(500)),
            (10_000, 10_000, 500, .seconds(1)), (10_000, nil, 500, .zero), (4096, 1, 500, .seconds(1)),
        ]
        for (count, limit, now, expected) in cases {
            let pause = rate.pause(after: count, bytesPerSecond: limit, now: .seconds(now))
            #expect(pause == expected)
        }
    }
}

@Suite struct TransferSlotTests {
    private func transfer(_ id: UInt64 = 5) -> Transfer {
        Transfer(
            id: id, kind: .fromWeb, path: "/local/a", url: "http://h/a", startCommandID: 0, isToPrint: false,
            isToSelect: false)
    }

    @Test("Takes one transfer, ends it once, and a stop wins over what it breaks")
    func ends() {
        var slot = TransferSlot()
        let begun = [5, 6].map { slot.begin(transfer($0), life: TransferLife(), now: .zero) }
        #expect(begun == [true, false])
        #expect(slot.startedID == nil && slot.telemetry(now: .zero) == nil)
        let started = [5, 5, 6].map { slot.started($0, size: 10) }
        #expect(started == [true, false, false] && slot.startedID == 5)
        let wishes = [.stopped(.user), .aborted("late")].map { slot.wantEnd($0) }
        let mayCommit = slot.mayCommit(5)
        #expect(wishes == [true, true] && !mayCommit)
        #expect(slot.info(now: .seconds(9))["time_remaining"] == 0)
        let ends = [(6, .finished), (5, .aborted("cut")), (5, .finished)].map { slot.end($0, $1)?.end }
        #expect(ends == [nil, .stopped(.user), nil] && slot.lastID == 5)
        let isWanted = slot.wantEnd(.stopped(.user))
        #expect(!isWanted)
        // The next one: too late to stop once it is put in its place.
        _ = slot.begin(transfer(7), life: TransferLife(), now: .zero)
        let commits = slot.mayCommit(7)
        let isTaken = slot.wantEnd(.stopped(.user))
        #expect(commits && !isTaken)
        let end = slot.end(7, .finished)?.end
        #expect(end == .finished)
    }

    @Test("Progress, times and size 0")
    func numbers() throws {
        var slot = TransferSlot()
        _ = slot.begin(transfer(), life: TransferLife(), now: .seconds(100))
        _ = slot.started(5, size: 0)
        #expect(try #require(slot.telemetry(now: .seconds(101))).progress == 0)
        _ = slot.started(5, size: 3000)
        slot.progressed(5, to: 1000)
        let telemetry = try #require(slot.telemetry(now: .milliseconds(110_900)))
        #expect(telemetry.progress == 33.33 && telemetry.timeRemaining == 21 && telemetry.timeTransferring == 10)
        let info = slot.info(now: .milliseconds(110_900))
        #expect(
            info.keys == [
                "start_cmd_id", "type", "path", "url", "size", "progress", "transferred", "time_remaining",
                "time_transferring", "to_print",
            ])
        #expect(info["start_cmd_id"] == 0)
    }
}
