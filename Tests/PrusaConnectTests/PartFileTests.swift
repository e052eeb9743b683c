import Foundation
import Glibc
import Testing

@testable import PrusaConnect

@Suite struct PartFileTests {
    private func destination(_ name: String, in directory: TemporaryDirectory) throws -> FileDestination {
        try StorageDirectory(storage: "local", path: directory.path, canWrite: { _, _ in true })
            .destination(StoragePath("/local/" + name, isRootAttached: false))
    }

    private func write(_ text: String, to file: PartFile, at offset: UInt64 = 0) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: offset) }
    }

    /// How many the scan of a storage removes.
    private func removeLeftovers(in directory: TemporaryDirectory, when removes: Bool = true) throws -> Int {
        let storage = StorageDirectory(storage: "local", path: directory.path, canWrite: systemWriteCheck)
        var scanner = FolderScanner(storage, canWrite: systemWriteCheck, removesLeftovers: removes) { _ in 1 }
        _ = try scanner.scan(StoragePath("/local", isRootAttached: false))
        return scanner.leftovers
    }

    @Test("Written beside its destination, put in its place, gone when it is not wanted")
    func life() throws {
        let directory = try TemporaryDirectory()
        let destination = try destination("a.gcode", in: directory)
        try "left by a kill".write(toFile: directory.file(".a.gcode.part"), atomically: true, encoding: .utf8)
        var file: PartFile? = try PartFile(destination)
        try write("G28", to: #require(file))
        // Nobody else may write it meanwhile.
        #expect(throws: FileError.self) { try PartFile(destination) }
        #expect(try removeLeftovers(in: directory) == 0)
        try file?.sync()
        try file?.commit()
        file = nil
        #expect(try String(contentsOfFile: directory.file("a.gcode"), encoding: .utf8) == "G28")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a.gcode"])
        file = try PartFile(destination)
        file = nil
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a.gcode"])
    }

    @Test("A loss of power after the end does not take the new name away: the folder is synced after the rename")
    func syncsTheFolder() throws {
        let directory = try TemporaryDirectory()
        var folder = stat()
        #expect(stat(directory.path, &folder) == 0)
        let identity = FileIdentity(folder)
        let synced = Shared<[String]>([])
        var disk = DiskCalls.system
        disk.sync = { [path = directory.file("a.gcode")] descriptor in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { return -1 }
            let name = FileIdentity(status) == identity ? "folder" : status.isRegularFile ? "file" : "other"
            synced.change { $0.append(name + (access(path, F_OK) == 0 ? ", renamed" : "")) }
            return fsync(descriptor)
        }
        let file = try PartFile(destination("a.gcode", in: directory), disk: disk)
        try write("G28", to: file)
        try file.sync()
        try file.commit()
        #expect(synced.value == ["file", "folder, renamed"])
        // Where a folder cannot be synced, the file is in its place all the same.
        disk.sync = { _ in -1 }
        let other = try PartFile(destination("b.gcode", in: directory), disk: disk)
        try other.commit()
        #expect(access(directory.file("b.gcode"), F_OK) == 0)
    }

    @Test("A link in the place of the file is not followed")
    func link() throws {
        let directory = try TemporaryDirectory()
        try "mine".write(toFile: directory.file("victim"), atomically: true, encoding: .utf8)
        symlink("victim", directory.file(".a.part"))
        mkfifo(directory.file(".b.part"), 0o600)
        for name in ["a", "b"] {
            let destination = try destination(name, in: directory)
            #expect(throws: FileError.self) { try PartFile(destination) }
        }
        #expect(try String(contentsOfFile: directory.file("victim"), encoding: .utf8) == "mine")
    }

    @Test("Leftovers of a kill -9 are removed, in folders too; other files and what links lead to stay")
    func leftovers() throws {
        let directory = try TemporaryDirectory()
        let outside = try TemporaryDirectory()
        let folders = ["", "a/", "a/b/"]
        try FileManager.default.createDirectory(atPath: directory.file("a/b"), withIntermediateDirectories: true)
        for folder in folders {
            for name in [".x.gcode.part", "x.part", ".hidden", ".part"] {
                try "x".write(toFile: directory.file(folder + name), atomically: true, encoding: .utf8)
            }
        }
        try "x".write(toFile: outside.file(".x.part"), atomically: true, encoding: .utf8)
        symlink(outside.path, directory.file("link"))
        mkfifo(directory.file(".pipe.part"), 0o600)
        #expect(try removeLeftovers(in: directory) == 3)
        // Only when the storage comes: later they may be somebody's.
        try "x".write(toFile: directory.file(".x.gcode.part"), atomically: true, encoding: .utf8)
        #expect(try removeLeftovers(in: directory, when: false) == 0)
        #expect(unlink(directory.file(".x.gcode.part")) == 0)
        for folder in folders {
            #expect(access(directory.file(folder + ".x.gcode.part"), F_OK) != 0)
            for name in ["x.part", ".hidden", ".part"] { #expect(access(directory.file(folder + name), F_OK) == 0) }
        }
        #expect(access(outside.file(".x.part"), F_OK) == 0 && access(directory.file(".pipe.part"), F_OK) == 0)
    }
}
