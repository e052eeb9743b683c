import Foundation
import Glibc
import Testing

@testable import PrusaConnect

/// What the Python package 0.8.1 told about files, done again on a real directory: the same events, apart from the
/// differences that are meant and named where they are.
@Suite(.timeLimit(.minutes(2))) struct FileConformanceTests {
    /// A printer with the recorded storage, and a server that gives out commands.
    private final class Rig {
        let folder: TemporaryDirectory
        let server: ScriptedServer
        let printer: Printer
        let recording: [String: [Exchange]]
        private let commands = Shared<[Exchange]>([])
        private var seen = 0

        init() throws {
            recording = try Exchange.recording()
            folder = try TemporaryDirectory()
            let commands = commands
            server = try ScriptedServer { request in
                guard request.isTelemetry else { return .noContent }
                guard let next = commands.change({ $0.isEmpty ? nil : $0.removeFirst() }) else { return .noContent }
                return .respond(200, next.answerHeaders, next.answerBody)
            }
            printer = try makePrinter(server.settings)
            printer.setState(.idle, source: .user)
            try printer.start()
            eventually("the state is told") { server.events.count == 1 }
            seen = 1
        }

        /// What was recorded.
        func recorded(_ situation: String) throws -> [JSONValue] {
            try #require(recording[situation]).filter { $0.path == Wire.eventsPath }.compactMap { $0.json?.normalised }
        }

        /// Waits until so many events have come, and returns them in the order in which they came.
        func next(_ count: Int, _ what: String) -> [JSONValue] {
            eventually(what) { server.events.count >= seen + count }
            let new = server.events.dropFirst(seen).prefix(count).compactMap { $0.json?.normalised }
            seen += new.count
            return new
        }

        /// Does something and compares what is told with the recording.
        func check(_ situation: String, _ change: ([JSONValue]) -> [JSONValue] = { $0 }, _ body: () throws -> Void)
            throws
        {
            let expected = change(try recorded(situation))
            try body()
            #expect(next(expected.count, situation) == expected, "\(situation)")
        }

        /// Gives out the recorded commands one after another, and returns all events of each.
        func answers(_ situation: String) throws -> [(answer: [JSONValue], files: [JSONValue])] {
            try #require(recording[situation]).filter(\.isCommand).map { command in
                let start = seen
                commands.change { $0.append(command) }
                eventually(situation) { server.events.dropFirst(start).count { $0.json?["command_id"] != nil } == 2 }
                // What it did to files is told before a marker.
                let marker = "marker-\(seen)"
                try folder.write("x", to: "local/" + marker)
                eventually("the marker") { server.events.contains { $0.json?.newPath == "/local/" + marker } }
                try folder.remove("local/" + marker)
                eventually("its end") { server.events.contains { $0.json?.oldPath == "/local/" + marker } }
                let all = server.events.dropFirst(start).compactMap { $0.json?.normalised }
                seen = start + all.count
                return (
                    all.filter { $0["command_id"] != nil },
                    all.filter { $0["command_id"] == nil && !"\($0)".contains(marker) }
                )
            }
        }
    }

    private func makeRig() throws -> Rig {
        let rig = try Rig()
        try rig.check("storage: attach a directory") {
            let recorded = try rig.recorded("storage: attach a directory")[0]["data"]?["files"]
            try rig.printer.attach(rig.folder.recorded(#require(recorded)))
        }
        return rig
    }

    @Test func storages() throws {
        let rig = try makeRig()
        defer { rig.printer.stop(deadline: .zero) }
        try rig.check("storage: attach and detach a second one") {
            let recorded = try rig.recorded("storage: attach and detach a second one")[0]["data"]?["files"]
            try rig.printer.attach(rig.folder.recorded(#require(recorded)))
            try rig.printer.detach("USB stick")
        }
        try rig.check("storage: a tree without a directory behind it") {
            let recorded = try rig.recorded("storage: a tree without a directory behind it")[0]["data"]?["files"]
            try rig.printer.attach(rig.folder.recorded(#require(recorded)))
        }
    }

    @Test func filesAndFolders() throws {
        let rig = try makeRig()
        defer { rig.printer.stop(deadline: .zero) }
        let folder = rig.folder
        func size(_ count: Int) -> String { String(repeating: "x", count: count) }
        try rig.check("inotify: a new file") { try folder.write(size(952), to: "local/new.gcode") }
        try rig.check("inotify: the file is written again") { try folder.write(size(959), to: "local/new.gcode") }
        try rig.check("inotify: the file is renamed") { try folder.move("local/new.gcode", to: "local/renamed.gcode") }
        try rig.check("inotify: the file is deleted") { try folder.remove("local/renamed.gcode") }
        try rig.check("inotify: hidden files are ignored", { _ in [] }) {
            try folder.write("x", to: "local/.hidden.gcode")
        }
        let parts = try rig.recorded("inotify: a folder, then a file in it")
        try folder.makeFolder("local/dir")
        #expect(rig.next(1, "the folder") == [parts[0]])
        try folder.write(size(954), to: "local/dir/inner.gcode")
        #expect(rig.next(1, "the file") == [parts[1]])
        try rig.check("inotify: a folder with a file moved in") {
            try folder.makeFolder("pack")
            try folder.write(size(955), to: "pack/packed.gcode")
            try folder.move("pack", to: "local/pack")
        }
        try rig.check("inotify: a deep tree moved in", deepTree) {
            try folder.makeFolder("d1/d2")
            try folder.write(size(952), to: "d1/top.gcode")
            try folder.write(size(10), to: "d1/d2/deep.gcode")
            try folder.move("d1", to: "local/d1")
        }
        try rig.check("inotify: a whole tree removed") { try folder.remove("local/pack") }
        // The package fails and is silent: here a link to a file is a file.
        try folder.write("x", to: "outside.gcode")
        #expect(link(folder.file("outside.gcode"), folder.file("local/link.gcode")) == 0)
        #expect(rig.next(1, "the link").first?.newPath == "/local/link.gcode")
        #expect(unlink(folder.file("local/link.gcode")) == 0)
        #expect(rig.next(1, "its end").first?.oldPath == "/local/link.gcode")
    }

    /// A tree that is moved in is complete: the package leaves out what is deeper, and its attributes.
    private func deepTree(_ recorded: [JSONValue]) -> [JSONValue] {
        let deep: JSONValue = [
            "type": "PRINT_FILE", "name": "deep.gcode", "read_only": false, "m_timestamp": "<mtime>", "size": 10,
        ]
        let data: JSONValue = ["new_path": "/local/d1/d2/deep.gcode", "file": deep, "free_space": "<space>"]
        let d2: JSONValue = [
            "type": "FOLDER", "name": "d2", "read_only": false, "m_timestamp": "<mtime>", "size": 10,
        ]
        guard let folder = recorded[1]["data"], let file = folder["file"], let top = file["children"]?.array?.last
        else {
            return recorded
        }
        let complete = file.with([("size", 962), ("children", [d2, top])])
        return [
            recorded[0].with([("data", data)]), recorded[0],
            recorded[1].with([("data", folder.with([("file", complete)]))]),
        ]
    }

    @Test func renamesAndTheStorageItself() throws {
        let rig = try makeRig()
        defer { rig.printer.stop(deadline: .zero) }
        let folder = rig.folder
        try rig.check("quirk: attach for the rename experiments") {
            try folder.makeFolder("odd/old")
            try rig.printer.attach(folder.storage("odd", "odd"))
        }
        // The package tells a third event: that the folder is gone under its new name.
        try rig.check("quirk: a renamed folder is announced as deleted", { Array($0.prefix(2)) }) {
            try folder.move("odd/old", to: "odd/new")
        }
        try rig.check("quirk: a folder moved out of the storage") {
            try folder.makeFolder("odd/out")
            eventually("it is seen") { rig.printer.storages.infoTree.parsed.child("odd", "out") != nil }
            try folder.move("odd/out", to: "out")
        }
        try rig.check("quirk: touch and chmod go unnoticed") {
            try folder.write(String(repeating: "x", count: 952), to: "odd/t.gcode")
        }
        // The package deletes the storage's own directory.
        let refused = try rig.answers("quirk: DELETE_FOLDER of the storage itself")[0]
        #expect(refused.answer[1]["data"] == ["error": "Is a storage: /odd"] && refused.files.isEmpty)
        #expect(folder.exists("odd/t.gcode"))
        try rig.check("quirk: detach after the rename experiments") { try rig.printer.detach("odd") }
    }

    @Test func theRootStorage() throws {
        let rig = try Rig()
        defer { rig.printer.stop(deadline: .zero) }
        // The package calls it __ROOT__, and cannot detach it.
        func named(_ events: [JSONValue]) -> [JSONValue] {
            events.map { event in
                event.with([
                    ("state", "IDLE"), ("data", event["data"]?.with([("root", "/")])),
                ])
            }
        }
        try rig.check("quirk: the root storage", named) {
            try rig.folder.makeFolder("root")
            try rig.folder.write(String(repeating: "x", count: 952), to: "root/r.gcode")
            try rig.printer.attach(rig.folder.storage("/", "root"))
            try rig.printer.detach("/")
        }
    }

    /// Texts for people instead of Python's.
    private static let texts: [UInt64: String] = [
        115: "Invalid storage: `nowhere` in `/nowhere/x`", 116: "Destination must be absolute",
        117: "CREATE_FOLDER requires kwargs", 118: "Directory not empty", 121: "File does not exist: /local/none",
        123: "File does not exist: /local/gone.gcode", 124: "Is a folder: /local/a", 125: "DELETE_FILE requires kwargs",
        126: "File is read only", 127: "Storage `SD Card` cannot be changed from here",
        128: "This file is currently printed",
    ]

    @Test(arguments: [
        "command: CREATE_FOLDER", "command: DELETE_FOLDER", "command: DELETE_FILE",
        "command: DELETE_FOLDER while printing, substring match",
    ])
    func commands(_ situation: String) throws {
        let rig = try makeRig()
        defer { rig.printer.stop(deadline: .zero) }
        let sd = try rig.recorded("storage: a tree without a directory behind it")[0]["data"]?["files"]
        try rig.printer.attach(rig.folder.recorded(#require(sd)))
        rig.printer.onPrintedFile { "/local/box.gcode" }
        for name in ["full", "bo"] {
            try rig.folder.makeFolder(name)
            try rig.folder.write("x", to: name + "/x.gcode")
            try rig.folder.move(name, to: "local/" + name)
        }
        try rig.folder.write("x", to: "local/gone.gcode")
        _ = rig.next(6, "all that is there before")
        let all = try rig.recorded(situation)
        let expectedFiles = all.filter { $0["command_id"] == nil && $0.newPath == nil }
        var told: [JSONValue] = []
        for (answer, files) in try rig.answers(situation) {
            let id = answer.first?["command_id"]?.unsigned
            told += files
            let expected = all.filter { $0["command_id"]?.unsigned == id }.map { event in
                guard event["event"] == "FAILED" else { return event }
                // A name that only begins like the printed file's folder is no reason.
                if id == 129 {
                    return event.with([("event", "FINISHED"), ("source", "CONNECT"), ("reason", nil), ("data", [:])])
                }
                return event.with([("data", ["error": .string(id.flatMap { Self.texts[$0] } ?? "")])])
            }
            #expect(answer == expected, "\(situation)")
        }
        switch situation {
        case "command: CREATE_FOLDER":
            // One event or two, by whether the inner folder was there at the first look.
            #expect(["/local/made", "/local/made/deeper"].contains(told.last?.newPath) && told.count <= 2)
            #expect(rig.printer.storages.infoTree.parsed.child("local", "made", "deeper") != nil)
        case "command: DELETE_FOLDER while printing, substring match":
            #expect(told.map(\.oldPath) == ["/local/bo/x.gcode", "/local/bo"])
        default: #expect(told == expectedFiles)
        }
    }
}

extension JSONValue {
    fileprivate var newPath: String? { self["data"]?["new_path"]?.string }
    fileprivate var oldPath: String? { self["data"]?["old_path"]?.string }
}
