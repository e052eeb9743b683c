/// A place for files that Connect shows under its name: a directory of this machine, or files that only the
/// application knows, such as those on the printer's own SD card.
public struct Storage: Sendable, Hashable {
    /// The first part of Connect's paths. `/` for a storage that is the root; no other can be attached beside it.
    public let name: String

    enum Content: Sendable, Hashable {
        case directory(String)
        case files([StorageFile], StorageSpace?)
    }

    let content: Content

    /// A directory of this machine. Everything in it is shown, except for hidden entries (a name that begins with a
    /// dot), symbolic links, sockets and the like, and names that are not UTF-8.
    ///
    /// - Parameters:
    ///   - name: the first part of Connect's paths.
    ///   - directory: a path of this machine; symbolic links in it are followed.
    public init(name: String, directory: String) throws(StorageError) {
        try Self.check(name)
        self.name = name
        content = .directory(directory)
    }

    /// Files that only the application knows. They can be looked at, not changed.
    ///
    /// - Parameters:
    ///   - name: the first part of Connect's paths.
    ///   - files: what is at the top of the storage.
    ///   - space: how large the storage is, if that is known.
    public init(name: String, files: [StorageFile], space: StorageSpace? = nil) throws(StorageError) {
        try Self.check(name)
        self.name = name
        content = .files(files, space)
    }

    /// The directory of this machine, `nil` without one.
    public var directory: String? {
        if case .directory(let path) = content { path } else { nil }
    }

    private static func check(_ name: String) throws(StorageError) {
        guard !name.isEmpty else { throw .emptyName }
        if name == StoragePath.root { return }
        let isGood =
            !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0) && !FileName.isHidden(name)
            && name.utf8.count <= FileName.longest
        guard isGood else { throw .badName(name) }
    }
}

/// The size of a storage in bytes.
public struct StorageSpace: Sendable, Hashable {
    /// Bytes that can still be written. 0 is a full storage.
    public var free: UInt64
    /// Bytes in all.
    public var total: UInt64

    /// A size in bytes.
    public init(free: UInt64, total: UInt64) { (self.free, self.total) = (free, total) }
}

/// A file or folder of a storage without directory, as the application describes it.
public struct StorageFile: Sendable, Hashable {
    /// Its name: one part of a path.
    public var name: String
    /// What is known about it.
    public var attributes: FileAttributes
    /// What is in it; `nil` for a file. The size of a folder is the sum of its files.
    public var children: [StorageFile]?

    init(name: String, attributes: FileAttributes, children: [StorageFile]?) {
        (self.name, self.attributes, self.children) = (name, attributes, children)
    }

    /// A file.
    public static func file(_ name: String, _ attributes: FileAttributes = FileAttributes()) -> StorageFile {
        StorageFile(name: name, attributes: attributes, children: nil)
    }

    /// A folder.
    public static func folder(
        _ name: String, isReadOnly: Bool? = nil, modified: Int64? = nil, _ children: [StorageFile]
    ) -> StorageFile {
        let attributes = FileAttributes(isReadOnly: isReadOnly, modified: modified)
        return StorageFile(name: name, attributes: attributes, children: children)
    }
}

/// What Connect gets to know about a file.
public struct FileAttributes: Sendable, Hashable {
    /// Whether this program may not write it; `nil` when that is not known.
    public var isReadOnly: Bool?
    /// When it was changed last, in seconds since 1 January 1970 UTC; `nil` when that is not known.
    public var modified: Int64?
    /// Bytes; for a folder the sum of what is in it.
    public var size: UInt64

    /// What is known about a file; 0 bytes when its size is not known.
    public init(isReadOnly: Bool? = nil, modified: Int64? = nil, size: UInt64 = 0) {
        (self.isReadOnly, self.modified, self.size) = (isReadOnly, modified, size)
    }
}
