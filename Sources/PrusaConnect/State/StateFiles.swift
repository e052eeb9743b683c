import Glibc

/// The calls of the operating system that the printer's state needs. Tests put disks that are full or broken in
/// their place.
protocol StateFiles: Sendable {
    /// Makes a directory for the owner only; one that is there already is fine.
    func makeDirectory(_ path: String) throws(OSError)
    /// Opens for reading and writing, made for the owner only (0600) when missing; `isEmptied` cuts old content off.
    func open(_ path: String, isEmptied: Bool) throws(OSError) -> Int32
    /// Another descriptor of the same file, for use by another thread.
    func duplicate(_ file: Int32) throws(OSError) -> Int32
    func close(_ file: Int32)
    /// Takes the file for this process; false when another one has it.
    func lock(_ file: Int32) throws(OSError) -> Bool
    func size(_ file: Int32) throws(OSError) -> UInt64
    /// Reads at most `count` bytes; fewer at the end of the file.
    func read(_ file: Int32, at offset: UInt64, count: Int) throws(OSError) -> [UInt8]
    /// Writes all bytes, or throws after some of them.
    func write(_ file: Int32, _ bytes: [UInt8], at offset: UInt64) throws(OSError)
    func truncate(_ file: Int32, to size: UInt64) throws(OSError)
    /// Returns when the content has reached the medium.
    func sync(_ file: Int32) throws(OSError)
    func rename(_ old: String, to new: String) throws(OSError)
    /// Best effort.
    func remove(_ path: String)
}

/// An error number of the operating system.
struct OSError: Error, Sendable, Hashable {
    let code: Int32

    /// The error of the call that has just failed.
    static var last: OSError { OSError(code: errno) }

    func at(_ path: String, _ operation: String) -> FileError {
        FileError(operation: operation, path: path, code: code)
    }
}

/// The real files.
struct SystemFiles: StateFiles {
    func makeDirectory(_ path: String) throws(OSError) {
        guard mkdir(path, 0o700) != 0 else { return }
        guard errno == EEXIST else { throw .last }
    }

    func open(_ path: String, isEmptied: Bool) throws(OSError) -> Int32 {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | (isEmptied ? O_TRUNC : 0), 0o600)
        guard file >= 0 else { throw .last }
        return file
    }

    func duplicate(_ file: Int32) throws(OSError) -> Int32 {
        let other = fcntl(file, F_DUPFD_CLOEXEC, 0)
        guard other >= 0 else { throw .last }
        return other
    }

    func close(_ file: Int32) { _ = Glibc.close(file) }

    func lock(_ file: Int32) throws(OSError) -> Bool {
        if flock(file, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else { throw .last }
        return false
    }

    func size(_ file: Int32) throws(OSError) -> UInt64 {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .last }
        return UInt64(status.st_size)
    }

    func read(_ file: Int32, at offset: UInt64, count: Int) throws(OSError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let step = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset) + off_t(done))
            }
            if step < 0, errno == EINTR { continue }
            guard step >= 0 else { throw .last }
            if step == 0 { break }
            done += step
        }
        bytes.removeLast(count - done)
        return bytes
    }

    func write(_ file: Int32, _ bytes: [UInt8], at offset: UInt64) throws(OSError) {
        var done = 0
        while done < bytes.count {
            let step = bytes.withUnsafeBytes { buffer in
                pwrite(file, buffer.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset) + off_t(done))
            }
            if step < 0, errno == EINTR { continue }
            guard step >= 0 else { throw .last }
            done += step
        }
    }

    func truncate(_ file: Int32, to size: UInt64) throws(OSError) {
        guard ftruncate(file, off_t(size)) == 0 else { throw .last }
    }

    func sync(_ file: Int32) throws(OSError) {
        guard fdatasync(file) == 0 else { throw .last }
    }

    func rename(_ old: String, to new: String) throws(OSError) {
        guard Glibc.rename(old, new) == 0 else { throw .last }
    }

    func remove(_ path: String) { unlink(path) }
}
