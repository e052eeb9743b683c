import Crypto
import Glibc

/// What a file was when it was read: another one of these is another content.
struct FileVersion: Sendable, Hashable {
    /// Connect's path; its last part tells something too.
    var path: String
    /// Bytes.
    var size: UInt64
    /// When it was changed last, nanoseconds since 1 January 1970 UTC.
    var modified: Int64
    var inode: UInt64

    init(path: String, _ status: stat) {
        self.path = path
        size = UInt64(max(status.st_size, 0))
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        inode = UInt64(status.st_ino)
    }
}

/// Keeps what was found in print files, so that it outlives a restart.
///
/// One small file for each print file, in a folder of the state directory: nothing is written beside the G-code,
/// nothing is held in memory, and damage costs one entry. The oldest go when there are too many. The folder can be
/// deleted at any time. May be used by any thread, and by several processes.
struct FileContentCache: Sendable {
    /// What the folder may hold.
    struct Limits: Sendable {
        var bytes = 16 << 20
        var entries = 2048
    }

    /// Changes with what is stored and with what is looked for.
    private static let version = 1

    private let stateDirectory: String
    private let limits: Limits

    init(stateDirectory: String, limits: Limits = Limits()) {
        self.stateDirectory = stateDirectory
        self.limits = limits
    }

    var folder: String { stateDirectory + "/file-info" }

    /// What was stored for exactly this version of a file; nil when nothing was, or when it was damaged.
    func content(of file: FileVersion) -> FileContent? {
        guard let bytes = try? AtomicFile.read(path(of: file)), let lineEnd = bytes.firstIndex(of: 0x0A) else {
            return nil
        }
        let body = Array(bytes[(lineEnd + 1)...])
        guard bytes[..<lineEnd].elementsEqual(Self.checksum(body).utf8), let stored = try? JSONValue(parsing: body),
            stored["version"]?.int == Int64(Self.version), stored["file"] == Self.json(file)
        else { return nil }
        var content = FileContent()
        content.metadata = GCodeMetadata(fields: stored["metadata"]?.object ?? JSONObject())
        content.preview = stored["preview"].flatMap(Thumbnail.init(json:))
        return content
    }

    /// Stores what was found, in place of what was known about other versions of the file.
    func store(_ content: FileContent, of file: FileVersion) throws(FileError) {
        let stored: JSONValue = [
            "version": .int(Int64(Self.version)), "file": Self.json(file), "metadata": .object(content.metadata.fields),
            "preview": content.preview?.json ?? .null,
        ]
        let body = stored.wireBytes
        for directory in [stateDirectory, folder] where mkdir(directory, 0o700) != 0 && errno != EEXIST {
            throw FileError(operation: "make the directory", path: directory, code: errno)
        }
        try AtomicFile.write(Array(Self.checksum(body).utf8) + [0x0A] + body, to: path(of: file))
        removeOldest()
    }

    private func path(of file: FileVersion) -> String { "\(folder)/\(Self.checksum(Array(file.path.utf8))).json" }

    /// 32 hex digits.
    private static func checksum(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).prefix(16)
            .map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private static func json(_ file: FileVersion) -> JSONValue {
        [
            "path": .string(file.path), "size": JSONValue(file.size), "modified": .int(file.modified),
            "inode": JSONValue(file.inode),
        ]
    }

    private func removeOldest() {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        var entries: [(name: String, modified: Int, size: Int)] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard fstatat(dirfd(directory), name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.isRegularFile else {
                continue
            }
            entries.append((name, status.st_mtim.tv_sec, Int(status.st_size)))
        }
        var bytes = entries.reduce(0) { $0 + $1.size }
        guard bytes > limits.bytes || entries.count > limits.entries else { return }
        // A quarter is made free at once: this is not needed again soon.
        entries.sort { ($0.modified, $0.name) > ($1.modified, $1.name) }
        while bytes > limits.bytes / 4 * 3 || entries.count > limits.entries / 4 * 3, let oldest = entries.popLast() {
            unlinkat(dirfd(directory), oldest.name, 0)
            bytes -= oldest.size
        }
    }
}

extension Thumbnail {
    fileprivate var json: JSONValue {
        [
            "format": .string(format.rawValue), "width": .int(Int64(width)), "height": .int(Int64(height)),
            "data": .string(base64),
        ]
    }

    fileprivate init?(json: JSONValue) {
        guard let format = json["format"]?.string.flatMap(Format.init(rawValue:)), let width = json["width"]?.int,
            let height = json["height"]?.int, let data = json["data"]?.string
        else { return nil }
        self.init(format: format, width: Int(width), height: Int(height), base64: Array(data.utf8))
    }
}
