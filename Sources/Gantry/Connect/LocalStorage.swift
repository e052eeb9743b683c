import Glibc
import PrusaConnect

/// The directory of G-code files that is the storage `/local`. What is in it, and what changes there, is told by
/// PrusaConnect; this makes the directory and answers SEND_FILE_INFO.
///
/// Hidden entries do not exist for Connect. Nothing outside the directory can be named, by `..`, by links or otherwise.
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

    /// The path on this machine of Connect's `path`, `/local/box.gcode` for example.
    ///
    /// Works on bytes: for `String` a slash with a combining accent behind it is no slash, for the kernel it is.
    public func resolve(_ path: String) throws(LocalStorageError) -> String {
        let slash = UInt8(ascii: "/")
        let parts = path.utf8.split(separator: slash, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].isEmpty, parts[1].elementsEqual(Self.name.utf8) else { throw .notFound(path) }
        var wanted = Array(root.utf8)
        for name in parts.dropFirst(2) {
            guard let first = name.first, first != UInt8(ascii: "."), !name.contains(0) else { throw .notFound(path) }
            wanted.append(slash)
            wanted.append(contentsOf: name)
        }
        guard let resolved = realpath(String(decoding: wanted, as: UTF8.self), nil) else { throw .notFound(path) }
        defer { free(resolved) }
        let found = String(cString: resolved)
        let inside = root == "/" ? "/" : root + "/"
        guard found.utf8.elementsEqual(root.utf8) || found.utf8.starts(with: inside.utf8) else { throw .notFound(path) }
        return found
    }

    /// Attributes of a file for FILE_INFO: `path`, `read_only`, `size`, `m_timestamp`.
    public func fileInfo(_ path: String) throws(LocalStorageError) -> JSONObject {
        let found = try resolve(path)
        var info = stat()
        guard stat(found, &info) == 0 else { throw .notFound(path) }
        switch info.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw .isFolder(path)
        default: throw .notFound(path)
        }
        return [
            "path": .string(path), "read_only": .bool(access(found, W_OK) != 0), "size": .int(Int64(info.st_size)),
            "m_timestamp": .int(Int64(info.st_mtim.tv_sec)),
        ]
    }
}

/// Why a path of Connect leads nowhere.
public enum LocalStorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no such file, or it may not be named.
    case notFound(String)
    /// It is a folder.
    case isFolder(String)
    /// The directory cannot be used.
    case unusable(path: String, errno: Int32)

    /// What happened, to what.
    public var description: String {
        switch self {
        case .notFound(let path): "File does not exist: \(path)"
        case .isFolder(let path): "\(path) is a folder"
        case .unusable(let path, let errno):
            "The directory \(path) cannot be used: \(String(cString: strerror(errno)))"
        }
    }
}
