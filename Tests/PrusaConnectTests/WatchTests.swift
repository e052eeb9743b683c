import Foundation
import Glibc
import Synchronization
import Testing

@testable import PrusaConnect

/// What is told about changes in a real directory: each change exactly once.
@Suite(.timeLimit(.minutes(2))) struct WatchTests {
    private let rig: WatchRig
    private let folder: TemporaryDirectory

    init() throws {
        rig = try WatchRig()
        folder = rig.folder
    }

    // MARK: Files

    @Test func aNewFileIsToldWhenItIsComplete() throws {
        try rig.attach()
        let file = open(folder.file("gcodes/new.gcode"), O_CREAT | O_WRONLY, 0o644)
        #expect(write(file, "G28\n", 4) == 4)
        #expect(try rig.settle().isEmpty)
        #expect(close(file) == 0)
        #expect(try rig.settle() == ["+ /local/new.gcode"])
        let node = try #require(rig.file("/local/new.gcode"))
        #expect(node["type"] == "PRINT_FILE" && node["size"] == 4 && node["read_only"] == false)
        #expect(node["m_timestamp"]?.int ?? 0 > 1_500_000_000)
        #expect(rig.news.last?.data["free_space"]?.unsigned ?? 0 > 0)
        #expect(rig.tree.child("new.gcode")?["size"] == 4)
    }

    @Test func aFileWrittenAgain() throws {
        try folder.write("G28\n", to: "gcodes/box.gcode")
        try rig.attach()
        try folder.write("G28\nG1\n", to: "gcodes/box.gcode")
        #expect(try rig.settle() == ["* /local/box.gcode"])
        #expect(rig.file("/local/box.gcode")?["size"] == 7)
        // The same size again, at the same time as far as some file systems know.
        try folder.write("G29\nG1\n", to: "gcodes/box.gcode")
        #expect(try rig.settle() == ["* /local/box.gcode", "* /local/box.gcode"])
    }

    @Test func aRenamedAndADeletedFile() throws {
        try folder.write("G28\n", to: "gcodes/a.gcode")
        try rig.attach()
        try folder.move("gcodes/a.gcode", to: "gcodes/b.gcode")
        try folder.remove("gcodes/b.gcode")
        // Whether the new name was ever seen depends on how fast the watcher is.
        let told = try rig.settle()
        let b = ["+ /local/b.gcode", "- /local/b.gcode"]
        #expect(told.first == "- /local/a.gcode" && [[], [b[1]], b].contains(Array(told.dropFirst())), "\(told)")
        #expect(rig.tree.child("a.gcode") == nil && rig.tree.child("b.gcode") == nil)
        rig.forget()
        try folder.write("G28\n", to: "gcodes/a.gcode")
        #expect(try rig.settle() == ["+ /local/a.gcode"])
        try folder.move("gcodes/a.gcode", to: "gcodes/b.gcode")
        #expect(try rig.settle() == ["+ /local/a.gcode", "- /local/a.gcode", "+ /local/b.gcode"])
    }

    @Test func aFileThatGoesToAnotherFolder() throws {
        try folder.makeFolder("gcodes/from")
        try folder.makeFolder("gcodes/to/deep")
        try folder.write("123", to: "gcodes/from/a.gcode")
        try rig.attach()
        try folder.move("gcodes/from/a.gcode", to: "gcodes/to/deep/b.gcode")
        #expect(try rig.settle() == ["- /local/from/a.gcode", "+ /local/to/deep/b.gcode"])
        #expect(rig.tree.child("from")?.childNames == [] && rig.tree.child("from")?["size"] == 0)
        #expect(rig.tree.child("to", "deep", "b.gcode")?["size"] == 3)
    }

    @Test func aFileMovedInAndOutAndOver() throws {
        try folder.write("1", to: "outside.gcode")
        try rig.attach()
        try folder.move("outside.gcode", to: "gcodes/in.gcode")
        #expect(try rig.settle() == ["+ /local/in.gcode"])
        // As a download does.
        try folder.write("123", to: "gcodes/.in.gcode.part")
        try folder.move("gcodes/.in.gcode.part", to: "gcodes/in.gcode")
        #expect(try rig.settle() == ["+ /local/in.gcode", "* /local/in.gcode"])
        #expect(rig.file("/local/in.gcode")?["size"] == 3)
        try folder.move("gcodes/in.gcode", to: "outside.gcode")
        #expect(try rig.settle().last == "- /local/in.gcode")
        #expect(rig.tree.child("in.gcode") == nil)
    }

    @Test func hiddenFilesAndFoldersLinksAndOddThings() throws {
        try folder.makeFolder("gcodes/.before")
        try rig.attach()
        try folder.write("x", to: "gcodes/.hidden.gcode")
        try folder.write("x", to: "gcodes/.before/x.gcode")
        try folder.makeFolder("gcodes/.cache/deep")
        try folder.write("x", to: "gcodes/.cache/deep/x.gcode")
        try folder.link("gcodes/link.gcode", to: "/etc/passwd")
        try folder.link("gcodes/folder", to: "/etc")
        #expect(mkfifo(folder.file("gcodes/fifo"), 0o600) == 0)
        // Latin-1: it cannot travel in JSON.
        let name = Array((folder.file("gcodes/") + "b").utf8CString.dropLast()) + [CChar(bitPattern: 0xFC), 0]
        #expect(close(open(name, O_CREAT | O_WRONLY, 0o600)) == 0)
        try folder.remove("gcodes/.cache")
        #expect(unlink(folder.file("gcodes/link.gcode")) == 0)
        #expect(try rig.settle().isEmpty)
        #expect(rig.tree.childNames.count == 1)
        // Only what Connect sees is watched: the storage itself.
        #expect(rig.watchedFolders == 1)
    }

    @Test func hiddenFoldersInFoldersThatAreRead() throws {
        for hidden in ["gcodes/a/.b", "gcodes/a/b/.c", "gcodes/a/.b/c"] { try folder.makeFolder(hidden) }
        for name in ["a/.b/x.gcode", "a/b/.c/x.gcode", "a/.b/c/x.gcode", "a/b/.x.gcode", "a/b/seen.gcode"] {
            try folder.write("x", to: "gcodes/" + name)
        }
        try rig.attach()
        #expect(rig.tree.childNames == ["a"] && rig.tree.child("a")?.childNames == ["b"])
        #expect(rig.tree.child("a", "b")?.childNames == ["seen.gcode"] && rig.tree["size"] == 1)
        // The storage, a and b.
        #expect(rig.watchedFolders == 3)
        // The same when they come later.
        try folder.makeFolder("outside/d/.e")
        try folder.write("x", to: "outside/d/.e/x.gcode")
        try folder.move("outside", to: "gcodes/inside")
        #expect(try rig.settle() == ["+ /local/inside"])
        #expect(rig.tree.child("inside", "d")?.childNames == [])
    }

    @Test func filesThatBecomeHiddenOrVisible() throws {
        try folder.write("x", to: "gcodes/a.gcode")
        try folder.makeFolder("gcodes/.d")
        try folder.write("x", to: "gcodes/.d/x.gcode")
        try rig.attach()
        try folder.move("gcodes/a.gcode", to: "gcodes/.a.gcode")
        try folder.move("gcodes/.d", to: "gcodes/d")
        #expect(try rig.settle() == ["- /local/a.gcode", "+ /local/d/x.gcode", "+ /local/d"])
        try folder.move("gcodes/d", to: "gcodes/.d")
        #expect(try rig.settle().last == "- /local/d")
        eventually("its watch ends") { rig.watchedFolders == 1 }
    }

    @Test func aFurtherLinkToAFileAndItsEnd() throws {
        try folder.write("x", to: "outside.gcode")
        try rig.attach()
        #expect(link(folder.file("outside.gcode"), folder.file("gcodes/linked.gcode")) == 0)
        #expect(try rig.settle() == ["+ /local/linked.gcode"])
        #expect(unlink(folder.file("gcodes/linked.gcode")) == 0)
        try folder.write("y", to: "gcodes/other.gcode")
        #expect(try rig.settle() == ["+ /local/linked.gcode", "- /local/linked.gcode", "+ /local/other.gcode"])
    }

    @Test func theRightToWrite() throws {
        let rig = try WatchRig(canWrite: modeWriteCheck)
        try rig.folder.write("x", to: "gcodes/a.gcode")
        try rig.folder.makeFolder("gcodes/d")
        try rig.attach()
        #expect(chmod(rig.folder.file("gcodes/a.gcode"), 0o444) == 0)
        #expect(chmod(rig.folder.file("gcodes/d"), 0o555) == 0)
        #expect(try rig.settle() == ["* /local/a.gcode", "* /local/d"])
        #expect(rig.file("/local/a.gcode")?["read_only"] == true && rig.file("/local/d")?["read_only"] == true)
        #expect(chmod(rig.folder.file("gcodes/a.gcode"), 0o644) == 0)
        // Nothing that Connect shows is different: nothing is told.
        #expect(chmod(rig.folder.file("gcodes/a.gcode"), 0o600) == 0)
        #expect(try rig.settle() == ["* /local/a.gcode", "* /local/d", "* /local/a.gcode"])
        #expect(chmod(rig.folder.file("gcodes"), 0o555) == 0)
        eventually("the storage itself") { rig.tree["read_only"] == true }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func aFileOfAnotherOwner() throws {
        // Who may write everything asks for the owner instead.
        let rig = try WatchRig { folder, name in
            var status = stat()
            return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid == 0
        }
        try rig.folder.write("x", to: "gcodes/a.gcode")
        try rig.folder.makeFolder("gcodes/d")
        try rig.attach()
        #expect(chown(rig.folder.file("gcodes/a.gcode"), 12_345, 12_345) == 0)
        #expect(chown(rig.folder.file("gcodes/d"), 12_345, 12_345) == 0)
        #expect(try rig.settle() == ["* /local/a.gcode", "* /local/d"])
        #expect(rig.file("/local/a.gcode")?["read_only"] == true && rig.file("/local/d")?["read_only"] == true)
        #expect(rig.tree.child("a.gcode")?["read_only"] == true)
        // Another group makes no difference that Connect sees.
        #expect(chown(rig.folder.file("gcodes/a.gcode"), 12_345, 0) == 0)
        #expect(try rig.settle() == ["* /local/a.gcode", "* /local/d"])
    }

    @Test func theTimeOfChangeIsKeptUpToDate() throws {
        try folder.write("x", to: "gcodes/a.gcode")
        try rig.attach()
        var times = [timespec(tv_sec: 1_600_000_000, tv_nsec: 0), timespec(tv_sec: 1_600_000_000, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, folder.file("gcodes/a.gcode"), &times, 0) == 0)
        #expect(try rig.settle().isEmpty)
        #expect(rig.tree.child("a.gcode")?["m_timestamp"] == 1_600_000_000)
    }

    // MARK: Folders

    @Test func aFolderAndThenAFileInIt() throws {
        try rig.attach()
        try folder.makeFolder("gcodes/dir")
        eventually("the folder is told") { rig.changes == ["+ /local/dir"] }
        try folder.write("x", to: "gcodes/dir/inner.gcode")
        eventually("the file is told") { rig.changes == ["+ /local/dir", "+ /local/dir/inner.gcode"] }
        let node = try #require(rig.file("/local/dir"))
        #expect(node["type"] == "FOLDER" && node["children"] == [])
        #expect(rig.tree.child("dir", "inner.gcode")?["size"] == 1)
    }

    @Test func filesInNewFoldersAreToldWhateverTheTiming() throws {
        try rig.attach()
        for number in 0..<60 {
            try folder.makeFolder("gcodes/d\(number)/deep")
            try folder.write("12345", to: "gcodes/d\(number)/deep/f.gcode")
        }
        let told = try rig.settle()
        for number in 0..<60 {
            eventually("told") { rig.changes.contains("+ /local/d\(number)/deep/f.gcode") }
            #expect(told.count { $0 == "+ /local/d\(number)" } == 1)
            #expect(rig.changes.count { $0 == "+ /local/d\(number)/deep/f.gcode" } == 1)
            #expect(rig.tree.child("d\(number)", "deep", "f.gcode")?["size"] == 5)
        }
        #expect(!rig.changes.contains { $0.hasPrefix("-") })
    }

    @Test func aTreeMovedInIsComplete() throws {
        try folder.makeFolder("d1/d2/d3")
        try folder.makeFolder("d1/empty")
        try folder.write("1", to: "d1/top.gcode")
        try folder.write("12", to: "d1/d2/d3/deep.gcode")
        try rig.attach()
        try folder.move("d1", to: "gcodes/d1")
        #expect(
            try rig.settle() == [
                "+ /local/d1/d2/d3/deep.gcode", "+ /local/d1/top.gcode", "+ /local/d1/d2", "+ /local/d1",
            ])
        #expect(rig.file("/local/d1")?.childNames == ["d2", "empty", "top.gcode"])
        #expect(rig.file("/local/d1")?["children"]?.array?.first?["read_only"] == false)
        #expect(rig.tree.child("d1", "d2", "d3", "deep.gcode")?["size"] == 2)
        // And it is watched, to the bottom.
        rig.forget()
        try folder.write("x", to: "gcodes/d1/d2/d3/later.gcode")
        eventually("told") { rig.changes == ["+ /local/d1/d2/d3/later.gcode"] }
    }

    @Test func aTreeMovedOutIsForgotten() throws {
        try folder.makeFolder("gcodes/d1/d2")
        try folder.write("1", to: "gcodes/d1/d2/f.gcode")
        try rig.attach()
        #expect(rig.watchedFolders == 3)
        try folder.move("gcodes/d1", to: "d1")
        #expect(try rig.settle() == ["- /local/d1"])
        eventually("the watches end") { rig.watchedFolders == 1 }
        try folder.write("2", to: "d1/d2/later.gcode")
        #expect(try rig.settle() == ["- /local/d1"])
        // A second time.
        try folder.move("d1", to: "gcodes/d1")
        #expect(
            try rig.settle() == ["- /local/d1", "+ /local/d1/d2/f.gcode", "+ /local/d1/d2/later.gcode", "+ /local/d1"])
    }

    @Test func aRenamedFolder() throws {
        try folder.makeFolder("gcodes/old/sub")
        try folder.write("1", to: "gcodes/old/sub/f.gcode")
        try folder.makeFolder("gcodes/other")
        try rig.attach()
        try folder.move("gcodes/old", to: "gcodes/other/new")
        #expect(try rig.settle() == ["- /local/old", "+ /local/other/new"])
        #expect(rig.file("/local/other/new")?.childNames == ["sub"])
        #expect(rig.tree.child("other", "new", "sub", "f.gcode")?["size"] == 1)
        #expect(rig.watchedFolders == 4)
        rig.forget()
        try folder.write("12", to: "gcodes/other/new/sub/f.gcode")
        eventually("the watch goes along") { rig.changes == ["* /local/other/new/sub/f.gcode"] }
    }

    @Test func aTreeThatIsDeleted() throws {
        try folder.makeFolder("gcodes/pack/sub")
        try folder.write("1", to: "gcodes/pack/a.gcode")
        try folder.write("1", to: "gcodes/pack/sub/b.gcode")
        try rig.attach()
        try folder.remove("gcodes/pack")
        let told = try rig.settle()
        // The folder inside is told only when it was seen before its parent went.
        #expect(
            told.filter { $0 != "- /local/pack/sub" }.sorted() == [
                "- /local/pack", "- /local/pack/a.gcode", "- /local/pack/sub/b.gcode",
            ])
        #expect(told.last == "- /local/pack")
        #expect(rig.watchedFolders == 1)
    }

    @Test func movedBetweenTwoStorages() throws {
        try folder.makeFolder("usb")
        try folder.makeFolder("gcodes/d")
        try folder.write("1", to: "gcodes/d/f.gcode")
        try rig.attach()
        try rig.attach("usb", "usb")
        try folder.move("gcodes/d", to: "usb/d")
        #expect(try rig.settle() == ["- /local/d", "+ /usb/d/f.gcode", "+ /usb/d"])
        rig.forget()
        usleep(200_000)
        try folder.write("2", to: "usb/d/g.gcode")
        eventually("it is still watched there") { rig.changes == ["+ /usb/d/g.gcode"] }
    }

    @Test func overlappingStorages() throws {
        try folder.makeFolder("gcodes/a")
        try folder.makeFolder("gcodes/ab")
        try rig.attach()
        try rig.attach("inner", "gcodes/a")
        try folder.write("1", to: "gcodes/ab/x.gcode")
        try folder.write("1", to: "gcodes/a/y.gcode")
        #expect(
            try rig.settle().sorted() == ["+ /inner/y.gcode", "+ /local/a/y.gcode", "+ /local/ab/x.gcode"])
        try rig.storages.remove("inner")
        rig.forget()
        try folder.write("2", to: "gcodes/a/z.gcode")
        #expect(try rig.settle() == ["+ /local/a/z.gcode"])
    }
}

extension WatchRig {
    /// Folders of this test's directory that the kernel watches for this process.
    var watchedFolders: Int {
        let folders = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []) + ["."]
        let inodes = Set(
            folders.compactMap { name -> String? in
                var status = stat()
                guard lstat(folder.file(name), &status) == 0, status.isFolder else { return nil }
                return "ino:" + String(status.st_ino, radix: 16)
            })
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fdinfo")) ?? []
        return descriptors.reduce(0) { count, descriptor in
            let text = (try? String(contentsOfFile: "/proc/self/fdinfo/\(descriptor)", encoding: .utf8)) ?? ""
            return count
                + text.split(separator: "\n").count { line in
                    line.hasPrefix("inotify wd:") && line.split(separator: " ").contains { inodes.contains(String($0)) }
                }
        }
    }
}
