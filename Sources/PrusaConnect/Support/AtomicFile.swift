import Glibc

/// Why a file could not be read or written.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried, for example `write`.
    public let operation: String
    /// The file.
    public let path: String
    /// The error number of the operating system.
    public let code: Int32

    package init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// What the operating system says, for example `No space left on device`.
    var errorText: String { String(cString: strerror(code)) }

    /// For example `/etc/gantry.ini: cannot open: No such file or directory`.
    public var description: String { "\(path): cannot \(operation): \(errorText)" }
}

/// Files that are read and replaced whole.
enum AtomicFile {
    /// Reads a file of at most `limit` bytes.
    static func read(_ path: String, limit: Int = 1 << 20) throws(FileError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileError(operation: "open", path: path, code: errno) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(operation: "read", path: path, code: errno) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
            guard bytes.count <= limit else { throw FileError(operation: "read", path: path, code: EFBIG) }
        }
    }

    /// Replaces a file so that a loss of power leaves the old or the new content, never a mixture: a temporary file
    /// in the same directory (mode 0600, because settings hold secrets), fsync, rename, fsync of the directory.
    /// A symbolic link is followed; the owner stays.
    static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        let target = resolved(path)
        let temporary = "\(target).\(getpid()).\(UInt32.random(in: 0 ... .max)).part"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FileError(operation: "create", path: temporary, code: errno) }
        do throws(FileError) {
            defer { close(file) }
            var old = stat()
            // Best effort: without the right to give a file away the new one is the writer's.
            if stat(target, &old) == 0 { _ = fchown(file, old.st_uid, old.st_gid) }
            try write(bytes, to: file, path: temporary)
            guard fsync(file) == 0 else { throw FileError(operation: "write", path: temporary, code: errno) }
            guard rename(temporary, target) == 0 else {
                throw FileError(operation: "replace", path: target, code: errno)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        syncDirectory(of: target)
    }

    private static func write(_ bytes: [UInt8], to file: Int32, path: String) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(operation: "write", path: path, code: errno) }
            rest = rest.dropFirst(count)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func syncDirectory(of path: String) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { return }
        // Some file systems cannot sync a directory; the rename has happened all the same.
        fsync(file)
        close(file)
    }
}
