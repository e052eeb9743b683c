import Foundation
import Glibc
import Testing

@testable import PrusaConnect

/// The commands that make and delete files, on a real directory.
@Suite(.timeLimit(.minutes(2))) struct FileCommandTests {
    private let folder: TemporaryDirectory
    private let printer: Printer

    init() throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
        printer = try Printer(
            type: .mk3s, serialNumber: testSerial, fingerprint: nil, connection: nil, info: PrinterInfo(),
            options: quickOptions, log: nil, clock: .system, storages: Storages(canWrite: modeWriteCheck),
            makeTransport: { () throws(TransportError) -> any Transport in try CurlTransport() })
        try printer.attach(folder.storage())
        try printer.attach(
            Storage(
                name: "SD Card",
                files: [
                    .file("BENCHY.GCO", FileAttributes(isReadOnly: true, size: 4096)),
                    .folder("SUB", isReadOnly: true, [.file("ONE.G")]),
                ]))
    }

    /// Runs a command as the commands thread does; the text that it fails with, `nil` when it is done.
    private func run(_ name: CommandName, _ keywords: JSONObject) -> String? {
        do {
            let command = Command(id: 1, name: name, keywords: keywords)
            let result =
                switch name {
                case .deleteFile: try printer.deleteFile(command)
                case .deleteFolder: try printer.deleteFolder(command)
                default: try printer.createFolder(command)
                }
            return result == .finished ? nil : "\(result)"
        } catch {
            return "\(error)"
        }
    }

    private func run(_ name: CommandName, _ path: String, isForced: Bool? = nil) -> String? {
        run(name, isForced.map { ["path": .string(path), "force": .bool($0)] } ?? ["path": .string(path)])
    }

    // MARK: CREATE_FOLDER

    @Test(arguments: [
        "/local/made", "/local/made/deeper/still", "/local//a/./b", "/local/a/../b", "/local/new folder (ěšč)",
        "/local/" + String(repeating: "n", count: 255),
    ])
    func foldersAreMade(_ path: String) throws {
        #expect(run(.createFolder, path) == nil)
        // Again: it is there, which is what was wanted.
        #expect(run(.createFolder, path) == nil)
        #expect(try printer.find(path).isFolder)
    }

    @Test(arguments: [
        ("/nowhere/x", "Invalid storage: `nowhere` in `/nowhere/x`"), ("relative/x", "Destination must be absolute"),
        ("/local", "Is a storage: /local"), ("/local/", "Is a storage: /local"),
        ("/local/../gcodes-evil/x", "Path leads outside of its storage: /local/../gcodes-evil/x"),
        ("/local/.hidden", "Name begins with a dot: .hidden"), ("/local/a/.b/c", "Name begins with a dot: .b"),
        ("/local/a?", "Forbidden characters in filename or foldername"),
        ("/local/a\"/b", "Forbidden characters in filename or foldername"),
        ("/local/" + String(repeating: "n", count: 256), "Foldername length is too long"),
        ("/local/box.gcode", "Is not a folder: /local/box.gcode"),
        ("/local/box.gcode/sub", "Is not a folder: /local/box.gcode/sub"),
        ("/local/link/sub", "Is not a folder: /local/link/sub"),
        ("/SD Card/x", "Storage `SD Card` cannot be changed from here"), ("", "Destination must be absolute"),
    ])
    func foldersAreNotMade(_ path: String, _ text: String) throws {
        try folder.write("x", to: "gcodes/box.gcode")
        try folder.link("gcodes/link", to: "..")
        #expect(run(.createFolder, path) == text)
        #expect(!folder.exists("gcodes/a") && !folder.exists("sub") && !folder.exists("gcodes-evil"))
    }

    @Test(arguments: [CommandName.createFolder, .deleteFile, .deleteFolder]) func arguments(_ name: CommandName) {
        #expect(run(name, [:]) == "\(name) requires kwargs")
        #expect(run(name, ["other": 1]) == "\(name) requires path")
        #expect(run(name, ["path": 5]) == "\(name): path must be a text")
        #expect(run(name, ["path": nil]) == "\(name) requires path")
    }

    // MARK: DELETE_FILE

    @Test func filesAreDeleted() throws {
        try folder.makeFolder("gcodes/a")
        try folder.write("x", to: "gcodes/a/f.gcode")
        #expect(run(.deleteFile, "/local/a//f.gcode") == nil)
        #expect(!folder.exists("gcodes/a/f.gcode") && folder.exists("gcodes/a"))
        #expect(run(.deleteFile, "/local/a/f.gcode") == "File does not exist: /local/a/f.gcode")
    }

    @Test(arguments: [
        ("/local", "Is a folder: /local"), ("/local/a", "Is a folder: /local/a"),
        ("/local/../secret", "Path leads outside of its storage: /local/../secret"),
        ("/local/.hidden", "File does not exist: /local/.hidden"),
        ("/local/link", "File does not exist: /local/link"),
        ("/local/out/secret", "File does not exist: /local/out/secret"),
        ("/local/protected.gcode", "File is read only"), ("/SD Card/BENCHY.GCO", "File is read only"),
        ("/SD Card/SUB/ONE.G", "Storage `SD Card` cannot be changed from here"),
        ("/SD Card/none", "File does not exist: /SD Card/none"),
    ])
    func filesAreNotDeleted(_ path: String, _ text: String) throws {
        try folder.makeFolder("gcodes/a")
        try folder.write("x", to: "gcodes/.hidden")
        try folder.write("x", to: "secret")
        try folder.write("x", to: "gcodes/protected.gcode")
        #expect(chmod(folder.file("gcodes/protected.gcode"), 0o444) == 0)
        try folder.link("gcodes/link", to: "../secret")
        try folder.link("gcodes/out", to: "..")
        #expect(run(.deleteFile, path) == text)
        for name in ["gcodes/a", "gcodes/.hidden", "secret", "gcodes/protected.gcode", "gcodes/link", "gcodes/out"] {
            #expect(folder.exists(name))
        }
    }

    // MARK: DELETE_FOLDER

    @Test func foldersAreDeleted() throws {
        try folder.makeFolder("gcodes/empty")
        try folder.makeFolder("gcodes/full/sub/.hidden")
        try folder.makeFolder("kept")
        try folder.write("x", to: "kept/secret")
        try folder.write("x", to: "gcodes/full/sub/.hidden/x")
        try folder.write("x", to: "gcodes/full/f.gcode")
        try folder.link("gcodes/full/link", to: "../../kept")
        let latin1 = Array((folder.file("gcodes/full/") + "b").utf8CString.dropLast()) + [CChar(bitPattern: 0xFC), 0]
        #expect(mkdir(latin1, 0o755) == 0)
        #expect(run(.deleteFolder, "/local/empty") == nil)
        #expect(run(.deleteFolder, "/local/full") == "Directory not empty")
        #expect(run(.deleteFolder, "/local/full", isForced: false) == "Directory not empty")
        #expect(folder.exists("gcodes/full/f.gcode"))
        #expect(run(.deleteFolder, "/local/full/", isForced: true) == nil)
        #expect(!folder.exists("gcodes/full") && !folder.exists("gcodes/empty") && folder.exists("kept/secret"))
    }

    @Test(arguments: [
        ("/local", "Is a storage: /local"), ("/local/.", "Is a storage: /local"),
        ("/local/a/..", "Is a storage: /local"),
        ("/local/none", "File does not exist: /local/none"), ("/local/f.gcode", "Is not a folder: /local/f.gcode"),
        ("/local/link", "File does not exist: /local/link"), ("/local/protected", "Folder is read only"),
        ("/local/mixed", "Folder is read only"), ("/local/.cache", "File does not exist: /local/.cache"),
        ("/SD Card/SUB", "Folder is read only"), ("/SD Card", "Storage `SD Card` cannot be changed from here"),
    ])
    func foldersAreNotDeleted(_ path: String, _ text: String) throws {
        try folder.makeFolder("gcodes/a")
        try folder.makeFolder("gcodes/.cache")
        try folder.makeFolder("gcodes/protected")
        try folder.makeFolder("gcodes/mixed/sub")
        try folder.write("x", to: "gcodes/f.gcode")
        try folder.write("x", to: "gcodes/mixed/a.gcode")
        try folder.write("x", to: "gcodes/mixed/sub/protected.gcode")
        try folder.link("gcodes/link", to: "a")
        #expect(chmod(folder.file("gcodes/protected"), 0o555) == 0)
        #expect(chmod(folder.file("gcodes/mixed/sub/protected.gcode"), 0o444) == 0)
        #expect(run(.deleteFolder, path, isForced: true) == text)
        // Nothing of it is gone.
        for name in ["a", ".cache", "protected", "mixed/a.gcode", "mixed/sub/protected.gcode", "f.gcode", "link"] {
            #expect(folder.exists("gcodes/" + name))
        }
    }

    @Test func force() {
        #expect(run(.deleteFolder, ["path": "/local/x", "force": 1]) == "DELETE_FOLDER: force must be true or false")
    }

    // MARK: The printed file

    @Test func whatIsPrintedStays() throws {
        try folder.makeFolder("gcodes/parts/sub")
        try folder.makeFolder("gcodes/par")
        try folder.write("x", to: "gcodes/parts/sub/box.gcode")
        try folder.write("x", to: "gcodes/parts/box.gcode")
        #expect(link(folder.file("gcodes/parts/sub/box.gcode"), folder.file("gcodes/same.gcode")) == 0)
        printer.onPrintedFile { "/local/parts/./sub/box.gcode" }
        #expect(run(.deleteFile, "/local/parts/sub/box.gcode") == "This file is currently printed")
        #expect(run(.deleteFile, "/local/parts/x/../sub//box.gcode") == "This file is currently printed")
        // The same file under another name, as on a FAT stick with other letter case.
        #expect(run(.deleteFile, "/local/same.gcode") == "This file is currently printed")
        for path in ["/local/parts", "/local/parts/sub"] {
            #expect(run(.deleteFolder, path, isForced: true) == "The file inside of this folder is currently printed")
        }
        // Names that only begin alike.
        #expect(run(.deleteFolder, "/local/par", isForced: true) == nil)
        #expect(run(.deleteFile, "/local/parts/box.gcode") == nil)
        printer.onPrintedFile { nil }
        #expect(run(.deleteFolder, "/local/parts", isForced: true) == nil)
    }

    @Test func otherPrintedFilesDoNotMatter() throws {
        try folder.write("x", to: "gcodes/box.gcode")
        for printed in ["/SD Card/BENCHY.GCO", "/gone/box.gcode", "not a path", "/local/missing.gcode", ""] {
            printer.onPrintedFile { printed }
            #expect(try !printer.isPrinted(printer.storages.parse("/local/box.gcode")))
        }
        printer.onPrintedFile { "/SD Card/SUB/ONE.G" }
        #expect(try printer.isPrinted(printer.storages.parse("/SD Card/SUB/ONE.G")))
        #expect(try printer.isPrinted(printer.storages.parse("/SD Card/SUB")))
    }
}
