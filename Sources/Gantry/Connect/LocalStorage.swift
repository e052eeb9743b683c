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
        if mkdir(directory, 0o755) != 0, errno != EEXIST { throw .unusable(path: directory, errno: errno) }
        guard let resolved = realpath(directory, nil) else { throw .unusable(path: directory, errno: errno) }
        defer { free(resolved) }
        root = String(cString: resolved)
        var info = stat()
        guard stat(root, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw .unusable(path: directory, errno: ENOTDIR)
        }
    }
}

/// Why there is no storage `/local`.
public enum LocalStorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The directory cannot be used.
    case unusable(path: String, errno: Int32)

    /// What happened, to what.
    public var description: String {
        switch self {
        case .unusable(let path, let errno):
            "The directory \(path) cannot be used: \(String(cString: strerror(errno)))"
        }
    }
}
