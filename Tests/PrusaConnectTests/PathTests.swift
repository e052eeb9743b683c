import Foundation
import Glibc
import Testing

@testable import PrusaConnect

@Suite struct PathTests {
    private let folder: TemporaryDirectory
    private let storages = Storages()
    private var directory: StorageDirectory {
        StorageDirectory(storage: "local", path: folder.file("gcodes"), canWrite: systemWriteCheck)
    }

    init() throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
    }

    private func parse(_ path: String) throws(StorageError) -> StoragePath {
        try StoragePath(path, isRootAttached: false)
    }

    // MARK: Taking paths apart

    @Test(arguments: [
        ("/local", "/local"), ("/local/", "/local"), ("//local", "/local"), ("/./local", "/local"),
        ("/local/box.gcode", "/local/box.gcode"), ("/local//box.gcode", "/local/box.gcode"),
        ("/local/./box.gcode", "/local/box.gcode"), ("/local/a/../box.gcode", "/local/box.gcode"),
        ("/local/a/b/../../box.gcode", "/local/box.gcode"), ("/local/a/..", "/local"),
        ("/local/box.gcode/", "/local/box.gcode"), ("/local/...", "/local/..."), ("/local/a b/č", "/local/a b/č"),
        ("/SD Card/BENCHY.GCO", "/SD Card/BENCHY.GCO"), ("/local/~", "/local/~"), ("/local/-rf", "/local/-rf"),
    ])
    func clean(_ path: String, _ cleaned: String) throws {
        #expect(try parse(path).description == cleaned)
    }

    @Test(arguments: [
        ("", StorageError.notAbsolute("")), ("local/x", .notAbsolute("local/x")), ("../x", .notAbsolute("../x")),
        ("/", .noStorage(name: "", path: "/")), ("//", .noStorage(name: "", path: "//")),
        ("/.", .noStorage(name: "", path: "/.")), ("/..", .outside("/..")), ("/local/..", .outside("/local/..")),
        ("/local/../usb/x", .outside("/local/../usb/x")), ("/local/a/../../x", .outside("/local/a/../../x")),
        ("/local/x\u{0}", .notFound("/local/x\u{0}")), ("/local/a\u{0}b/c", .notFound("/local/a\u{0}b/c")),
    ])
    func refuse(_ path: String, _ error: StorageError) {
        #expect(throws: error) { try parse(path) }
    }

    @Test func aSlashWithAnAccentIsASlash() throws {
        // For Swift's strings "/" followed by U+0301 is one character that is no slash.
        #expect(try parse("/local/a/\u{301}b").names == ["a", "\u{301}b"])
        #expect(throws: StorageError.self) { try parse("/local/..\u{2F}\u{301}/../../x") }
        // Two spellings of é are two files.
        #expect(try parse("/local/\u{E9}") != parse("/local/e\u{301}"))
    }

    @Test func theRootStorage() throws {
        let path = try StoragePath("/parts//box.gcode", isRootAttached: true)
        #expect(path.storage == "/" && path.names == ["parts", "box.gcode"] && path.description == "/parts/box.gcode")
        #expect(try StoragePath("/", isRootAttached: true).description == "/")
        #expect(throws: StorageError.outside("/..")) { try StoragePath("/..", isRootAttached: true) }
    }

    @Test func insideIsAQuestionOfWholeNames() throws {
        let box = try parse("/local/box.gcode")
        #expect(box.isInside(try parse("/local")) && box.isInside(box))
        #expect(try !box.isInside(parse("/local/bo")) && !box.isInside(parse("/loca")))
        #expect(try !box.isInside(parse("/local/box.gcode/deeper")) && !box.isInside(parse("/LOCAL")))
    }

    // MARK: Existing files

    @Test(arguments: [
        "box.gcode", "Übergröße – 0,2 mm.gcode", "two  blanks .gcode", "quote\"s'.gcode", "semi;colon.gcode",
        "back\\slash.gcode", "emoji 🦊.gcode", "e\u{301}.gcode", "tab\tand\nbreak.gcode", "-rf", "~", "$HOME", "%2e%2e",
        String(repeating: "n", count: 255),
    ])
    func oddNamesAreFound(_ name: String) throws {
        try folder.write("12345", to: "gcodes/" + name)
        let found = try directory.find(parse("/local/" + name))
        #expect(found.attributes.size == 5 && !found.isFolder)
        var bytes = [UInt8](repeating: 0, count: 10)
        let file = try found.openForReading()
        #expect(read(file.number, &bytes, 10) == 5)
    }

    @Test(arguments: [
        "/local/missing.gcode", "/local/box.gcode/inside", "/local/.hidden", "/local/.cache/x", "/local/sub/.hidden/x",
        "/local/out/passwd", "/local/out.gcode", "/local/neighbour", "/local/neighbour/x.gcode", "/local/inside.gcode",
        "/local/loop", "/local/fifo", "/local/dangling", "/local/" + String(repeating: "n", count: 256),
        "/local/" + String(repeating: "n/", count: 5000),
    ])
    func nothingElseIsFound(_ path: String) throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try folder.makeFolder("gcodes/sub/.hidden")
        try folder.write("x", to: "gcodes/sub/.hidden/x")
        try folder.write("x", to: "gcodes/.hidden")
        try folder.makeFolder("gcodes/.cache")
        try folder.write("x", to: "gcodes/.cache/x")
        try folder.makeFolder("gcodes-evil")
        try folder.write("x", to: "gcodes-evil/x.gcode")
        try folder.link("gcodes/out", to: "/etc")
        try folder.link("gcodes/out.gcode", to: "/etc/passwd")
        try folder.link("gcodes/neighbour", to: "../gcodes-evil")
        // Links do not exist for Connect, not even those that stay inside.
        try folder.link("gcodes/inside.gcode", to: "box.gcode")
        try folder.link("gcodes/loop", to: "loop")
        try folder.link("gcodes/dangling", to: "nothing")
        #expect(mkfifo(folder.file("gcodes/fifo"), 0o600) == 0)
        let parsed = try parse(path)
        #expect(throws: StorageError.notFound(parsed.description)) { try directory.find(parsed) }
    }

    @Test func foldersAndTheStorageItself() throws {
        try folder.makeFolder("gcodes/parts/a")
        #expect(try directory.find(parse("/local/parts/a")).isFolder)
        let root = try directory.find(parse("/local"))
        #expect(root.isFolder && root.parent == nil)
        #expect(throws: StorageError.isFolder("/local/parts")) {
            try directory.find(parse("/local/parts")).openForReading()
        }
    }

    @Test func aStorageWhoseDirectoryIsALink() throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try folder.link("link", to: "gcodes")
        let linked = StorageDirectory(storage: "local", path: folder.file("link"), canWrite: systemWriteCheck)
        #expect(try linked.find(parse("/local/box.gcode")).attributes.size == 1)
    }

    @Test func aFileThatIsReplacedMeanwhileIsNotTakenForTheOldOne() throws {
        try folder.write("old", to: "gcodes/box.gcode")
        let found = try directory.find(parse("/local/box.gcode"))
        try folder.move("gcodes/box.gcode", to: "gcodes/kept.gcode")
        try folder.link("gcodes/box.gcode", to: "/etc/passwd")
        #expect(throws: StorageError.notFound("/local/box.gcode")) { try found.openForReading() }
    }

    // MARK: New files

    @Test(arguments: [
        ("box\\.gcode", StorageError.forbiddenCharacters("box\\.gcode")), ("a?b", .forbiddenCharacters("a?b")),
        ("a\"b", .forbiddenCharacters("a\"b")), ("50%.gcode", .forbiddenCharacters("50%.gcode")),
        ("a¯b", .forbiddenCharacters("a¯b")), ("20°.gcode", .forbiddenCharacters("20°.gcode")),
        ("#1", .forbiddenCharacters("#1")), ("aˇb", .forbiddenCharacters("aˇb")), (".hidden", .hiddenName(".hidden")),
        (String(repeating: "n", count: 249), .nameTooLong(String(repeating: "n", count: 249))),
        // 125 characters, 250 bytes.
        (String(repeating: "č", count: 125), .nameTooLong(String(repeating: "č", count: 125))),
    ])
    func namesThatAreRefused(_ name: String, _ error: StorageError) throws {
        let path = StoragePath(storage: "local", names: ["sub", name])
        #expect(throws: error) { try directory.destination(path, longestName: FileName.longestDownload) }
        #expect(!folder.exists("gcodes/sub"))
    }

    @Test(arguments: ["new folder/ěšč (1).gcode", "a/b/c/d.gcode", String(repeating: "n", count: 248), "box.gcode"])
    func placesForNewFiles(_ name: String) throws {
        try folder.write("x", to: "gcodes/box.gcode")
        let place = try directory.destination(parse("/local/" + name), longestName: FileName.longestDownload)
        #expect((place.existing != nil) == (name == "box.gcode"))
        #expect(try #require(place.freeSpace) > 0)
        let file = openat(place.folder.number, ".part", O_CREAT | O_WRONLY, 0o600)
        #expect(file >= 0 && close(file) == 0 && fsync(place.folder.number) == 0)
        #expect(renameat(place.folder.number, ".part", place.folder.number, place.name) == 0)
        #expect(folder.exists("gcodes/" + name))
    }

    @Test(arguments: [
        ("/local", StorageError.isStorage("/local")), ("/local/sub", .isFolder("/local/sub")),
        ("/local/box.gcode/x", .isFile("/local/box.gcode")), ("/local/out/x", .isFile("/local/out")),
        ("/local/.cache/x", .hiddenName(".cache")), ("/local/new/.git/x", .hiddenName(".git")),
        ("/local/new/a#/x", .forbiddenCharacters("a#")),
        (
            "/local/new/" + String(repeating: "d", count: 256) + "/x",
            .folderNameTooLong(String(repeating: "d", count: 256))
        ),
    ])
    func placesThatAreRefused(_ path: String, _ error: StorageError) throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try folder.makeFolder("gcodes/sub")
        try folder.makeFolder("gcodes/.cache")
        try folder.link("gcodes/out", to: "/tmp")
        #expect(throws: error) { try directory.destination(parse(path)) }
        // Nothing is made before every name was checked.
        #expect(!folder.exists("gcodes/new"))
    }

    @Test("The length of a folder's name is one of bytes, too")
    func longFolderNames() throws {
        // 127 and 128 characters, 254 and 256 bytes.
        let longest = String(repeating: "č", count: 127)
        _ = try directory.destination(parse("/local/\(longest)/x"))
        #expect(folder.exists("gcodes/" + longest))
        let tooLong = longest + "č"
        #expect(throws: StorageError.folderNameTooLong(tooLong)) {
            try directory.destination(parse("/local/new/\(tooLong)/x"))
        }
        #expect(!folder.exists("gcodes/new"))
    }

    @Test func foldersOfOthersMayHaveAnyName() throws {
        try folder.makeFolder("gcodes/50% infill")
        _ = try directory.destination(parse("/local/50% infill/box.gcode"))
    }

    @Test func aStorageWithoutItsDirectory() throws {
        try folder.remove("gcodes")
        #expect(throws: StorageError.unusable(name: "local", code: ENOENT)) { try directory.find(parse("/local/x")) }
        #expect(throws: StorageError.unusable(name: "local", code: ENOENT)) {
            try directory.destination(parse("/local/x"))
        }
    }

    @Test("Whatever the path, what is found is inside the storage")
    func randomPaths() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("randomPaths: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        try folder.makeFolder("gcodes/a/b")
        try folder.write("x", to: "gcodes/a/f")
        try folder.write("x", to: "secret")
        try folder.link("gcodes/a/up", to: "../..")
        try folder.link("gcodes/l", to: "/")
        let parts = [
            "a", "b", "f", "..", ".", "", "up", "l", "local", "secret", "gcodes", "é", "e\u{301}", "\u{301}", "...",
        ]
        var found = 0
        for _ in 0..<3000 {
            let path = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                "/" + (parts.randomElement(using: &random) ?? "")
            }.joined()
            guard let parsed = try? parse("/local" + path) else { continue }
            #expect(parsed.names.allSatisfy { !["", ".", ".."].contains($0) && !$0.utf8.contains(UInt8(ascii: "/")) })
            #expect(try parse(parsed.description) == parsed)
            guard let entry = try? directory.find(parsed) else { continue }
            found += 1
            let real = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(entry.entry.number)")
            #expect((real + "/").hasPrefix(folder.file("gcodes") + "/"), "\(path)")
        }
        #expect(found > 50)
    }
}
