import Foundation
import Glibc
import Synchronization
import Testing

@testable import PrusaConnect

/// What happens when inotify loses count, cannot watch, or the directory goes.
@Suite(.timeLimit(.minutes(2))) struct WatchTroubleTests {
    private var quick: WatchOptions {
        var options = WatchOptions()
        options.checkInterval = .milliseconds(30)
        options.pollInterval = .milliseconds(50)
        return options
    }

    // MARK: Lost events

    @Test func anOverflowOfTheQueueLeadsToARescan() throws {
        let limit = try #require(
            Int(
                String(contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)))
        let rig = try WatchRig()
        try rig.folder.write("x", to: "gcodes/goes.gcode")
        try rig.folder.write("x", to: "gcodes/changes.gcode")
        try rig.folder.makeFolder("gcodes/busy")
        // The watcher waits with its first news until the queue is more than full.
        let isHeld = Shared(false)
        let gate = Latch()
        let isWaiting = Latch()
        try rig.attach {
            guard isHeld.value else { return }
            isWaiting.open()
            gate.wait(until: ConnectClock.system.monotonic() + .seconds(60))
        }
        isHeld.change { $0 = true }
        try rig.folder.write("x", to: "gcodes/first.gcode")
        isWaiting.wait(until: ConnectClock.system.monotonic() + .seconds(60))
        // One file has many events: writing it again and again fills the queue without filling the disk.
        let paths = (0..<2).map { rig.folder.file("gcodes/busy/\($0).gcode") }
        for number in 0...limit { close(open(paths[number % 2], O_CREAT | O_WRONLY, 0o644)) }
        try rig.folder.remove("gcodes/goes.gcode")
        try rig.folder.write("changed", to: "gcodes/changes.gcode")
        try rig.folder.makeFolder("gcodes/new/deep")
        try rig.folder.write("x", to: "gcodes/new/deep/f.gcode")
        isHeld.change { $0 = false }
        gate.open()
        let expected = [
            "- /local/goes.gcode", "* /local/changes.gcode", "+ /local/new/deep/f.gcode", "+ /local/new",
            "+ /local/first.gcode",
        ]
        for change in expected { eventually(change) { rig.changes.count { $0 == change } == 1 } }
        #expect(rig.tree.child("changes.gcode")?["size"] == 7)
        // What is new is watched.
        rig.forget()
        try rig.folder.write("x", to: "gcodes/new/deep/later.gcode")
        eventually("told") { rig.changes == ["+ /local/new/deep/later.gcode"] }
    }

    @Test func aRescanTellsOnlyDifferences() throws {
        let rig = try WatchRig()
        try rig.folder.makeFolder("gcodes/d")
        try rig.folder.write("x", to: "gcodes/d/f.gcode")
        try rig.attach()
        let watches = rig.watchedFolders
        for _ in 0..<10 { rig.watcher.post(.rescan) }
        #expect(try rig.settle().isEmpty)
        #expect(rig.watchedFolders == watches)
        try rig.folder.write("xx", to: "gcodes/d/f.gcode")
        #expect(try rig.settle() == ["* /local/d/f.gcode"])
    }

    // MARK: No watches

    @Test(arguments: [0, 1, 2]) func withoutEnoughWatchesChangesAreLookedFor(_ most: Int) throws {
        var options = quick
        options.mostWatches = most
        let rig = try WatchRig(options)
        try rig.folder.makeFolder("gcodes/a/b")
        try rig.folder.write("x", to: "gcodes/a/b/goes.gcode")
        try rig.attach()
        #expect(rig.watchedFolders == most)
        try rig.folder.write("x", to: "gcodes/a/b/f.gcode")
        try rig.folder.remove("gcodes/a/b/goes.gcode")
        eventually("the new file") { rig.changes.contains("+ /local/a/b/f.gcode") }
        eventually("the old file") { rig.changes.contains("- /local/a/b/goes.gcode") }
        try rig.folder.write("xyz", to: "gcodes/a/b/f.gcode")
        eventually("the change") { rig.changes.contains("* /local/a/b/f.gcode") }
        #expect(rig.changes.count == 3)
        #expect(rig.watchedFolders == most)
    }

    @Test func withoutInotify() throws {
        var options = quick
        options.usesInotify = false
        let rig = try WatchRig(options)
        try rig.attach()
        try rig.folder.write("x", to: "gcodes/f.gcode")
        eventually("told") { rig.changes == ["+ /local/f.gcode"] }
    }

    @Test func aFileThatGrowsIsToldOnceWhereNothingTellsItsEnd() throws {
        var options = quick
        options.usesInotify = false
        let rig = try WatchRig(options)
        try rig.attach()
        let file = open(rig.folder.file("gcodes/f.gcode"), O_CREAT | O_WRONLY, 0o644)
        for _ in 0..<20 {
            #expect(write(file, "G1 X10\n", 7) == 7)
            usleep(20_000)
        }
        close(file)
        eventually("told") { !rig.changes.isEmpty }
        #expect(rig.changes == ["+ /local/f.gcode"] && rig.file("/local/f.gcode")?["size"] == 140)
    }

    // MARK: The directory itself

    @Test func theDirectoryIsDeletedAndComesBack() throws {
        let rig = try WatchRig(quick)
        try rig.folder.write("x", to: "gcodes/f.gcode")
        try rig.attach()
        rig.forget()
        try rig.folder.remove("gcodes")
        eventually("told") { rig.told == ["- /local/f.gcode", "* /local/"] }
        let last = try #require(rig.news.last)
        #expect(
            last.data.keys == ["old_path", "new_path", "file"]
                && last.data["file"]?.parsed == ["type": "FOLDER", "name": "local", "size": 0, "children": []])
        #expect(rig.tree == ["type": "DIR", "name": "local", "size": 0, "children": []])
        rig.forget()
        try rig.folder.makeFolder("gcodes/d")
        try rig.folder.write("x", to: "gcodes/d/g.gcode")
        eventually("it is back") { rig.told.contains("inserted") && rig.tree.child("d", "g.gcode") != nil }
        #expect(rig.tree["free_space"]?.unsigned ?? 0 > 0)
        _ = try rig.settle()
        rig.forget()
        try rig.folder.write("xx", to: "gcodes/d/g.gcode")
        eventually("and watched") { rig.told == ["* /local/d/g.gcode"] }
    }

    @Test func anotherDirectoryTakesItsPlace() throws {
        let rig = try WatchRig(quick)
        try rig.folder.write("x", to: "gcodes/old.gcode")
        try rig.folder.makeFolder("stick")
        try rig.folder.write("x", to: "stick/new.gcode")
        try rig.attach()
        rig.forget()
        // As when a stick is mounted on the directory: inotify does not tell that.
        #expect(renameat2Exchange(rig.folder.file("stick"), rig.folder.file("gcodes")))
        // As a new storage, or file by file where the moment without a directory was seen.
        eventually("it is told") { rig.tree.childNames == ["new.gcode"] && !rig.told.isEmpty }
        try rig.folder.write("x", to: "stick/not-ours.gcode")
        try rig.folder.write("x", to: "gcodes/ours.gcode")
        eventually("told") { rig.told.contains("+ /local/ours.gcode") }
        #expect(!rig.told.contains { $0.contains("not-ours") })
    }

    /// Two directories change places.
    private func renameat2Exchange(_ one: String, _ other: String) -> Bool {
        rename(other, other + "-old") == 0 && rename(one, other) == 0 && rename(other + "-old", one) == 0
    }

    @Test func whatIsNoDirectoryCannotBeAttached() throws {
        let rig = try WatchRig()
        try rig.folder.write("x", to: "file")
        #expect(throws: StorageError.unusable(name: "local", code: ENOENT)) { try rig.attach("local", "missing") }
        #expect(throws: StorageError.unusable(name: "local", code: ENOTDIR)) { try rig.attach("local", "file") }
        #expect(rig.storages.names.isEmpty && rig.told.isEmpty)
        try rig.attach()
        #expect(throws: StorageError.alreadyUsed("local")) { try rig.attach() }
        #expect(rig.watchedFolders == 1 && rig.told == ["inserted"])
    }

    @Test func aDirectoryThatDoesNotAnswerIsGivenUp() throws {
        var options = WatchOptions()
        options.attachDeadline = .milliseconds(20)
        // A mount that is dead: whoever asks about a file in it waits.
        let gate = Latch()
        let rig = try WatchRig(options) { folder, name in
            gate.wait()
            return systemWriteCheck(folder, name)
        }
        try rig.folder.makeFolder("usb")
        #expect(throws: StorageError.notResponding("local")) { try rig.attach() }
        // The thread still waits for that one.
        #expect(throws: StorageError.notResponding("usb")) { try rig.attach("usb", "usb") }
        gate.open()
        eventually("what was given up is not attached later") {
            rig.watchedFolders == 0 && rig.storages.names.isEmpty
        }
    }

    @Test func aDeepTree() throws {
        let rig = try WatchRig()
        let depth = 600
        // One path would be too long for the kernel.
        var folder = open(rig.folder.file("gcodes"), O_RDONLY | O_DIRECTORY)
        for _ in 0..<depth {
            #expect(mkdirat(folder, "depth-of-a-name", 0o755) == 0)
            let next = openat(folder, "depth-of-a-name", O_RDONLY | O_DIRECTORY)
            close(folder)
            folder = next
        }
        close(openat(folder, "f.gcode", O_CREAT | O_WRONLY, 0o644))
        try rig.attach()
        let path = "/local/" + String(repeating: "depth-of-a-name/", count: depth)
        let added = openat(folder, "g.gcode", O_CREAT | O_WRONLY, 0o644)
        close(added)
        close(folder)
        eventually("told") { rig.changes == ["+ " + path + "g.gcode"] }
        let removal = try StoragePath("/local/depth-of-a-name", isRootAttached: false)
        let found = try StorageDirectory(
            storage: "local", path: rig.folder.file("gcodes"), canWrite: systemWriteCheck
        ).find(removal)
        try FolderRemoval(path: removal, parent: #require(found.parent), canWrite: systemWriteCheck).run { false }
        #expect(!rig.folder.exists("gcodes/depth-of-a-name"))
        eventually("gone") { rig.changes.last == "- /local/depth-of-a-name" }
        #expect(rig.tree.childNames.isEmpty)
    }

    // MARK: Threads

    /// Does not keep what it points to.
    private struct Witness {
        weak var storages: Storages?
    }

    @Test func theThreadGoesWithTheWatcher() throws {
        let folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
        // The thread's loop holds the storages, and owns its descriptors as they do.
        var witnesses: [Witness] = []
        for _ in 0..<20 {
            let storages = Storages()
            witnesses.append(Witness(storages: storages))
            let watcher = FileWatcher(storages: storages)
            try watcher.attach(folder.storage()) { _ in }
            try folder.write("x", to: "gcodes/f.gcode")
        }
        eventually("all threads end") { witnesses.allSatisfy { $0.storages == nil } }
        weak var gone: Printer?
        do {
            let printer = try makePrinter(nil)
            try printer.attach(folder.storage())
            gone = printer
        }
        eventually("the printer is not held by its watcher") { gone == nil }
    }

    @Test func attachAndDetachWhileFilesChange() throws {
        let printer = try makePrinter(nil)
        let folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes/d")
        let isDone = Shared(false)
        let writer = Thread {
            var number = 0
            while !isDone.value {
                number += 1
                try? folder.write("x", to: "gcodes/d/\(number % 50).gcode")
                try? folder.move("gcodes/d/\(number % 50).gcode", to: "gcodes/\(number % 7).gcode")
                try? folder.makeFolder("gcodes/d/e\(number % 5)/f")
                if number % 3 == 0 { try? folder.remove("gcodes/d/e\(number % 5)") }
            }
        }
        writer.start()
        for _ in 0..<40 {
            try printer.attach(folder.storage())
            _ = printer.storages.infoTree.wireBytes
            try printer.detach("local")
        }
        try printer.attach(folder.storage())
        isDone.change { $0 = true }
        eventually("the tree is what is on the disk") {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.file("gcodes"))) ?? []
            return printer.storages.infoTree.parsed.child("local")?.childNames == names.sorted()
        }
    }
}
