import Foundation
import Glibc
import Testing

@testable import PrusaConnect

@Suite(.timeLimit(.minutes(2))) struct StorageTests {
    private let folder: TemporaryDirectory
    private let server: ScriptedServer
    private let printer: Printer

    init() throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
        server = try ScriptedServer()
        printer = try makePrinter(server.settings)
    }

    private var tree: JSONValue { printer.storages.infoTree.parsed }

    /// The events that the server got, once they are so many.
    private func events(_ count: Int) throws -> [JSONValue] {
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("\(count) events") { server.events.count >= count && printer.waitingEvents == 0 }
        return server.events.compactMap(\.json)
    }

    // MARK: Attaching

    @Test(arguments: [
        ("", StorageError.emptyName, "Storage cannot be empty"),
        ("a/b", .badName("a/b"), "Storage cannot contain /"), ("//", .badName("//"), "Storage cannot contain /"),
        (".hidden", .badName(".hidden"), "Storage cannot be called `.hidden`"),
        ("x\u{0}", .badName("x\u{0}"), "Storage cannot be called `x\u{0}`"),
    ])
    func badNames(_ name: String, _ error: StorageError, _ text: String) {
        #expect(throws: error) { try Storage(name: name, directory: "/tmp") }
        #expect(throws: error) { try Storage(name: name, files: []) }
        #expect(error.description == text)
    }

    @Test func namesAreUsedOnce() throws {
        try printer.attach(folder.storage())
        #expect(throws: StorageError.alreadyUsed("local")) { try printer.attach(Storage(name: "local", files: [])) }
        #expect(StorageError.alreadyUsed("local").description == "`local` is already used")
        #expect(throws: StorageError.notUsed("nowhere")) { try printer.detach("nowhere") }
        #expect(StorageError.notUsed("nowhere").description == "`nowhere` is not used as a storage")
        #expect(throws: StorageError.rootIsAlone) { try printer.attach(folder.storage("/")) }
        try printer.detach("local")
        #expect(throws: StorageError.notUsed("local")) { try printer.detach("local") }
        try printer.attach(folder.storage("/"))
        #expect(throws: StorageError.rootIsAlone) { try printer.attach(folder.storage()) }
    }

    @Test func insertedAndEjected() throws {
        try folder.write("G28\n", to: "gcodes/box.gcode")
        try folder.makeFolder("gcodes/empty")
        try printer.attach(folder.storage("USB stick"))
        try printer.detach("USB stick")
        let events = try events(2)
        #expect(
            events.map(\.normalised) == [
                [
                    "event": "MEDIUM_INSERTED", "source": "WUI",
                    "data": [
                        "root": "/USB stick",
                        "files": [
                            "type": "DIR", "name": "USB stick", "read_only": false, "m_timestamp": "<mtime>", "size": 4,
                            "children": [
                                [
                                    "type": "FILE", "name": "box.gcode", "read_only": false, "m_timestamp": "<mtime>",
                                    "size": 4,
                                ],
                                [
                                    "type": "DIR", "name": "empty", "read_only": false, "m_timestamp": "<mtime>",
                                    "size": 0, "children": [],
                                ],
                            ],
                            "free_space": "<space>", "total_space": "<space>",
                        ],
                    ], "state": "BUSY",
                ],
                ["event": "MEDIUM_EJECTED", "source": "WUI", "data": ["root": "/USB stick"], "state": "BUSY"],
            ])
    }

    @Test func nothingIsToldAfterTheEnd() throws {
        for round in 0..<10 {
            try printer.attach(folder.storage())
            for number in 0..<20 { try folder.write("\(round)", to: "gcodes/\(number).gcode") }
            try printer.detach("local")
        }
        let kinds = try events(20).compactMap { $0["event"]?.string }
        var isAttached = false
        for kind in kinds {
            if kind == "MEDIUM_INSERTED" { isAttached = true }
            #expect(isAttached, "\(kinds)")
            if kind == "MEDIUM_EJECTED" { isAttached = false }
        }
    }

    @Test func everythingIsInINFO() throws {
        #expect(tree == ["type": "DIR", "name": "/", "read_only": true, "children": []])
        try folder.makeFolder("usb")
        try folder.write("123", to: "usb/x.gcode")
        try printer.attach(folder.storage("usb", "usb"))
        try printer.attach(
            Storage(name: "SD Card", files: [.file("BENCHY.GCO", FileAttributes(isReadOnly: true, size: 9))]))
        try printer.attach(folder.storage())
        #expect(tree.childNames == ["SD Card", "local", "usb"] && printer.storageNames == tree.childNames)
        #expect(tree.child("usb", "x.gcode")?["size"] == 3)
        #expect(
            tree.child("SD Card") == [
                "type": "DIR", "name": "SD Card", "size": 9,
                "children": [["type": "FILE", "name": "BENCHY.GCO", "read_only": true, "size": 9]],
            ])
        var space = statvfs()
        #expect(statvfs(folder.path, &space) == 0)
        #expect(tree.child("usb")?["total_space"]?.unsigned == UInt64(space.f_blocks) * UInt64(space.f_frsize))
        #expect(printer.infoData()["files"]?.parsed == tree)
    }

    @Test func theRootStorage() throws {
        try folder.write("123", to: "gcodes/r.gcode")
        try printer.attach(folder.storage("/"))
        #expect(tree["name"] == "/" && tree.childNames == ["r.gcode"] && tree["free_space"] != nil)
        #expect(try printer.localPath(of: "/r.gcode") == folder.file("gcodes/r.gcode"))
        #expect(try printer.find("/r.gcode").attributes.size == 3)
        try folder.write("1", to: "gcodes/new.gcode")
        eventually("told") { printer.waitingEvents == 2 }
        try printer.detach("/")
        let events = try events(3)
        #expect(events[0]["data"]?["root"] == "/" && events[2]["data"] == ["root": "/"])
        #expect(events[1]["data"]?["new_path"] == "/new.gcode")
    }

    @Test func spaceOfAStorageOfTheApplication() throws {
        try printer.attach(Storage(name: "SD", files: [], space: StorageSpace(free: 0, total: 100)))
        #expect(tree.child("SD")?["free_space"] == 0 && tree.child("SD")?["total_space"] == 100)
    }

    @Test func aStorageWithoutDirectoryLeadsNowhereOnTheHost() throws {
        try printer.attach(Storage(name: "SD", files: [.folder("etc", [.file("passwd")])]))
        for path in ["/SD/etc/passwd", "/SD/etc", "/SD", "/SD/tmp"] {
            #expect(throws: StorageError.noDirectory("SD")) { try printer.find(path) }
            #expect(throws: StorageError.noDirectory("SD")) { try printer.localPath(of: path) }
            #expect(throws: StorageError.noDirectory("SD")) { try printer.destination(path + "/x.gcode") }
        }
        #expect(try printer.storages.entry(printer.storages.parse("/SD/etc/passwd")).isFolder == false)
        #expect(throws: StorageError.notFound("/SD/tmp")) {
            try printer.storages.entry(printer.storages.parse("/SD/tmp"))
        }
    }

    @Test func pathsOfThisMachine() throws {
        try folder.makeFolder("gcodes/parts")
        try folder.write("1", to: "gcodes/parts/a.gcode")
        try printer.attach(folder.storage())
        #expect(try printer.localPath(of: "/local//parts/./a.gcode") == folder.file("gcodes/parts/a.gcode"))
        #expect(throws: StorageError.notFound("/local/b.gcode")) { try printer.localPath(of: "/local/b.gcode") }
        #expect(throws: StorageError.noStorage(name: "usb", path: "/usb/b.gcode")) {
            try printer.localPath(of: "/usb/b.gcode")
        }
    }

    // MARK: When Connect cannot be told

    @Test func changesThatDoNotFitAreMadeGoodByAnINFO() throws {
        var options = quickOptions
        options.waitingEvents = 5
        let printer = try makePrinter(server.settings, options: options)
        try printer.attach(folder.storage())
        for number in 0..<50 { try folder.write("x", to: "gcodes/\(number).gcode") }
        eventually("all are seen") { printer.storages.infoTree.parsed.child("local")?.childNames.count == 50 }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("an INFO has everything") {
            server.events.last { $0.eventKind == "INFO" }?.json?["data"]?["files"]?.child("local")?.childNames.count
                == 50
        }
    }

    @Test func aLargeTreeIsAFewBytesUntilItIsSent() throws {
        let files = (0..<2000).map { StorageFile.file("a file with a rather long name \($0).gcode") }
        try printer.attach(Storage(name: "SD", files: files))
        let value = printer.storages.infoTree
        guard case .encoded(let json) = value else {
            Issue.record("not written late")
            return
        }
        let bytes = json.bytes.count
        #expect(abs(json.size - bytes) < bytes / 2)
        #expect(value.parsed.child("SD")?.childNames.count == 2000)
    }

    @Test func aStickOfManyFolders() throws {
        for group in 0..<10 {
            for number in 0..<10 {
                let path = "gcodes/group\(group)/folder\(number)"
                try folder.makeFolder(path)
                for file in 0..<5 { try folder.write("G28\n", to: path + "/part \(file).gcode") }
            }
        }
        try printer.attach(folder.storage())
        #expect(tree.child("local")?["size"] == 2000)
        #expect(tree.child("local", "group9", "folder9", "part 4.gcode")?["size"] == 4)
        #expect(tree.child("local", "group5")?.childNames.count == 10)
    }
}
