import Foundation
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct TransferTests {
    private let text = gcodeText(50_000)

    @Test("A download from Connect: token, events in order, file in place, printed when it is there")
    func fromConnect() throws {
        let file = ServedFile(text: text)
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        rig.order(
            7, "START_CONNECT_DOWNLOAD",
            ["team_id": 5, "hash": "QXnJmX2fHb0oWg", "path": "/local/box.gcode", "printing": true])
        #expect(rig.end() == ("TRANSFER_FINISHED", ""))
        #expect(rig.content() == text && rig.names == ["box.gcode"])
        let request = try #require(rig.fileRequests.first)
        #expect(request.target == "/p/teams/5/files/QXnJmX2fHb0oWg/raw" && request.header("Token") == testToken)
        #expect(request.header("Fingerprint") == Fingerprint(serialNumber: testSerial).description)
        #expect(request.header("Accept-Encoding") == "identity")
        #expect(
            rig.events.map { "\($0["event"]?.string ?? "") \($0["source"]?.string ?? "")" } == [
                "ACCEPTED CONNECT", "TRANSFER_INFO CONNECT", "TRANSFER_INFO WUI", "TRANSFER_FINISHED CONNECT",
            ])
        let answer = rig.events[1]
        let id = try #require(answer["transfer_id"]?.unsigned)
        #expect((1...0xFFFF_FFFF).contains(id))
        #expect(answer["data"]?["size"] == nil && answer["command_id"] == 7)
        #expect(
            rig.events[2]["data"] == [
                "start_cmd_id": 7, "type": "FROM_CONNECT", "path": "/local/box.gcode",
                "url": .string(rig.url("/p/teams/5/files/QXnJmX2fHb0oWg/raw")), "size": 50_000, "progress": 0.0,
                "transferred": 0, "time_transferring": 0, "to_print": true,
            ])
        #expect(rig.events[3]["data"] == ["start_cmd_id": 7, "path": "/local/box.gcode"])
        #expect(rig.events[3]["transfer_id"]?.unsigned == id && rig.events[3]["command_id"] == nil)
        let told = try #require(rig.toldTransfers.first)
        #expect(told.isToPrint && told.size == 50_000 && told.transferred == 50_000 && told.progress == 100)
        #expect(rig.printer.transfer == nil)
        // The storage has seen the finished file and nothing of the unfinished one.
        func news() -> [JSONValue] { rig.server.events.compactMap(\.json).filter { $0["event"] == "FILE_CHANGED" } }
        eventually("the file is announced") { !news().isEmpty }
        #expect(news().compactMap { $0["data"]?["new_path"]?.string } == ["/local/box.gcode"])
    }

    @Test("To select or to print: what the command asks for is told to the application, at the start and at the end")
    func toSelect() throws {
        let file = ServedFile(text: text)
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        let finished = Shared<[Transfer]>([])
        rig.printer.onTransferFinished { transfer in finished.change { $0.append(transfer) } }
        let wishes: [JSONObject] = [["selecting": true], ["printing": true, "selecting": false], [:]]
        for (number, wish) in wishes.enumerated() {
            var keywords = wish
            keywords["url"] = .string(rig.url())
            keywords["path"] = .string("/local/\(number).gcode")
            rig.order(number, "START_URL_DOWNLOAD", keywords)
            eventually("downloaded") { finished.value.count == number + 1 }
        }
        #expect(finished.value.map(\.isToSelect) == [true, false, false])
        #expect(finished.value.map(\.isToPrint) == [false, true, false])
        #expect(rig.toldTransfers.map(\.isToSelect) == [true, false, false])
    }

    @Test("The application's own download; an older file is replaced")
    func byApplication() throws {
        let file = ServedFile(text: text)
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        try "old".write(toFile: rig.directory.file("box.gcode"), atomically: true, encoding: .utf8)
        let transfer = try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        #expect(rig.end().kind == "TRANSFER_FINISHED")
        #expect(rig.content() == text && rig.toldTransfers.first?.id == transfer.id)
        #expect(rig.events("TRANSFER_FINISHED").first?["data"] == ["path": "/local/box.gcode"])
    }

    @Test("Credentials go to the very Connect server, not to another host, port, scheme or look-alike name")
    func credentials() throws {
        let file = ServedFile(text: text)
        let other = try ScriptedServer { file.answer($0) }
        let rig = try TransferRig { request in
            request.target == "/away" ? .status(302, [("Location", "http://127.0.0.1:\(other.port)/x")]) : .status(404)
        }
        defer { rig.stop() }
        try rig.printer.startDownload(from: "http://127.0.0.1:\(other.port)/x", to: "/local/box.gcode")
        eventually("downloaded") { rig.told == [.finished] }
        try rig.printer.startDownload(from: rig.url("/away"), to: "/local/two.gcode")
        eventually("downloaded") { rig.told == [.finished, .finished] }
        #expect(rig.content("two.gcode") == text)
        #expect(rig.fileRequests.first?.header("Token") == testToken)
        #expect(other.requests.count == 2)
        for request in other.requests {
            #expect(request.headers.map(\.name) == ["Host", "User-Agent", "Accept-Encoding", "Accept", "Connection"])
        }
    }

    @Test("Telemetry goes on beside a download and tells about it")
    func telemetry() throws {
        let half = String(text.prefix(25_000))
        let rig = try TransferRig { _ in
            .stall("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + half)
        }
        defer { rig.stop() }
        rig.order(7, "START_URL_DOWNLOAD", ["url": .string(rig.url()), "path": "/local/box.gcode"])
        func telemetry() -> [JSONValue] {
            rig.server.requests.filter(\.isTelemetry).compactMap(\.json).filter { $0["transfer_progress"] == 50.0 }
        }
        eventually("telemetry tells of it again and again") { telemetry().count > 5 }
        let last = try #require(telemetry().last)
        #expect(last["transfer_id"]?.unsigned == rig.printer.transfer?.id && last["transfer_transferred"] == 25_000)
        #expect(last["time_transferring"]?.int != nil && last["transfer_time_remaining"]?.int != nil)
        #expect(last.object?.keys.last == "state")
        // Other events name the transfer, too.
        rig.printer.send(event: .info, source: .user)
        eventually("event") { rig.events("INFO").first?["transfer_id"] == last["transfer_id"] }
        rig.order(8, "SEND_TRANSFER_INFO", ["transfer_id": last["transfer_id"] ?? 0])
        eventually("answered") { rig.events("TRANSFER_INFO").last?["command_id"] == 8 }
        #expect(rig.events("TRANSFER_INFO").last?["data"]?["progress"] == 50.0)
    }

    @Test("Stop takes effect at once, in mid-silence, with a stall limit of an hour")
    func stop() throws {
        let rig = try TransferRig(options: { $0.silence = .seconds(3600) }) { [text] _ in
            .stall("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + text.prefix(49_999))
        }
        defer { rig.stop() }
        rig.order(7, "START_URL_DOWNLOAD", ["url": .string(rig.url()), "path": "/local/box.gcode"])
        // All but the last byte is here.
        eventually("nearly complete") { rig.printer.transfer?.transferred == 49_999 }
        #expect(rig.names == [".box.gcode.part"])
        rig.order(8, "STOP_TRANSFER")
        #expect(rig.end() == ("TRANSFER_STOPPED", ""))
        #expect(rig.told == [.stopped(.connect)] && rig.names == [])
        #expect(rig.events("FINISHED").map { $0["command_id"] } == [8])
        #expect(rig.events("TRANSFER_STOPPED").first?["source"] == "CONNECT")
    }

    @Test("A stop when all bytes are here and before the rename: stopped, the old file stays")
    func stopInLastMoment() throws {
        let file = ServedFile(text: text)
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        try "old".write(toFile: rig.directory.file("box.gcode"), atomically: true, encoding: .utf8)
        let isSyncing = Latch()
        let mayGoOn = Latch()
        rig.printer.change { core in
            core.disk.sync = { _ in
                isSyncing.open()
                mayGoOn.wait()
                return 0
            }
        }
        try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode", isToPrint: true)
        isSyncing.wait()
        #expect(rig.printer.stopTransfer())
        mayGoOn.open()
        #expect(rig.end().kind == "TRANSFER_STOPPED" && rig.told == [.stopped(.user)])
        #expect(rig.content() == "old" && rig.names == ["box.gcode"])
    }

    @Test("One at a time; ids; questions and stops without a transfer")
    func oneAtATime() throws {
        let rig = try TransferRig { _ in .hold }
        defer { rig.stop() }
        rig.order(1, "STOP_TRANSFER")
        rig.order(2, "SEND_TRANSFER_INFO")
        rig.order(3, "SEND_TRANSFER_INFO", ["transfer_id": 0])
        rig.order(4, "START_URL_DOWNLOAD", ["url": .string(rig.url()), "path": "/local/box.gcode"])
        rig.order(5, "START_URL_DOWNLOAD", ["url": .string(rig.url()), "path": "/local/two.gcode"])
        rig.order(6, "STOP_TRANSFER", ["transfer_id": 0])
        rig.order(7, "STOP_TRANSFER", ["transfer_id": "x"])
        func answer(_ id: Int) -> JSONValue? { rig.events.last { $0["command_id"] == .int(Int64(id)) } }
        eventually("answers") { rig.events.count == 14 }
        #expect(answer(1)?["event"] == "REJECTED" && answer(1)?["reason"] == "No transfer in progress")
        #expect(answer(2)?["data"] == ["type": "NO_TRANSFER"] && answer(2)?["transfer_id"] == nil)
        #expect(answer(3)?["data"] == ["error": "Not current transfer."])
        #expect(answer(5)?["event"] == "REJECTED" && answer(5)?["source"] == "CONNECT")
        #expect(answer(5)?["reason"] == "Another transfer in progress")
        #expect(answer(6)?["data"] == ["error": "Wrong transfer_id"])
        #expect(answer(7)?["event"] == "FAILED")
        // Started again by a repeat: the same answer.
        rig.order(4, "START_URL_DOWNLOAD", ["url": .string(rig.url()), "path": "/local/box.gcode"])
        eventually("repeated") { rig.events.count == 15 }
        #expect(rig.events.last?["event"] == "TRANSFER_INFO" && rig.events.last == answer(4))
        let id = try #require(answer(4)?["transfer_id"])
        rig.order(8, "STOP_TRANSFER", ["transfer_id": id])
        #expect(rig.end().kind == "TRANSFER_STOPPED")
        // The id stays known.
        rig.order(9, "SEND_TRANSFER_INFO", ["transfer_id": id])
        eventually("answered") { answer(9)?["data"] == ["type": "NO_TRANSFER"] }
        #expect(rig.fileRequests.count == 1 && rig.fileRequests.first?.target == "/files/box.gcode")
    }

    @Test(
        "Refused orders leave the slot free and download nothing",
        arguments: [
            ("START_URL_DOWNLOAD", [:], "START_URL_DOWNLOAD requires path"),
            ("START_URL_DOWNLOAD", ["path": "/local/x.gcode"], "START_URL_DOWNLOAD requires url"),
            ("START_URL_DOWNLOAD", ["path": 3, "url": "http://h/x"], "START_URL_DOWNLOAD: path must be a text"),
            (
                "START_URL_DOWNLOAD", ["path": "/sd/x.gcode", "url": "http://h/x"],
                "Invalid storage: `sd` in `/sd/x.gcode`"
            ),
            (
                "START_URL_DOWNLOAD", ["path": "/local/x.gcode", "url": "file:///etc/passwd"],
                "Not an http or https address without a user name: file:///etc/passwd"
            ),
            ("START_CONNECT_DOWNLOAD", ["path": "/local/x", "hash": "a"], "START_CONNECT_DOWNLOAD requires team_id"),
            ("START_CONNECT_DOWNLOAD", ["path": "/local/x", "team_id": 1], "START_CONNECT_DOWNLOAD requires hash"),
            ("START_CONNECT_DOWNLOAD", ["hash": "a", "team_id": 1], "START_CONNECT_DOWNLOAD requires path"),
            ("START_URL_DOWNLOAD", ["path": "x.gcode", "url": "http://h/x"], "Destination must be absolute"),
            (
                "START_URL_DOWNLOAD", ["path": "/local/../x/y", "url": "http://h/x"],
                "Path leads outside of its storage: /local/../x/y"
            ),
            ("START_URL_DOWNLOAD", ["path": "/local", "url": "http://h/x"], "Is a storage: /local"),
            (
                "START_URL_DOWNLOAD", ["path": "/local/.x/y", "url": "http://h/x"], "Name begins with a dot: .x"
            ),
            (
                "START_URL_DOWNLOAD", ["path": "/local/a%b", "url": "http://h/x"],
                "Forbidden characters in filename or foldername"
            ),
            (
                "START_URL_DOWNLOAD",
                ["path": .string("/local/" + String(repeating: "n", count: 249)), "url": "http://h/x"],
                "Filename length is too long"
            ),
            (
                "START_CONNECT_DOWNLOAD", ["path": "/local/x", "hash": "..", "team_id": 1],
                "Invalid team_id or hash"
            ),
            (
                "START_CONNECT_DOWNLOAD", ["path": "/local/x", "hash": "a", "team_id": "1/../2"],
                "Invalid team_id or hash"
            ),
        ] as [(String, JSONObject, String)])
    func refused(_ name: String, _ keywords: JSONObject, _ error: String) throws {
        let rig = try TransferRig { _ in .status(404) }
        defer { rig.stop() }
        rig.order(1, name, keywords)
        eventually("answered") { rig.events.count == 2 }
        #expect(rig.events[1]["event"] == "FAILED" && rig.events[1]["data"] == ["error": .string(error)])
        #expect(rig.printer.transfer == nil && rig.fileRequests.isEmpty && rig.told.isEmpty)
    }

    @Test("A hash that means another path is only a strange name")
    func strangeHash() throws {
        let rig = try TransferRig { _ in .status(404) }
        defer { rig.stop() }
        rig.order(1, "START_CONNECT_DOWNLOAD", ["path": "/local/x", "hash": "../..?#é", "team_id": 1])
        #expect(rig.end().reason == "Invalid status code: 404")
        #expect(rig.fileRequests.map(\.target) == ["/p/teams/1/files/..%2F..%3F%23%C3%A9/raw"])
    }

    @Test("Folders that are missing are made; names with the longest length and of all the world")
    func names() throws {
        let rig = try TransferRig { _ in .status(200, body: "G28\n") }
        defer { rig.stop() }
        let names = ["new folder/deep/x.gcode", "./a//b/../ěšč (1).gcode", String(repeating: "n", count: 248)]
        for (number, name) in names.enumerated() {
            try rig.printer.startDownload(from: rig.url(), to: "/local/" + name)
            eventually("downloaded") { rig.told.count == number + 1 }
        }
        #expect(rig.told == [.finished, .finished, .finished])
        #expect(rig.content("new folder/deep/x.gcode") == "G28\n" && rig.content("a/ěšč (1).gcode") == "G28\n")
        #expect(rig.toldTransfers[1].path == "/local/a/ěšč (1).gcode")
    }

    @Test("The printer stops: so does its transfer, and Connect hears of it")
    func printerStops() throws {
        let rig = try TransferRig { _ in .hold }
        try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        eventually("under way") { !rig.fileRequests.isEmpty }
        rig.printer.stop(deadline: .seconds(30))
        #expect(rig.end() == ("TRANSFER_ABORTED", "Transfer was aborted"))
        #expect(rig.names == [])
    }

    @Test("What a kill -9 has left is removed when the storage is attached")
    func leftovers() throws {
        let directory = try TemporaryDirectory()
        try "half".write(toFile: directory.file(".box.gcode.part"), atomically: true, encoding: .utf8)
        let logs = Shared<[String]>([])
        let printer = try makePrinter(nil) { _, line in logs.change { $0.append(line) } }
        try printer.attach(Storage(name: "local", directory: directory.path))
        #expect(access(directory.file(".box.gcode.part"), F_OK) != 0)
        #expect(logs.value.contains("1 unfinished downloads removed from storage local"))
    }

    @Test("What is being printed is neither overwritten at the start nor at the end")
    func printedFile() throws {
        let file = ServedFile(text: text)
        let rig = try TransferRig { file.answer($0) }
        defer { rig.stop() }
        try "old".write(toFile: rig.directory.file("box.gcode"), atomically: true, encoding: .utf8)
        let questions = Shared(0)
        rig.printer.onPrintedFile {
            // From the second question on: the print begins while the file comes.
            let count = questions.change { count in
                count += 1
                return count
            }
            return count > 1 ? "/local/box.gcode" : nil
        }
        try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode", isToPrint: true)
        #expect(rig.end() == ("TRANSFER_ABORTED", "The file that is being printed would be overwritten"))
        #expect(throws: StorageError.printedFile("/local/box.gcode")) {
            try rig.printer.startDownload(from: rig.url(), to: "/local/box.gcode")
        }
        #expect(rig.content() == "old" && rig.names == ["box.gcode"] && rig.fileRequests.count == 1)
    }
}
