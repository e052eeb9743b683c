import Foundation
import Testing

@testable import PrusaConnect

/// A file system in memory, for those who may mount one.
private final class SmallFileSystem: Sendable {
    static let isAvailable: Bool = {
        guard geteuid() == 0, let small = try? SmallFileSystem(kilobytes: 64) else { return false }
        return access(small.path, W_OK) == 0
    }()

    private let directory: TemporaryDirectory
    var path: String { directory.path }

    init(kilobytes: Int) throws {
        directory = try TemporaryDirectory()
        try Self.run("mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", directory.path)
    }

    deinit { try? Self.run("umount", directory.path) }

    private static func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus != 0 { throw POSIXError(.EPERM) }
    }
}

@Suite(.timeLimit(.minutes(2))) struct TransferTroubleTests {
    private let text = gcodeText(50_000)

    /// Downloads `/local/box.gcode` with the given server and returns how it ended.
    private func download(
        options: (inout TransferOptions) -> Void = { _ in }, prepare: (TransferRig) -> Void = { _ in },
        _ files: @escaping (ReceivedRequest) -> Reaction
    ) throws -> (rig: TransferRig, kind: String, reason: String) {
        let rig = try TransferRig(options: options, files: files)
        prepare(rig)
        try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        let end = rig.end()
        rig.stop()
        if end.kind != "TRANSFER_FINISHED" { #expect(rig.names == []) }
        return (rig, end.kind, end.reason)
    }

    @Test("A cut connection: the rest is asked for with Range and If-Range")
    func resumes() throws {
        let file = ServedFile(text: text)
        let (rig, kind, _) = try download { file.answer($0, cutAt: 20_000) }
        #expect(kind == "TRANSFER_FINISHED" && rig.content() == text)
        #expect(rig.fileRequests.map { $0.header("Range") } == [nil, "bytes=20000-", "bytes=40000-"])
        #expect(rig.fileRequests.map { $0.header("If-Range") } == [nil, "\"1\"", "\"1\""])
        // One start, whatever it took.
        #expect(rig.events("TRANSFER_INFO").count == 1)
    }

    @Test("Servers without Range or with a changed file: from the beginning, never a mixture")
    func restarts() throws {
        let answers = Shared(0)
        func next() -> Int {
            answers.change { count in
                defer { count += 1 }; return count
            }
        }
        let plain = ServedFile(text: text, knowsRanges: false)
        let first = try download { plain.answer($0, cutAt: next() == 0 ? 20_000 : nil) }
        #expect(first.kind == "TRANSFER_FINISHED" && first.rig.content() == text)
        // The file is another one after the cut.
        answers.change { $0 = 0 }
        let changed = ServedFile(text: String(text.reversed()), etag: "\"2\"")
        let second = try download { next() == 0 ? plain.answer($0, cutAt: 20_000) : changed.answer($0) }
        #expect(second.kind == "TRANSFER_FINISHED" && second.rig.content() == changed.text)
        // Without a validator nobody can tell: no Range at all.
        answers.change { $0 = 0 }
        let nameless = ServedFile(text: text, etag: nil)
        let third = try download { nameless.answer($0, cutAt: next() == 0 ? 20_000 : nil) }
        #expect(third.kind == "TRANSFER_FINISHED" && third.rig.content() == text)
        #expect(third.rig.fileRequests.allSatisfy { $0.header("Range") == nil })
    }

    @Test("A server that never gets further ends the download after a bounded number of attempts")
    func givesUp() throws {
        let file = ServedFile(text: text, knowsRanges: false)
        let (rig, kind, _) = try download { file.answer($0, cutAt: 1000) }
        #expect(kind == "TRANSFER_ABORTED" && rig.fileRequests.count == 4)
        let (refused, aborted, reason) = try download { _ in .close }
        #expect(aborted == "TRANSFER_ABORTED" && !reason.isEmpty && refused.fileRequests.count == 3)
    }

    @Test(
        "What the server may answer",
        arguments: [
            (.status(404, body: "no file"), "Invalid status code: 404", 1),
            (.noContent, "Invalid status code: 204", 1),
            (.status(206, body: "part"), "Invalid status code: 206", 1),
            (.status(500), "Invalid status code: 500", 3),
            (.status(503, [("Retry-After", "0")]), "Invalid status code: 503", 3),
            (
                .status(200, [("Content-Type", "text/html; charset=utf-8")], body: "<p>"),
                "Invalid content type: text/html; charset=utf-8", 1
            ),
            (.status(200, [("Content-Encoding", "gzip")], body: "x"), "Invalid content encoding: gzip", 1),
            (.status(200), "Empty response", 1),
            (.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "Empty response", 1),
            (.status(302, [("Location", "/again")]), "More than 10 redirects", 11),
            (.status(302, [("Location", "ftp://127.0.0.1/x")]), "Redirect to no http or https address", 1),
            (.status(301), "Redirect to no http or https address", 1),
            (.status(200, body: gcodeText(2000)), "The file is larger than 1000 bytes", 1),
            (.raw("HTTP/1.1 200 OK\r\n\r\n" + gcodeText(2000)), "The file is larger than 1000 bytes", 1),
        ] as [(Reaction, String, Int)])
    func answers(_ reaction: Reaction, _ expected: String, _ requests: Int) throws {
        let (rig, kind, reason) = try download(options: { $0.largestFile = 1000 }) { _ in reaction }
        #expect(kind == "TRANSFER_ABORTED" && reason == expected)
        #expect(rig.fileRequests.count == requests)
    }

    @Test(
        "Files that come in unusual ways",
        arguments: [
            .raw("HTTP/1.1 200 OK\r\n\r\nG28\n"), .status(200, [("Content-Type", "TEXT/PLAIN; a=b")], body: "G28\n"),
            .status(200, [("Content-Type", "application/octet-stream")], body: "G28\n"),
            .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nG2\r\n2\r\n8\n\r\n0\r\n\r\n"),
            .raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nG28\nmore than announced"),
            .status(200, [("Content-Encoding", "identity")], body: "G28\n"),
        ] as [Reaction])
    func unusual(_ reaction: Reaction) throws {
        let (rig, kind, _) = try download { _ in reaction }
        #expect(kind == "TRANSFER_FINISHED" && rig.content() == "G28\n")
    }

    @Test("A body of chunks that ends early is no complete file")
    func chunksEndEarly() throws {
        let start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nG28\n\r\n"
        let isCut = Shared(true)
        let whole = try download { _ in
            isCut.change { isCut in
                defer { isCut = false }
                return .raw(isCut ? start : start + "3\r\nG1\n\r\n0\r\n\r\n")
            }
        }
        #expect(whole.kind == "TRANSFER_FINISHED" && whole.rig.content() == "G28\nG1\n")
        #expect(whole.rig.fileRequests.count == 2)
        #expect(try download { _ in .raw(start) }.kind == "TRANSFER_ABORTED")
    }

    @Test("The size that the command announces counts, also where HTTP tells no length")
    func announcedSize() throws {
        for reaction in [.status(200, body: "G28\n"), .raw("HTTP/1.1 200 OK\r\n\r\nG28\n")] as [Reaction] {
            for (size, end) in [(4, "TRANSFER_FINISHED"), (3, "TRANSFER_ABORTED"), (5, "TRANSFER_ABORTED")] {
                let rig = try TransferRig { _ in reaction }
                rig.order(
                    1, "START_CONNECT_DOWNLOAD",
                    ["team_id": 1, "hash": "h", "path": "/local/box.gcode", "orig_size": .int(Int64(size))])
                #expect(rig.end().kind == end, "\(reaction) \(size)")
                rig.stop()
            }
        }
    }

    @Test("Silence and a trickle are no progress")
    func silence() throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"
        for reaction in [.stall(head + "G28"), .trickle(head)] as [Reaction] {
            let (rig, kind, reason) = try download(
                options: { options in
                    options.silence = .milliseconds(100)
                    options.attempts = 2
                }, { _ in reaction })
            #expect(kind == "TRANSFER_ABORTED" && reason.contains("no data for"))
            #expect(rig.fileRequests.count == 2)
        }
    }

    @Test("Not enough space is seen before, a disk that fills up in the middle then")
    func fullDisk() throws {
        let file = ServedFile(text: text)
        let before = try download(
            options: { $0.spareSpace = 10_000 },
            prepare: { rig in rig.printer.change { $0.disk.freeSpace = { _ in 59_999 } } }, { file.answer($0) })
        #expect(before.reason == "Not enough space: the file has 50000 bytes" && before.kind == "TRANSFER_ABORTED")
        let middle = try download(
            prepare: { rig in
                rig.printer.change { core in
                    core.disk.write = { file, bytes, offset in
                        guard offset < 30_000 else {
                            errno = ENOSPC
                            return -1
                        }
                        // A short write is followed by another one.
                        return pwrite(file, bytes.baseAddress, min(bytes.count, 1000), off_t(offset))
                    }
                }
            }, { file.answer($0) })
        #expect(middle.kind == "TRANSFER_ABORTED" && middle.reason == "Cannot write the file: No space left on device")
        let late = try download(
            prepare: { rig in
                rig.printer.change { core in
                    core.disk.sync = { _ in
                        errno = EIO
                        return -1
                    }
                }
            }, { file.answer($0) })
        #expect(late.kind == "TRANSFER_ABORTED" && late.reason.contains("Input/output error"))
        #expect(middle.rig.fileRequests.count == 1 && late.rig.fileRequests.count == 1)
    }

    @Test("A disk that does not answer holds up the download and nothing else")
    func hangingDisk() throws {
        let file = ServedFile(text: text)
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        let isWriting = Latch()
        let mayGoOn = Latch()
        rig.printer.change { core in
            core.disk.write = { file, bytes, offset in
                isWriting.open()
                mayGoOn.wait()
                return pwrite(file, bytes.baseAddress, bytes.count, off_t(offset))
            }
        }
        try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        isWriting.wait()
        let before = rig.server.requests.count { $0.isTelemetry }
        eventually("telemetry goes on") { rig.server.requests.count { $0.isTelemetry } > before + 5 }
        rig.order(1, "SEND_TRANSFER_INFO")
        eventually("commands, too") { rig.events.last?["command_id"] == 1 && rig.events.last?["event"] != "ACCEPTED" }
        mayGoOn.open()
        #expect(rig.end().kind == "TRANSFER_FINISHED" && rig.content() == text)
    }

    @Test("A file system that is really full", .enabled(if: SmallFileSystem.isAvailable))
    func smallFileSystem() throws {
        let small = try SmallFileSystem(kilobytes: 64)
        let big = ServedFile(text: gcodeText(100_000))
        let rig = try TransferRig { request in
            request.target == "/known" ? big.answer(request) : .raw("HTTP/1.1 200 OK\r\n\r\n" + big.text)
        }
        defer { rig.stop() }
        try rig.printer.attach(Storage(name: "small", directory: small.path))
        for (number, path) in ["/known", "/unknown"].enumerated() {
            try rig.printer.startDownload(from: rig.url(path), to: "/small/box.gcode")
            eventually("ended") { rig.told.count == number + 1 }
        }
        #expect(
            rig.told == [
                .aborted("Not enough space: the file has 100000 bytes"),
                .aborted("Cannot write the file: No space left on device"),
            ])
        #expect(try FileManager.default.contentsOfDirectory(atPath: small.path) == [])
    }

    @Test("Redirects back to Connect get the token, those to a relative address too")
    func redirects() throws {
        let file = ServedFile(text: text)
        let other = try ScriptedServer()
        let rig = try TransferRig { request in
            request.target == "/next/b?c=d" ? file.answer(request) : .status(404)
        }
        defer { rig.stop() }
        other.setScript { request in
            request.target == "/first/a"
                ? .status(307, [("Location", "../second/a")])
                : .status(308, [("Location", rig.url("/next/b?c=d#frag"))])
        }
        try rig.printer.startDownload(from: "http://127.0.0.1:\(other.port)/first/a", to: "/local/box.gcode")
        #expect(rig.end().kind == "TRANSFER_FINISHED" && rig.content() == text)
        #expect(other.requests.map(\.target) == ["/first/a", "/second/a"])
        #expect(other.requests.allSatisfy { $0.header("Token") == nil && $0.header("Fingerprint") == nil })
        #expect(rig.fileRequests.map { $0.header("Token") } == [testToken])
    }

    @Test("A limit of the rate holds, can be taken away under way, and does not hold up a stop")
    func throttling() throws {
        let file = ServedFile(text: gcodeText(300_000))
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        rig.printer.transferRateLimit = 4096
        let slow = try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        eventually("the first bytes") { rig.printer.transfer.map { $0.transferred > 0 } ?? false }
        // 300 kB would take more than a minute: it waits now, and the stop does not.
        #expect(rig.printer.transfer?.id == slow.id)
        rig.printer.stopTransfer()
        #expect(rig.end().kind == "TRANSFER_STOPPED")
        rig.printer.transferRateLimit = nil
        try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        eventually("the second one is complete") { rig.told.last == .finished }
    }

    @Test("A clock adjustment is not used up by a download")
    func clockAdjusted() throws {
        let rig = CoreRig()
        rig.wallOffset += .seconds(100)
        let telemetry = try #require(rig.next())
        #expect(telemetry.header("Clock-Adjusted") == "1")
        let elsewhere = try #require(ConnectServer(host: "example.org"))
        #expect(rig.core.downloadHeaders(for: elsewhere, wall: rig.wall).count == 5)
        #expect(rig.core.downloadHeaders(for: .prusa, wall: rig.wall).contains { $0.name == "Clock-Adjusted" })
        rig.fail(telemetry, .cut)
        #expect(rig.core.downloadHeaders(for: .prusa, wall: rig.wall).contains { $0.name == "Clock-Adjusted" })
    }
}
