// Files by Connect's paths: what commands, transfers and the application need to get from a path to a file.

extension Printer {
    /// Attaches a storage and sends MEDIUM_INSERTED with everything in it. From then on each change in its directory
    /// is sent as FILE_CHANGED; INFO has all storages.
    ///
    /// Returns when the directory has been read, by the thread "connect-files": on a slow stick with thousands of
    /// files that can take seconds. Throws when the name is taken, when the directory cannot be read, and when it does
    /// not answer for a minute. A directory that goes away later leaves an empty storage, which fills again when the
    /// directory is back.
    public func attach(_ storage: Storage) throws(StorageError) {
        try storages.checkFree(storage.name)
        let report: FileReport = { [weak self] in self?.post($0) }
        guard case .files(let files, let space) = storage.content else {
            try watcher.attach(storage, report: report)
            return
        }
        let attached = Storages.Attached(
            id: storages.newID(), storage: storage, tree: try FileTree(files), space: space)
        let error = storages.order.withLock { _ -> StorageError? in
            do throws(StorageError) {
                try storages.add(attached)
            } catch {
                return error
            }
            report([attached.inserted])
            return nil
        }
        if let error { throw error }
    }

    /// Takes a storage away and sends MEDIUM_EJECTED. Its directory is not touched any more when this returns, apart
    /// from a look at it that has begun already. Throws when there is no storage of this name.
    public func detach(_ name: String) throws(StorageError) {
        let result = storages.order.withLock { _ -> Result<UInt64, StorageError> in
            do throws(StorageError) {
                let attached = try storages.remove(name)
                post([attached.ejected])
                return .success(attached.id)
            } catch {
                return .failure(error)
            }
        }
        watcher.post(.forget(try result.get()))
    }

    /// Queues events about files.
    func post(_ news: [FileNews]) {
        change { [clock] core in
            let timestamp = Timestamp(sinceEpoch: clock.wall())
            for item in news {
                let event = Event(
                    kind: item.kind, source: .wui, data: item.data, state: core.state, timestamp: timestamp)
                core.post(event, now: clock.monotonic())
            }
        }
    }

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
