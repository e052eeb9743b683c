import Synchronization

/// The storages of a printer: what is attached and what is in it. Safe to use from any thread.
///
/// The lock is held for looks at memory only, never for a look at a disk: a mount that does not answer must not hold
/// up anybody who asks about something else.
final class Storages: Sendable {
    /// One attached storage.
    struct Attached: Sendable {
        /// Another one each time a storage is attached, even under the same name.
        let id: UInt64
        let storage: Storage
        var tree: FileTree
        var space: StorageSpace?
    }

    let canWrite: WriteCheck
    /// Held while storages come and go and while changes are told, so that nothing is told about a storage after its
    /// end. Taken before every other lock.
    let order = Mutex(())
    private let attached = Mutex<[Attached]>([])
    private let lastID = Atomic<UInt64>(0)

    init(canWrite: @escaping WriteCheck = systemWriteCheck) { self.canWrite = canWrite }

    func newID() -> UInt64 { lastID.wrappingAdd(1, ordering: .relaxed).newValue }

    // MARK: Attached storages

    /// The names of the attached storages, sorted.
    var names: [String] { attached.withLock { $0.map(\.storage.name) } }

    /// Throws unless a storage of this name may be attached now.
    func checkFree(_ name: String) throws(StorageError) {
        if let error = attached.withLock({ Self.conflict(of: name, with: $0) }) { throw error }
    }

    private static func conflict(of name: String, with attached: [Attached]) -> StorageError? {
        if attached.contains(where: { $0.storage.name.isSameName(as: name) }) { return .alreadyUsed(name) }
        let hasRoot = attached.contains { $0.storage.name == StoragePath.root }
        return hasRoot || name == StoragePath.root && !attached.isEmpty ? .rootIsAlone : nil
    }

    func add(_ new: Attached) throws(StorageError) {
        let error = attached.withLock { attached -> StorageError? in
            if let error = Self.conflict(of: new.storage.name, with: attached) { return error }
            attached.append(new)
            attached.sort { FileTree.isBefore(ArraySlice($0.storage.name.utf8), ArraySlice($1.storage.name.utf8)) }
            return nil
        }
        if let error { throw error }
    }

    /// Takes a storage away and returns what was attached.
    @discardableResult
    func remove(_ name: String) throws(StorageError) -> Attached {
        let removed = attached.withLock { attached in
            attached.firstIndex { $0.storage.name.isSameName(as: name) }.map { attached.remove(at: $0) }
        }
        guard let removed else { throw .notUsed(name) }
        return removed
    }

    /// Looks at or changes what is known about a storage; `nil` when it is not attached any more. `body` must be short
    /// and must not look at a disk.
    @discardableResult
    func change<Value: Sendable>(_ id: UInt64, _ body: (inout Attached) -> Value) -> Value? {
        attached.withLock { attached in
            guard let index = attached.firstIndex(where: { $0.id == id }) else { return nil }
            return body(&attached[index])
        }
    }

    // MARK: Paths

    /// Takes a path apart.
    func parse(_ path: String) throws(StorageError) -> StoragePath {
        let hasRoot = attached.withLock { $0.contains { $0.storage.name == StoragePath.root } }
        return try StoragePath(path, isRootAttached: hasRoot)
    }

    /// The directory of the storage that `path` is in.
    func directory(of path: StoragePath) throws(StorageError) -> StorageDirectory {
        let storage = attached.withLock { attached in
            attached.first { $0.storage.name.isSameName(as: path.storage) }?.storage
        }
        guard let storage else { throw .noStorage(name: path.storage, path: path.description) }
        guard let directory = storage.directory else { throw .noDirectory(path.storage) }
        return StorageDirectory(storage: storage.name, path: directory, canWrite: canWrite)
    }

    /// What is known about a file of a storage without directory.
    func entry(_ path: StoragePath) throws(StorageError) -> FileTree.Entry {
        let storage = attached.withLock { $0.first { $0.storage.name.isSameName(as: path.storage) } }
        guard let tree = storage?.tree else { throw .noStorage(name: path.storage, path: path.description) }
        guard let node = tree.node(at: path.names) else { throw .notFound(path.description) }
        return tree.entry(node)
    }

    // MARK: What Connect gets to see

    /// The tree of all files as INFO has it.
    var infoTree: JSONValue {
        let attached = attached.withLock { $0 }
        let size = attached.reduce(256) { $0 + $1.tree.legacySize }
        return .encoded(
            EncodedJSON(size: size) { json in
                if let root = attached.first, root.storage.name == StoragePath.root {
                    return root.writeLegacy(to: &json)
                }
                json.append("{\"type\": \"DIR\", \"name\": \"/\", \"read_only\": true, \"children\": [")
                for (number, storage) in attached.enumerated() {
                    if number > 0 { json.append(", ") }
                    storage.writeLegacy(to: &json)
                }
                json.append("]}")
            })
    }
}

extension String {
    /// Byte by byte: for the kernel two spellings of `é` are two names.
    func isSameName(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
