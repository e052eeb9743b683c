import Foundation
import Glibc
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

    @Test func aDirectoryThatIsALinkItself() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("link"), withDestinationPath: folder.file("gcodes"))
        #expect(try LocalStorage(directory: folder.file("link")).root == storage.root)
    }

    @Test func aMissingDirectoryIsMade() throws {
        _ = try LocalStorage(directory: folder.file("new"))
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
}
