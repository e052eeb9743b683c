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

    @Test("Written beside its destination, put in its place, gone when it is not wanted")
    func life() throws {
        let directory = try TemporaryDirectory()
        let destination = try destination("a.gcode", in: directory)
        try "left by a kill".write(toFile: directory.file(".a.gcode.part"), atomically: true, encoding: .utf8)
        var file: PartFile? = try PartFile(destination)
        try write("G28", to: #require(file))
        // Nobody else may write it meanwhile.
        #expect(throws: FileError.self) { try PartFile(destination) }
        #expect(PartFile.removeLeftovers(in: directory.path) == 0)
        try file?.sync()
        try file?.commit()
        file = nil
        #expect(try String(contentsOfFile: directory.file("a.gcode"), encoding: .utf8) == "G28")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a.gcode"])
        file = try PartFile(destination)
        file = nil
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["a.gcode"])
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
        #expect(PartFile.removeLeftovers(in: directory.path) == 3)
        for folder in folders {
            #expect(access(directory.file(folder + ".x.gcode.part"), F_OK) != 0)
            for name in ["x.part", ".hidden", ".part"] { #expect(access(directory.file(folder + name), F_OK) == 0) }
        }
        #expect(access(outside.file(".x.part"), F_OK) == 0)
        #expect(PartFile.removeLeftovers(in: directory.file("none")) == 0)
    }
}
