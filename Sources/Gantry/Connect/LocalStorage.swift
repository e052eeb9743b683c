import Glibc

/// The directory of G-code files that is the storage `/local`. What is in it, and what changes there, is told by
/// PrusaConnect; this makes the directory.
public struct LocalStorage: Sendable {
    /// Its name in Connect's paths.
    public static let name = "local"

    /// The directory, with links resolved.
    public let root: String

    /// Opens a directory, and makes it if it is not there.
    public init(directory: String) throws(LocalStorageError) {
        if mkdir(directory, 0o755) != 0, errno != EEXIST { throw LocalStorageError(path: directory, errno: errno) }
        guard let resolved = realpath(directory, nil) else { throw LocalStorageError(path: directory, errno: errno) }
        defer { free(resolved) }
        root = String(cString: resolved)
        var info = stat()
        guard stat(root, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw LocalStorageError(path: directory, errno: ENOTDIR)
        }
    }
}

/// The directory of G-code files cannot be used.
public struct LocalStorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The directory as configured.
    public let path: String
    /// Why.
    public let errno: Int32

    /// What happened, to what.
    public var description: String { "The directory \(path) cannot be used: \(String(cString: strerror(errno)))" }
}
