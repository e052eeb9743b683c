import Glibc

/// Whether this program may write the entry `name` of an open folder. Asked through a function so that tests, which
/// often run as root, can have files that are read-only.
typealias WriteCheck = @Sendable (_ folder: Int32, _ name: UnsafePointer<CChar>) -> Bool

/// Asks the kernel, which knows of owners, access lists, capabilities and read-only file systems.
let systemWriteCheck: WriteCheck = { folder, name in faccessat(folder, name, W_OK, 0) == 0 }

/// A look at one entry of a folder.
enum FileProbe {
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
struct FolderScanner {
    let directory: StorageDirectory
    let canWrite: WriteCheck
    /// Starts to watch an open folder and returns the watch's number.
    let watch: (Descriptor) -> Int32?

    /// Whether some folder could not be watched or read to its end: changes in it have to be looked for.
    private(set) var isIncomplete = false
    private var rights = KnownRights()

    init(_ directory: StorageDirectory, canWrite: @escaping WriteCheck, watch: @escaping (Descriptor) -> Int32?) {
        self.directory = directory
        self.canWrite = canWrite
        self.watch = watch
    }

    /// Reads the folder `path`, which becomes the root of the tree.
    mutating func scan(_ path: StoragePath) throws(StorageError) -> FileTree {
        let top = try directory.openFolder(path)
        guard let status = top.status, let entry = FileProbe.entry(status, isReadOnly: { !canWrite(top.number, ".") })
        else { throw .opening(path, errno) }
        var tree = FileTree(root: entry)
        visit(top, FileTree.root, of: &tree)
        var way = FolderWay(top)
        var folders = [tree.folders(in: FileTree.root)]
        while !folders.isEmpty {
            guard let next = folders[folders.count - 1].popLast() else {
                folders.removeLast()
                way.up()
                continue
            }
            if let folder = way.down(tree.name(next).map { CChar(bitPattern: $0) } + [0]) {
                visit(folder, next, of: &tree)
                folders.append(tree.folders(in: next))
            } else if errno != ENOENT, errno != ENOTDIR {
                // It may not be entered, or there are no descriptors. One that is gone is told by its parent's watch.
                isIncomplete = true
            }
        }
        tree.trim()
        return tree
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
        names.forEach { name, terminated in
            var status = stat()
            guard fstatat(folder.number, terminated, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
            let entry = FileProbe.entry(
                status, isReadOnly: { !rights.canWrite(status) { canWrite(folder.number, terminated) } })
            if let entry { tree.insert(name, entry, in: node) }
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
}
