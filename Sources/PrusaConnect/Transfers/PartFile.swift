import Glibc

/// The calls that a full or broken disk makes fail, so that tests can make them fail.
struct DiskCalls: Sendable {
    /// As pwrite(2): the count, or -1 with `errno`.
    var write: @Sendable (Int32, UnsafeRawBufferPointer, Int64) -> Int
    /// As fsync(2).
    var sync: @Sendable (Int32) -> Int32
    /// Bytes that may be written; `nil` when the file system does not say.
    var freeSpace: @Sendable (Int32) -> UInt64?

    static let system = DiskCalls(
        write: { pwrite($0, $1.baseAddress, $1.count, off_t($2)) },
        sync: { fsync($0) },
        freeSpace: { file in
            var space = statvfs()
            guard fstatvfs(file, &space) == 0 else { return nil }
            return UInt64(space.f_bavail) * UInt64(space.f_frsize)
        })
}

/// `.NAME.part` beside the destination, which takes its place when it is complete. Hidden, so that nobody sees half
/// a file. Used by one thread.
///
/// An advisory lock tells a file that grows from one that a `kill -9` has left: see ``removeLeftover(_:in:)``.
final class PartFile {
    private let destination: FileDestination
    private let name: String
    /// Holds the lock until the file is in its place or gone.
    private let lock: Int32
    /// To write; closed before the file gets its place, or those who watch the directory would hear of it twice.
    private var file: Int32
    private let disk: DiskCalls
    private var unsynced = 0
    private var isDone = false

    /// Bytes that may wait in memory for the card. More of them at once would hold up those who read from it.
    private static let syncInterval = 8 << 20

    /// Makes the file, or empties the one that an earlier try has left.
    init(_ destination: FileDestination, disk: DiskCalls = .system) throws(FileError) {
        self.destination = destination
        self.disk = disk
        name = ".\(destination.name).part"
        lock = try Self.open(name, in: destination.folder.number)
        // The very file that is locked, whatever has happened to its name.
        file = Glibc.open("/proc/self/fd/\(lock)", O_RDWR | O_TRUNC | O_CLOEXEC)
        guard file >= 0 else {
            let code = errno
            close(lock)
            throw FileError(operation: "create", path: name, code: code)
        }
    }

    deinit {
        discard()
        if file >= 0 { close(file) }
        close(lock)
    }

    private static func open(_ name: String, in directory: Int32) throws(FileError) -> Int32 {
        while true {
            let file = openat(directory, name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o644)
            guard file >= 0 else { throw FileError(operation: "create", path: name, code: errno) }
            var info = stat()
            guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
                close(file)
                throw FileError(operation: "create", path: name, code: EEXIST)
            }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                close(file)
                throw FileError(operation: "lock", path: name, code: EBUSY)
            }
            // Whoever tidies up may have removed it between the two calls.
            if fstat(file, &info) == 0, info.st_nlink > 0 { return file }
            close(file)
        }
    }

    /// Bytes that the file system takes beyond those written.
    var freeSpace: UInt64? { disk.freeSpace(file) }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let place = Int64(offset) + Int64(rest.startIndex - bytes.startIndex)
            let count = disk.write(file, UnsafeRawBufferPointer(rebasing: rest), place)
            if count < 0, errno == EINTR { continue }
            // Nothing written and no error: a disk that says neither yes nor no is full.
            guard count > 0 else { throw FileError(operation: "write", path: name, code: count < 0 ? errno : ENOSPC) }
            rest = rest.dropFirst(count)
        }
        unsynced += bytes.count
        if unsynced >= Self.syncInterval { try sync() }
    }

    /// Throws away what is written.
    func restart() throws(FileError) {
        guard ftruncate(file, 0) == 0 else { throw FileError(operation: "empty", path: name, code: errno) }
    }

    /// Waits until the file is on the storage: a loss of power after the rename must not leave an empty file.
    func sync() throws(FileError) {
        unsynced = 0
        guard disk.sync(file) == 0 else { throw FileError(operation: "write", path: name, code: errno) }
    }

    /// Puts the file in its place, instead of what was there, and syncs the directory.
    func commit() throws(FileError) {
        let directory = destination.folder.number
        let closed = close(file)
        file = -1
        // Network file systems tell only now that something could not be written.
        guard closed == 0 else { throw FileError(operation: "write", path: name, code: errno) }
        guard renameat(directory, name, directory, destination.name) == 0 else {
            throw FileError(operation: "replace", path: destination.name, code: errno)
        }
        isDone = true
        // Some file systems cannot sync a directory; the rename has happened all the same.
        _ = disk.sync(directory)
    }

    /// Removes the file unless it is in its place.
    func discard() {
        guard !isDone else { return }
        isDone = true
        unlinkat(destination.folder.number, name, 0)
    }
}

// What a kill -9 leaves.
extension PartFile {
    /// Whether this is the name of a file that grows, or did.
    static func isName(_ name: UnsafeRawBufferPointer) -> Bool {
        let end = ".part".utf8
        guard name.first == UInt8(ascii: "."), name.count > end.count + 1 else { return false }
        return name.suffix(end.count).elementsEqual(end)
    }

    /// Removes a file of such a name that nobody writes any more. Returns whether it did.
    static func removeLeftover(_ name: String, in directory: Int32) -> Bool {
        let file = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG, flock(file, LOCK_EX | LOCK_NB) == 0 else {
            return false
        }
        return unlinkat(directory, name, 0) == 0
    }
}
