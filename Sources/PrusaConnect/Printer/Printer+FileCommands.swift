import Glibc

// The commands that make and delete files. What they did is told by the watcher, as FILE_CHANGED.
//
// A storage without directory (the printer's own SD card) cannot be changed from here: the application may handle the
// command itself.

extension Printer {
    func createFolder(_ command: Command) throws -> CommandResult {
        let path = try storages.parse(try path(in: command))
        guard path.name != nil else { throw StorageError.isStorage(path.description) }
        try storages.directory(of: path).makeFolder(path)
        return .finished
    }

    func deleteFile(_ command: Command) throws -> CommandResult {
        let path = try storages.parse(try path(in: command))
        let directory = try changeableDirectory(of: path)
        let found = try directory.find(path)
        guard !found.isFolder else { throw StorageError.isFolder(path.description) }
        try checkMayGo(found)
        guard let parent = found.parent, let name = path.name, unlinkat(parent.number, name, 0) == 0 else {
            throw StorageError.deleting(path, errno)
        }
        return .finished
    }

    /// Without `force` only an empty folder is deleted. With it, everything is looked at first: a folder in which
    /// something must stay is left as it is.
    func deleteFolder(_ command: Command) throws -> CommandResult {
        let path = try storages.parse(try path(in: command))
        let isForced = try command.bool("force") ?? false
        let directory = try changeableDirectory(of: path)
        let found = try directory.find(path)
        guard found.isFolder else { throw StorageError.isFile(path.description) }
        guard let parent = found.parent, let name = path.name else { throw StorageError.isStorage(path.description) }
        try checkMayGo(found)
        if isForced {
            let removal = FolderRemoval(path: path, parent: parent, canWrite: storages.canWrite)
            try removal.run { command.isInterrupted }
        } else if unlinkat(parent.number, name, AT_REMOVEDIR) != 0 {
            throw StorageError.deleting(path, errno)
        }
        return .finished
    }

    /// The Python SDK 0.8.1 says "requires kwargs" when there are none at all.
    private func path(in command: Command) throws(CommandError) -> String {
        guard !command.keywords.isEmpty else { throw CommandError("\(command.name) requires kwargs") }
        return try command.required("path")
    }

    private func changeableDirectory(of path: StoragePath) throws(StorageError) -> StorageDirectory {
        do throws(StorageError) {
            return try storages.directory(of: path)
        } catch .noDirectory(let name) {
            // The file may be known all the same, or not be there.
            let entry = try storages.entry(path)
            guard entry.isReadOnly == true else { throw .noDirectory(name) }
            throw entry.isFolder ? .readOnlyFolder(path.description) : .readOnlyFile(path.description)
        } catch {
            throw error
        }
    }

    private func checkMayGo(_ found: FoundFile) throws(StorageError) {
        let path = found.path.description
        if found.attributes.isReadOnly == true {
            throw found.isFolder ? .readOnlyFolder(path) : .readOnlyFile(path)
        }
        if isPrinted(found.path) { throw found.isFolder ? .printedFolder(path) : .printedFile(path) }
    }
}

extension StorageError {
    fileprivate static func deleting(_ path: StoragePath, _ code: Int32) -> StorageError {
        switch code {
        case ENOENT: .notFound(path.description)
        case ENOTEMPTY, EEXIST: .notEmpty(path.description)
        case EROFS: .readOnlyFile(path.description)
        default: .failed(operation: "delete", path: path.description, code: code)
        }
    }
}
