import Glibc
import Synchronization

/// Whether this program may write the entry `name` of an open folder. Asked through a function so that tests, which
/// often run as root, can have files that are read-only.
typealias WriteCheck = @Sendable (_ folder: Int32, _ name: UnsafePointer<CChar>) -> Bool

/// Asks the kernel, which knows of owners, access lists, capabilities and read-only file systems.
let systemWriteCheck: WriteCheck = { folder, name in faccessat(folder, name, W_OK, 0) == 0 }

/// A look at one entry of a folder.
enum FileProbe {
    /// Whether Connect may see entries of this type of readdir(3). Only a look tells what those of unknown type are.
    static func mayBeVisible(type: Int) -> Bool { type == DT_REG || type == DT_DIR || type == DT_UNKNOWN }

    /// What is known about an entry; `nil` when it is something that Connect does not see.
    static func entry(_ status: stat, isReadOnly: () -> Bool) -> FileTree.Entry? {
        guard status.isFolder || status.isRegularFile else { return nil }
        return FileTree.Entry(
            isFolder: status.isFolder, isReadOnly: isReadOnly(), modified: Int64(status.st_mtim.tv_sec),
            size: status.isFolder ? 0 : UInt64(max(status.st_size, 0)), stamp: stamp(status))
    }

    /// Which file it is and, for a file, its size and time of change, mixed to 32 bits. Two states of a file have the
    /// same stamp by chance once in four thousand million times.
    private static func stamp(_ status: stat) -> UInt32 {
        var mix: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: UInt64) { mix = (mix ^ value) &* 0x9E37_79B9_7F4A_7C15; mix ^= mix >> 29 }
        add(UInt64(status.st_dev))
        add(UInt64(status.st_ino))
        if !status.isFolder {
            add(UInt64(bitPattern: Int64(status.st_size)))
            add(UInt64(bitPattern: Int64(status.st_mtim.tv_sec)))
            add(UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)))
        }
        return UInt32(truncatingIfNeeded: mix >> 32)
    }

    /// Whether Connect sees entries of this name: not hidden, and UTF-8, since other names cannot travel in JSON.
    static func isVisible(_ name: some Collection<UInt8>) -> Bool {
        guard let first = name.first, first != UInt8(ascii: ".") else { return false }
        return name.allSatisfy { $0 < 0x80 } || String(validating: name, as: UTF8.self) != nil
    }
}

/// Reads a folder of a storage, with everything below it, into a tree. Watches each folder before it reads it, so
/// that no change falls between the two.
///
/// Nearly all of the time goes into the kernel's look at each file, and most of that is waiting for memory or for the
/// stick. So a second thread takes every other folder of the first level.
struct FolderScanner {
    let directory: StorageDirectory
    let canWrite: WriteCheck
    /// Whether half files of downloads, which nobody goes on with, are removed on the way.
    let removesLeftovers: Bool
    /// Starts to watch an open folder and returns the watch's number. Two threads call it.
    let watch: @Sendable (Descriptor) -> Int32?

    /// Whether some folder could not be watched or read to its end: changes in it have to be looked for.
    private(set) var isIncomplete = false
    /// Half files that were removed.
    private(set) var leftovers = 0
    private var rights = KnownRights()

    init(
        _ directory: StorageDirectory, canWrite: @escaping WriteCheck, removesLeftovers: Bool = false,
        watch: @escaping @Sendable (Descriptor) -> Int32?
    ) {
        self.directory = directory
        self.canWrite = canWrite
        self.removesLeftovers = removesLeftovers
        self.watch = watch
    }

    /// Reads the folder `path`, which becomes the root of the tree.
    mutating func scan(_ path: StoragePath) throws(StorageError) -> FileTree {
        let place = try directory.openFolder(path)
        guard let status = place.status,
            let entry = FileProbe.entry(status, isReadOnly: { !canWrite(place.number, ".") })
        else { throw .opening(path, errno) }
        // One that may not be read is empty, until it may be.
        let top = Descriptor.readableFolder(".", in: place.number) ?? place
        var tree = FileTree(root: entry)
        visit(top, FileTree.root, of: &tree)
        let shared = SharedFolders(tree.folders(in: FileTree.root).map { ($0, tree.cName($0)) }, of: top)
        // A single folder, or none, is nothing to share.
        let helper = shared.count > 1 ? ScanHelper(self, shared) : nil
        while let (node, name) = shared.take() {
            if let folder = enter(name, of: top) { scan(folder, node, of: &tree) }
        }
        if let found = helper?.wait() {
            for (node, part) in found.trees { tree.adopt(part, into: node) }
            if found.isIncomplete { isIncomplete = true }
            leftovers += found.leftovers
        }
        tree.trim()
        return tree
    }

    /// Reads the folders that nobody else has taken, each into a tree of its own.
    fileprivate mutating func scan(_ shared: SharedFolders) -> FoundTrees {
        var found = FoundTrees()
        while let (node, name) = shared.take() {
            guard let folder = enter(name, of: shared.top) else { continue }
            var tree = FileTree()
            scan(folder, FileTree.root, of: &tree)
            found.trees.append((node, tree))
        }
        (found.isIncomplete, found.leftovers) = (isIncomplete, leftovers)
        return found
    }

