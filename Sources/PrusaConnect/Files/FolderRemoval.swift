import Glibc

/// Deletes a folder with everything in it, hidden files and links too; what links point to stays.
struct FolderRemoval {
    let path: StoragePath
    /// The folder that it is in.
    let parent: Descriptor
    let canWrite: WriteCheck

    /// What is done with an entry: `folder` is the one that it is in. Returns an error number, 0 when all is well.
    private typealias Step = (_ folder: Int32, _ name: UnsafePointer<CChar>, _ isFolder: Bool) -> Int32

    /// Deletes it. When something in it is read-only, nothing is deleted. `isInterrupted` is asked now and then.
    func run(isInterrupted: () -> Bool) throws(StorageError) {
        try walk(isInterrupted) { folder, name, _ in
            var status = stat()
            guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return 0 }
            // A link has no rights of its own.
            return status.st_mode & S_IFMT == S_IFLNK || canWrite(folder, name) ? 0 : EACCES
        }
        try walk(isInterrupted) { folder, name, isFolder in
            unlinkat(folder, name, isFolder ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT ? 0 : errno
        }
    }

    /// Takes the step for everything in the folder and then for the folder itself: what is in a folder comes before it.
    private func walk(_ isInterrupted: () -> Bool, _ step: Step) throws(StorageError) {
        guard let name = path.name else { return }
        var way = FolderWay(parent)
        guard let folder = way.down(Array(name.utf8CString)) else { throw failure(errno) }
        var folders = [try visit(folder, step)]
        while !folders.isEmpty {
            guard !isInterrupted() else { throw failure(ECANCELED) }
            if let name = folders[folders.count - 1].popLast() {
                if let folder = way.down(name) {
                    folders.append(try visit(folder, step))
                } else if errno != ENOENT {
                    throw failure(errno)
                }
                continue
            }
            folders.removeLast()
            let done = way.name ?? []
            way.up()
            guard let above = way.current() else { throw failure(errno) }
            let problem = step(above.number, done, true)
            guard problem == 0 else { throw failure(problem) }
        }
    }

    /// Takes the step for what is in a folder and is no folder itself. Returns the folders in it.
    private func visit(_ folder: Descriptor, _ step: Step) throws(StorageError) -> [[CChar]] {
        guard let names = FolderNames(folder, .all) else { throw failure(errno) }
        var folders: [[CChar]] = []
        var problem: Int32 = 0
        names.forEach { bytes in
            guard problem == 0, let name = bytes.cString else { return }
            var status = stat()
            guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
            if status.isFolder {
                folders.append(bytes.map { CChar(bitPattern: $0) } + [0])
            } else {
                problem = step(folder.number, name, false)
            }
        }
        guard problem == 0 else { throw failure(problem) }
        return folders
    }

    private func failure(_ code: Int32) -> StorageError {
        switch code {
        case EACCES, EPERM, EROFS: .readOnlyFolder(path.description)
        // Somebody adds files meanwhile.
        case ENOTEMPTY, EEXIST: .notEmpty(path.description)
        default: .failed(operation: "delete", path: path.description, code: code)
        }
    }
}
