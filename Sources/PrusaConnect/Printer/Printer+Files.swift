// Files by Connect's paths: what commands, transfers and the application need to get from a path to a file.

extension Printer {
    /// The names of the attached storages, sorted.
    public var storageNames: [String] { storages.names }

    /// Sets what tells which file is being printed, as Connect's path; `nil` while none is. That file is not deleted,
    /// moved or overwritten. Called on any of the library's threads; it must not block for long.
    public func onPrintedFile(_ provider: @escaping @Sendable () -> String?) {
        change { $0.printedFile = provider }
    }

    /// The path on this machine of an existing file or folder of a storage: `/local/box.gcode` gives
    /// `/home/pi/gcodes/box.gcode`. Throws when there is no such file, or none that Connect may see.
    public func localPath(of path: String) throws(StorageError) -> String {
        let found = try find(path)
        let directory = try storages.directory(of: found.path)
        return ([directory.path] + found.path.names).joined(separator: "/")
    }

    /// Finds an existing file or folder of a storage with a directory, and holds it open.
    func find(_ path: String) throws(StorageError) -> FoundFile {
        let path = try storages.parse(path)
        return try storages.directory(of: path).find(path)
    }

    /// Finds the place for a new file, whose folders are made. Does not look whether the file is being printed; see
    /// ``isPrinted(_:)``.
    func destination(
        _ path: String, longestName: Int = FileName.longestDownload
    ) throws(StorageError) -> FileDestination {
        let path = try storages.parse(path)
        return try storages.directory(of: path).destination(path, longestName: longestName)
    }

    /// Whether this file is being printed, or the file that is being printed is in this folder.
    ///
    /// By name, and by what is on the disk: for a FAT stick `BOX.GCO` and `box.gco` are the same file.
    func isPrinted(_ path: StoragePath) -> Bool {
        guard let text = read({ $0.printedFile })?(), let printed = try? storages.parse(text) else { return false }
        if printed.isInside(path) { return true }
        guard printed.storage.isSameName(as: path.storage), let directory = try? storages.directory(of: path) else {
            return false
        }
        guard let file = try? directory.find(path) else { return false }
        return directory.identities(along: printed).contains(file.identity)
    }
}
