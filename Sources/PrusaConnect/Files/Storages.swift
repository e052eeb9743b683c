import Synchronization

/// The storages of a printer: what is attached and what is in it. Safe to use from any thread.
///
/// The lock is held for looks at memory only, never for a look at a disk: a mount that does not answer must not hold
/// up anybody who asks about something else.
final class Storages: Sendable {
    /// One attached storage.
    struct Attached: Sendable {
        let storage: Storage
        var tree: FileTree
        var space: StorageSpace?
    }

    private let attached = Mutex<[Attached]>([])

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

    func remove(_ name: String) throws(StorageError) {
        let isKnown = attached.withLock { attached in
            let count = attached.count
            attached.removeAll { $0.storage.name.isSameName(as: name) }
            return attached.count < count
        }
        guard isKnown else { throw .notUsed(name) }
    }

    /// Changes what is known about a storage; `nil` when it is not attached.
    @discardableResult
    func change<Value: Sendable>(_ name: String, _ body: (inout Attached) -> Value) -> Value? {
        attached.withLock { attached in
            guard let index = attached.firstIndex(where: { $0.storage.name.isSameName(as: name) }) else { return nil }
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
        return StorageDirectory(storage: storage.name, path: directory)
    }

    /// What is known about a file of a storage without directory.
    func entry(_ path: StoragePath) throws(StorageError) -> FileTree.Entry {
        let entry = change(path.storage) { attached in
            attached.tree.node(at: path.names).map { attached.tree.entry($0) }
        }
        guard let entry else { throw .noStorage(name: path.storage, path: path.description) }
        guard let entry else { throw .notFound(path.description) }
        return entry
    }

    // MARK: What Connect gets to see

    /// The tree of all files as INFO has it.
    var infoTree: JSONValue {
        let attached = attached.withLock { $0 }
        var json = JSONWriter()
        if let root = attached.first, root.storage.name == StoragePath.root {
            root.tree.writeLegacy(name: root.storage.name, space: root.space, to: &json)
        } else {
            json.append("{\"type\": \"DIR\", \"name\": \"/\", \"read_only\": true, \"children\": [")
            for (number, storage) in attached.enumerated() {
                if number > 0 { json.append(", ") }
                storage.tree.writeLegacy(name: storage.storage.name, space: storage.space, to: &json)
            }
            json.append("]}")
        }
        return .encoded(EncodedJSON(bytes: json.bytes))
    }
}

extension String {
    /// Byte by byte: for the kernel two spellings of `é` are two names.
    func isSameName(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
