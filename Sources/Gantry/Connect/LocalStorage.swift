import Glibc
import PrusaConnect

/// A directory of G-code files as Connect sees it: the storage `/local`.
///
/// Hidden entries do not exist for Connect. Nothing outside the directory can be named, by `..`, by links or otherwise.
public struct LocalStorage: Sendable {
    /// Its name in Connect's paths.
    public static let name = "local"

    /// The directory, with links resolved.
    public let root: String

    /// Levels of folders that are told; deeper ones are left out.
    private static let maximumDepth = 16

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

    /// The tree of everything, as INFO has it: the root with this storage as its only child.
    public func rootTree() -> JSONValue {
        ["type": "DIR", "name": "/", "read_only": true, "children": [tree()]]
    }

    /// The tree of this storage, as MEDIUM_INSERTED has it, with its space in bytes.
    public func tree() -> JSONValue {
        var object = folder(root, name: Self.name, depth: 0).object
        var space = statvfs()
        if statvfs(root, &space) == 0 {
            let block = UInt64(space.f_frsize)
            object["free_space"] = JSONValue(UInt64(space.f_bavail) * block)
            object["total_space"] = JSONValue(UInt64(space.f_blocks) * block)
        }
        return .object(object)
    }

    private func folder(_ path: String, name: String, depth: Int) -> (object: JSONObject, size: Int64) {
        var children: [JSONValue] = []
        var size: Int64 = 0
        for entry in entries(of: path) {
            let childPath = path + "/" + entry
            var info = stat()
            // lstat: what a link points to may be outside.
            guard lstat(childPath, &info) == 0 else { continue }
            if info.st_mode & S_IFMT == S_IFDIR {
                guard depth < Self.maximumDepth else { continue }
                let child = folder(childPath, name: entry, depth: depth + 1)
                children.append(.object(child.object))
                size += child.size
            } else if info.st_mode & S_IFMT == S_IFREG {
                children.append(
                    .object(attributes(type: "FILE", path: childPath, name: entry, info, size: Int64(info.st_size))))
                size += Int64(info.st_size)
            }
        }
        var info = stat()
        _ = stat(path, &info)
        var object = attributes(type: "DIR", path: path, name: name, info, size: size)
        object["children"] = .array(children)
        return (object, size)
    }

    private func attributes(type: String, path: String, name: String, _ info: stat, size: Int64) -> JSONObject {
        [
            "type": .string(type), "name": .string(name), "read_only": .bool(access(path, W_OK) != 0),
            "m_timestamp": .int(Int64(info.st_mtim.tv_sec)), "size": .int(size),
        ]
    }

    /// Names in a directory, sorted, hidden ones left out.
    private func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            // A name that is no UTF-8 cannot travel in JSON and come back.
            if let name, name.utf8.first != UInt8(ascii: ".") { names.append(name) }
        }
        return names.sorted()
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
