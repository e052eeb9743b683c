import Foundation
import Glibc
import PrusaConnect
import Testing

@testable import Gantry

@Suite struct LocalStorageTests {
    private let folder: TemporaryDirectory
    private let storage: LocalStorage

    init() throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
        storage = try LocalStorage(directory: folder.file("gcodes"))
    }

    private func names(_ tree: JSONValue) -> [String] {
        (tree["children"]?.array ?? []).compactMap { $0["name"]?.string }
    }

    // MARK: The tree

    @Test func anEmptyDirectory() {
        let tree = storage.tree()
        #expect(tree["type"]?.string == "DIR")
        #expect(tree["name"]?.string == "local")
        #expect(tree["size"]?.unsigned == 0)
        #expect(tree["children"]?.array == [])
        #expect(tree["free_space"]?.unsigned ?? 0 > 0)
        #expect(tree["total_space"]?.unsigned ?? 0 >= tree["free_space"]?.unsigned ?? 0)
        #expect((tree["m_timestamp"]?.unsigned ?? 0) > 1_500_000_000)
        let root = storage.rootTree()
        #expect(root["name"]?.string == "/")
        #expect(root["read_only"]?.bool == true)
        #expect(names(root) == ["local"])
    }

    @Test func entriesAreSortedWithSizesAndSums() throws {
        try folder.write(String(repeating: "x", count: 100), to: "gcodes/b.gcode")
        try folder.write("123", to: "gcodes/a.gcode")
        try folder.makeFolder("gcodes/deep/deeper")
        try folder.write("12345", to: "gcodes/deep/deeper/c.gcode")
        let tree = storage.tree()
        #expect(names(tree) == ["a.gcode", "b.gcode", "deep"])
        #expect(tree["size"]?.unsigned == 108)
        let deep = try #require(tree["children"]?.array?.last)
        #expect(deep["type"]?.string == "DIR")
        #expect(deep["size"]?.unsigned == 5)
        #expect(deep["free_space"] == nil)
        let file = try #require(deep["children"]?.array?.first?["children"]?.array?.first)
        #expect(file["type"]?.string == "FILE")
        #expect(file["name"]?.string == "c.gcode")
        #expect(file["size"]?.unsigned == 5)
        #expect(file["read_only"]?.bool == false)
        #expect(file["children"] == nil)
    }

    @Test func hiddenEntriesLinksAndOddThingsAreLeftOut() throws {
        try folder.write("x", to: "gcodes/.hidden")
        try folder.makeFolder("gcodes/.cache")
        try folder.write("x", to: "gcodes/.cache/inside.gcode")
        try folder.write("x", to: "gcodes/shown.gcode")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("gcodes/link.gcode"), withDestinationPath: "/etc/passwd")
        try FileManager.default.createSymbolicLink(atPath: folder.file("gcodes/loop"), withDestinationPath: ".")
        #expect(mkfifo(folder.file("gcodes/fifo"), 0o600) == 0)
        // A name in Latin-1: it cannot travel in JSON.
        let name = Array((folder.file("gcodes/") + "b").utf8CString.dropLast()) + [CChar(bitPattern: 0xFC), 0]
        #expect(close(open(name, O_CREAT | O_WRONLY, 0o600)) == 0)
        #expect(names(storage.tree()) == ["shown.gcode"])
    }

    @Test func veryDeepFoldersEndSomewhere() throws {
        try folder.makeFolder("gcodes/" + (0..<40).map { "d\($0)" }.joined(separator: "/"))
        var levels = 0
        var tree = storage.tree()
        while let child = tree["children"]?.array?.first {
            levels += 1
            tree = child
        }
        #expect(levels == 16)
    }

    // MARK: Paths

    @Test(arguments: [
        "box.gcode", "Übergröße – 0,2 mm.gcode", "two  blanks .gcode", "plus+and&and%20?.gcode", "quote\"s'.gcode",
        "semi;colon.gcode", "back\\slash.gcode", "emoji 🦊.gcode", "e\u{301}.gcode", "..twodots is hidden",
        "tab\tand\nbreak.gcode", "-rf", "~", "$HOME", String(repeating: "n", count: 255),
    ])
    func odd(_ name: String) throws {
        try folder.write("12345", to: "gcodes/" + name)
        guard !name.hasPrefix(".") else {
            #expect(throws: LocalStorageError.notFound("/local/" + name)) { try storage.resolve("/local/" + name) }
            return
        }
        #expect(names(storage.tree()) == [name])
        #expect(try storage.resolve("/local/" + name) == storage.root + "/" + name)
        let info = try storage.fileInfo("/local/" + name)
        #expect(info["path"]?.string == "/local/" + name)
        #expect(info["size"]?.unsigned == 5)
    }

    @Test func filesInFolders() throws {
        try folder.makeFolder("gcodes/parts/a")
        try folder.write("x", to: "gcodes/parts/a/box.gcode")
        #expect(try storage.resolve("/local/parts/a/box.gcode") == storage.root + "/parts/a/box.gcode")
        #expect(try storage.resolve("/local/parts") == storage.root + "/parts")
        #expect(try storage.resolve("/local") == storage.root)
    }

    @Test(arguments: [
        "", "/", "local", "local/box.gcode", "box.gcode", "/box.gcode", "/Local/box.gcode", "/usb/box.gcode",
        "/localx/box.gcode", "//local/box.gcode", "/local//box.gcode", "/local/", "/local/./box.gcode",
        "/local/../local/box.gcode", "/local/..", "/local/../secret.txt", "/local/sub/../../secret.txt",
        "/local/sub/../box.gcode", "/local/missing.gcode", "/local/box.gcode/", "/local/box.gcode/inside",
        "/local/box.gcode\u{0}", "/local/box.gcode\u{0}.txt", "/local/.hidden", "/local/.cache/x",
        "/local/../gcodes-evil/x.gcode", "/local/out/passwd", "/local/out.gcode", "/local/neighbour",
        "/local/x\u{301}/\u{301}..\u{301}/../../secret.txt", "/local/" + String(repeating: "n", count: 5000),
    ])
    func leadNowhere(_ path: String) throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try folder.makeFolder("gcodes/sub")
        try folder.write("x", to: "gcodes/.hidden")
        try folder.makeFolder("gcodes/.cache")
        try folder.write("x", to: "gcodes/.cache/x")
        try folder.write("secret", to: "secret.txt")
        // A sibling whose name begins like ours.
        try folder.makeFolder("gcodes-evil")
        try folder.write("x", to: "gcodes-evil/x.gcode")
        let manager = FileManager.default
        try manager.createSymbolicLink(atPath: folder.file("gcodes/out"), withDestinationPath: "/etc")
        try manager.createSymbolicLink(atPath: folder.file("gcodes/out.gcode"), withDestinationPath: "../secret.txt")
        try manager.createSymbolicLink(atPath: folder.file("gcodes/neighbour"), withDestinationPath: "../gcodes-evil")
        #expect(throws: LocalStorageError.notFound(path)) { try storage.resolve(path) }
        #expect(throws: LocalStorageError.notFound(path)) { try storage.fileInfo(path) }
    }

    @Test func linksThatStayInsideAreFollowed() throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("gcodes/latest.gcode"), withDestinationPath: "box.gcode")
        #expect(try storage.resolve("/local/latest.gcode") == storage.root + "/box.gcode")
    }

    @Test func aDirectoryThatIsALinkItself() throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("gcodes"))
        let linked = try LocalStorage(directory: folder.file("link"))
        #expect(try linked.resolve("/local/box.gcode") == storage.root + "/box.gcode")
    }

    @Test func infoIsForFilesOnly() throws {
        try folder.makeFolder("gcodes/sub")
        #expect(mkfifo(folder.file("gcodes/fifo"), 0o600) == 0)
        #expect(throws: LocalStorageError.isFolder("/local/sub")) { try storage.fileInfo("/local/sub") }
        #expect(throws: LocalStorageError.isFolder("/local")) { try storage.fileInfo("/local") }
        #expect(throws: LocalStorageError.notFound("/local/fifo")) { try storage.fileInfo("/local/fifo") }
    }

    // MARK: The directory itself

    @Test func aMissingDirectoryIsMade() throws {
        let made = try LocalStorage(directory: folder.file("new"))
        #expect(made.tree()["children"]?.array == [])
        var isDirectory: ObjCBool = false
        #expect(FileManager.default.fileExists(atPath: folder.file("new"), isDirectory: &isDirectory))
        #expect(isDirectory.boolValue)
    }

    @Test func whatIsNoDirectoryIsRefused() throws {
        try folder.write("x", to: "file")
        for path in [folder.file("file"), folder.file("not/there"), ""] {
            #expect(throws: LocalStorageError.self) { try LocalStorage(directory: path) }
        }
        #expect(
            LocalStorageError.unusable(path: "/x", errno: ENOTDIR).description
                == "The directory /x cannot be used: Not a directory")
    }

    @Test func aDirectoryThatVanishesIsEmpty() throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try FileManager.default.removeItem(atPath: folder.file("gcodes"))
        #expect(storage.tree()["children"]?.array == [])
        #expect(throws: LocalStorageError.notFound("/local/box.gcode")) { try storage.resolve("/local/box.gcode") }
    }
}
