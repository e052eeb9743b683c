import Glibc

/// The directory behind a storage: turns Connect's paths into open files, part by part from the storage's directory
/// downwards. A symbolic link is never followed, so nothing outside can be reached, whatever others do meanwhile.
///
/// Keeps nothing open: an open directory would keep a USB stick from being unmounted.
struct StorageDirectory: Sendable {
    let storage: String
    /// A path of the host.
    let path: String
    let canWrite: WriteCheck

    /// Opens the storage's directory itself. Links in the configured path are the administrator's and are followed.
    func open() throws(StorageError) -> Descriptor {
        let number = Glibc.open(path, Descriptor.pathOnly | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw .unusable(name: storage, code: errno) }
        return Descriptor(number)
    }

    /// Opens the folder `path`. `wanted` is the path that somebody asked for, to be named in errors.
    func openFolder(_ path: StoragePath, for wanted: StoragePath? = nil) throws(StorageError) -> Descriptor {
        let wanted = wanted ?? path
        guard !path.isHidden else { throw .notFound(wanted.description) }
        var folder = try open()
        for name in path.names {
            guard let next = Descriptor.folder(name, in: folder.number) else { throw .opening(wanted, errno) }
            folder = next
        }
        return folder
    }

    /// Looks for a file or folder. What is neither (a device, a socket) does not exist for Connect.
    func find(_ path: StoragePath) throws(StorageError) -> FoundFile {
        guard let name = path.name else {
            let root = try open()
            guard let status = root.status else { throw .opening(path, errno) }
            return FoundFile(
                path: path, parent: nil, entry: root, status: status, isReadOnly: !canWrite(root.number, "."))
        }
        let parent = try openFolder(path.parent, for: path)
        guard !FileName.isHidden(name), let entry = Descriptor.open(name, in: parent.number, Descriptor.pathOnly) else {
            throw .opening(path, FileName.isHidden(name) ? ENOENT : errno)
        }
        guard let status = entry.status, status.isFolder || status.isRegularFile else {
            throw .notFound(path.description)
        }
        return FoundFile(
            path: path, parent: parent, entry: entry, status: status, isReadOnly: !canWrite(parent.number, name))
    }

    /// Finds the place for a new file: checks the names, makes missing folders, opens the folder.
    ///
    /// - Parameters:
    ///   - path: the new file.
    ///   - longestName: bytes that its name may have.
    func destination(_ path: StoragePath, longestName: Int = FileName.longest) throws(StorageError) -> FileDestination {
        guard let name = path.name else { throw .isStorage(path.description) }
        try FileName.checkNewFile(name, longest: longestName)
        _ = try makeFolder(path.parent)
        let parent = try openFolder(path.parent)
        // O_PATH does not do for fsync, which makes a rename lasting.
        guard let folder = Descriptor.open(".", in: parent.number, O_RDONLY | O_DIRECTORY) else {
            throw .opening(path.parent, errno)
        }
        let destination = FileDestination(path: path, folder: folder, name: name)
        if destination.existing?.isFolder == true { throw .isFolder(path.description) }
        return destination
    }

    /// Makes a folder and those above it; true when at least one was new. The names of new ones are checked, those of
    /// existing ones are what they are; nothing is made when one is bad.
    @discardableResult
    func makeFolder(_ path: StoragePath) throws(StorageError) -> Bool {
        var folder = try open()
        var depth = 0
        while depth < path.names.count, !FileName.isHidden(path.names[depth]),
            let next = Descriptor.folder(path.names[depth], in: folder.number)
        {
            folder = next
            depth += 1
        }
        let new = path.names[depth...]
        guard !new.isEmpty else { return false }
        for name in new { try FileName.checkNewFolder(name) }
        for name in new {
            guard mkdirat(folder.number, name, 0o777) == 0 || errno == EEXIST else {
                throw .failed(operation: "create", path: path.description, code: errno)
            }
            guard let next = Descriptor.folder(name, in: folder.number) else {
                // A file or a link of this name.
                throw errno == ENOTDIR || errno == ELOOP
                    ? .isFile(path.description)
                    : .failed(operation: "create", path: path.description, code: errno)
            }
            folder = next
        }
        return true
    }

    /// What the folders on the way to `path` and `path` itself are, from the storage downwards, as far as they exist.
    func identities(along path: StoragePath) -> [FileIdentity] {
        guard var folder = try? open(), let status = folder.status else { return [] }
        var found = [FileIdentity(status)]
        for name in path.names {
            guard let next = Descriptor.open(name, in: folder.number, Descriptor.pathOnly),
                let status = next.status
            else { break }
            found.append(FileIdentity(status))
            folder = next
        }
        return found
    }
}

/// A file or folder that exists, held open so that it stays the same one.
struct FoundFile: Sendable {
    let path: StoragePath
    /// The folder that it is in; `nil` for a storage itself.
    let parent: Descriptor?
    /// Opened with `O_PATH`: it tells what the file is and cannot be read; see ``openForReading()``.
    let entry: Descriptor
    let isFolder: Bool
    let attributes: FileAttributes
    let identity: FileIdentity

    init(path: StoragePath, parent: Descriptor?, entry: Descriptor, status: stat, isReadOnly: Bool) {
        self.path = path
        self.parent = parent
        self.entry = entry
        isFolder = status.isFolder
        identity = FileIdentity(status)
        attributes = FileAttributes(
            isReadOnly: isReadOnly, modified: Int64(status.st_mtim.tv_sec),
            size: isFolder ? 0 : UInt64(max(status.st_size, 0)))
    }

    /// Opens the file to read it.
    func openForReading() throws(StorageError) -> Descriptor {
        guard !isFolder else { throw .isFolder(path.description) }
        guard let parent, let name = path.name, let file = Descriptor.open(name, in: parent.number, O_RDONLY) else {
            throw .opening(path, errno)
        }
        guard let status = file.status, FileIdentity(status) == identity else { throw .notFound(path.description) }
        return file
    }
}

/// The place of a file that is to be made or replaced. Its folder exists and is held open.
struct FileDestination: Sendable {
    let path: StoragePath
    /// Good for `openat`, `renameat` and `fsync`.
    let folder: Descriptor
    let name: String

    /// What is there now under the name.
    var existing: stat? {
        var status = stat()
        return fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Bytes that fit on the file system, `nil` when it does not tell.
    var freeSpace: UInt64? { folder.space?.free }
}
