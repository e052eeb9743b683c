import Glibc

/// An open file or folder. It is closed when the last reference to it goes, so its number cannot be somebody else's
/// file while anybody still uses it.
final class Descriptor: Sendable {
    /// The number that system calls take. Keep the object in a variable for as long as it is used: one that is only
    /// made on the way to its number is closed before the call.
    let number: Int32

    /// `O_PATH`, which Swift does not import: to find and look at a file without the right to read it, and without
    /// waking whatever is behind it.
    static let pathOnly: Int32 = 0o10000000

    /// Takes over an open descriptor.
    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// Opens `name` in the folder `directory` (`AT_FDCWD`: a path of the host), never through a symbolic link as the
    /// last part. `nil` with `errno` set when it cannot be opened.
    static func open(_ name: UnsafePointer<CChar>, in directory: Int32, _ flags: Int32) -> Descriptor? {
        while true {
            let number = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            if number >= 0 { return Descriptor(number) }
            if errno != EINTR { return nil }
        }
    }

    /// Opens a folder of `directory` as a place to look things up in.
    static func folder(_ name: UnsafePointer<CChar>, in directory: Int32) -> Descriptor? {
        open(name, in: directory, pathOnly | O_DIRECTORY)
    }

    /// Opens a folder of `directory` so that its entries can be read; ".": the directory itself.
    static func readableFolder(_ name: UnsafePointer<CChar>, in directory: Int32) -> Descriptor? {
        open(name, in: directory, O_RDONLY | O_DIRECTORY)
    }

    /// What the kernel knows about the file.
    var status: stat? {
        var status = stat()
        return fstat(number, &status) == 0 ? status : nil
    }

    /// Bytes that may still be written to the file system and its size; `nil` when it does not tell.
    var space: StorageSpace? {
        var space = statvfs()
        guard fstatvfs(number, &space) == 0 else { return nil }
        let block = UInt64(space.f_frsize)
        return StorageSpace(free: UInt64(space.f_bavail) * block, total: UInt64(space.f_blocks) * block)
    }
}

/// What a file is, whatever it is called.
struct FileIdentity: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}

extension stat {
    var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
    var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
}