    /// Opens a folder of `top`; `nil` when that is not possible.
    private mutating func enter(_ name: [CChar], of top: Descriptor) -> Descriptor? {
        let folder = Descriptor.readableFolder(name, in: top.number)
        if folder == nil { noteMissing(errno) }
        return folder
    }

    /// A folder could not be opened. One that is gone is told by its parent's watch; otherwise it may not be entered, or
    /// there are no descriptors.
    private mutating func noteMissing(_ code: Int32) {
        if code != ENOENT, code != ENOTDIR { isIncomplete = true }
    }

    /// Reads an open folder with everything below it.
    private mutating func scan(_ top: Descriptor, _ node: FileTree.NodeID, of tree: inout FileTree) {
        visit(top, node, of: &tree)
        var way = FolderWay(top)
        var folders = [tree.folders(in: node)]
        while !folders.isEmpty {
            guard let next = folders[folders.count - 1].popLast() else {
                folders.removeLast()
                way.up()
                continue
            }
            if let folder = way.down(tree.cName(next)) {
                visit(folder, next, of: &tree)
                folders.append(tree.folders(in: next))
            } else {
                noteMissing(errno)
            }
        }
    }

    /// Watches a folder, and then adds its entries.
    private mutating func visit(_ folder: Descriptor, _ node: FileTree.NodeID, of tree: inout FileTree) {
        let watch = watch(folder)
        if watch == nil { isIncomplete = true }
        tree.watch(watch, of: node)
        list(folder, into: node, of: &tree)
    }

    private mutating func list(_ folder: Descriptor, into node: FileTree.NodeID, of tree: inout FileTree) {
        guard let names = FolderNames(folder, .visible) else {
            isIncomplete = true
            return
        }
        if !names.isComplete { isIncomplete = true }
        if removesLeftovers {
            for name in names.partFiles where PartFile.removeLeftover(name, in: folder.number) { leftovers += 1 }
        }
        names.forEach { bytes in
            var status = stat()
            guard let name = bytes.cString, fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
                return
            }
            let entry = FileProbe.entry(
                status, isReadOnly: { !rights.canWrite(status) { canWrite(folder.number, name) } })
            if let entry { tree.append(bytes, entry, in: node) }
        }
    }
}

/// The folders of the first level, for the threads that read them: each takes the next one.
private final class SharedFolders: Sendable {
    let top: Descriptor
    private let folders: [(node: FileTree.NodeID, name: [CChar])]
    private let next = Atomic<Int>(0)

    init(_ folders: [(node: FileTree.NodeID, name: [CChar])], of top: Descriptor) {
        self.folders = folders
        self.top = top
    }

    var count: Int { folders.count }

    func take() -> (node: FileTree.NodeID, name: [CChar])? {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return index < folders.count ? folders[index] : nil
    }
}

/// What the second thread has found: what is in folders of the first level.
private struct FoundTrees: Sendable {
    var trees: [(node: FileTree.NodeID, tree: FileTree)] = []
    var isIncomplete = false
    var leftovers = 0
}

/// The second thread of a scan.
private final class ScanHelper: Sendable {
    private let found = Mutex(FoundTrees())
    private let isDone = Latch()

    /// `nil` when there is no thread: one reads it all, then.
    init?(_ scanner: FolderScanner, _ shared: SharedFolders) {
        let error = startThread(name: "connect-scan") { [self] in
            var scanner = FolderScanner(
                scanner.directory, canWrite: scanner.canWrite, removesLeftovers: scanner.removesLeftovers,
                watch: scanner.watch)
            let all = scanner.scan(shared)
            found.withLock { $0 = all }
            isDone.open()
        }
        guard error == 0 else { return nil }
    }

    func wait() -> FoundTrees {
        isDone.wait()
        return found.withLock { found in
            defer { found = FoundTrees() }
            return found
        }
    }
}

/// Answers about the right to write, so that not each of thousands of files has to be asked about: on a file system,
/// files of the same owner, group and mode have the same answer.
///
/// Access lists and the immutable flag of a single file are not seen by this. What a command does to a file is checked
/// with the file itself.
private struct KnownRights {
    private struct Key: Hashable {
        let device: UInt64
        let owner: UInt32
        let group: UInt32
        let mode: UInt32
    }

    private var answers: [Key: Bool] = [:]
    /// Neighbours are mostly alike.
    private var last: (key: Key, answer: Bool)?

    mutating func canWrite(_ status: stat, ask: () -> Bool) -> Bool {
        let key = Key(
            device: UInt64(status.st_dev), owner: status.st_uid, group: status.st_gid, mode: UInt32(status.st_mode))
        if let last, last.key == key { return last.answer }
        let answer = answers[key] ?? ask()
        answers[key] = answer
        last = (key, answer)
        return answer
    }
}

extension FileTree {
    fileprivate func folders(in node: NodeID) -> [NodeID] { children(node).reversed().filter { isFolder($0) } }

    fileprivate func cName(_ node: NodeID) -> [CChar] { name(node).map { CChar(bitPattern: $0) } + [0] }
}
