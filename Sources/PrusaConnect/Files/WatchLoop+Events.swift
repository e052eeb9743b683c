import Glibc

// What the events of inotify mean.
//
// | event | told |
// | --- | --- |
// | a file is created | nothing until it is complete; a further link to a file: new |
// | a file that was written is closed | new, or changed |
// | attributes | changed, if the right to write it is different |
// | deleted | gone |
// | moved away | gone |
// | moved here | new; over an existing file: changed |
// | a folder comes with everything in it | its files, then the folder |
// | a folder is renamed | gone, then new; nothing about what is in it |
extension WatchLoop {
    /// Where an event happened.
    private struct Place {
        let id: UInt64
        let watch: Int32
        let folder: FileTree.NodeID
        let path: StoragePath
        let name: String
        /// The folder was just read, and this event may be from before.
        let isSettling: Bool

        var bytes: ArraySlice<UInt8> { ArraySlice(name.utf8) }
        var names: [String] { path.names + [name] }
    }

    func handle(_ event: InotifyEvent) {
        guard !event.has(IN_Q_OVERFLOW) else {
            for id in watched.keys { watched[id]?.needsScan = true }
            return
        }
        for owner in owners[event.watch] ?? [] {
            if event.name.isEmpty {
                handleSelf(event, owner)
            } else if FileProbe.isVisible(event.name) {
                handleEntry(event, owner)
            }
        }
        if event.has(IN_IGNORED) { owners[event.watch] = nil }
    }

    /// Something happened to a watched folder itself. Its parent's watch tells most of it.
    private func handleSelf(_ event: InotifyEvent, _ owner: Owner) {
        if owner.node == FileTree.root {
            if event.has(IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED | IN_MOVE_SELF) {
                watched[owner.id]?.presence = .unknown
            }
            if event.has(IN_ATTRIB) { updateRoot(owner.id) }
        } else if event.has(IN_UNMOUNT) {
            watched[owner.id]?.needsScan = true
        }
    }

    private func updateRoot(_ id: UInt64) {
        guard let root = try? watched[id]?.directory.open(), let status = root.status,
            let entry = FileProbe.entry(status, isReadOnly: { !storages.canWrite(root.number, ".") })
        else { return }
        storages.change(id) { $0.tree.update(FileTree.root, entry) }
    }

    private func handleEntry(_ event: InotifyEvent, _ owner: Owner) {
        guard let storage = watched[owner.id]?.directory.storage,
            let names = storages.change(owner.id, { $0.tree.names(to: owner.node) })
        else { return }
        guard let names else {
            for cookie in limbo.keys { limbo[cookie]?.isChanged = true }
            return
        }
        let place = Place(
            id: owner.id, watch: event.watch, folder: owner.node, path: StoragePath(storage: storage, names: names),
            name: String(decoding: event.name, as: UTF8.self),
            isSettling: settling[event.watch].map { event.position < $0 } ?? false)
        if event.has(IN_CREATE) { event.isAboutFolder ? folderCame(place) : fileCreated(place) }
        if event.has(IN_CLOSE_WRITE) { fileCame(place) }
        if event.has(IN_ATTRIB) { attributesChanged(place) }
        if event.has(IN_DELETE) { entryWent(place, cookie: nil) }
        if event.has(IN_MOVED_FROM) { entryWent(place, cookie: event.isAboutFolder ? event.cookie : nil) }
        if event.has(IN_MOVED_TO) { event.isAboutFolder ? folderMoved(place, cookie: event.cookie) : fileCame(place) }
    }

    // MARK: Looking

    /// What is on the disk now; `nil` when there is nothing that Connect sees.
    private func look(_ place: Place) -> (entry: FileTree.Entry, links: Int)? {
        guard let folder = folder(of: place) else { return nil }
        var status = stat()
        guard fstatat(folder.number, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        let entry = FileProbe.entry(status, isReadOnly: { !storages.canWrite(folder.number, place.name) })
        return entry.map { ($0, Int(status.st_nlink)) }
    }

    private func folder(of place: Place) -> Descriptor? {
        if let openFolder, openFolder.watch == place.watch { return openFolder.folder }
        guard let folder = try? watched[place.id]?.directory.openFolder(place.path) else { return nil }
        openFolder = (place.watch, folder)
        return folder
    }

    /// What is known from before.
    private func known(_ place: Place) -> (node: FileTree.NodeID, entry: FileTree.Entry)? {
        let found = storages.change(place.id) { attached in
            attached.tree.child(of: place.folder, named: place.bytes).map { ($0, attached.tree.entry($0)) }
        }
        return found ?? nil
    }

    // MARK: Files

    /// Only a further link to a file that exists is complete when it is created.
    private func fileCreated(_ place: Place) {
        if let (_, links) = look(place), links > 1, known(place) == nil { fileCame(place) }
    }

    /// A file was written, or moved here.
    private func fileCame(_ place: Place) {
        guard let (entry, _) = look(place), !entry.isFolder else { return }
        if let known = known(place), known.entry.isFolder {
            drop(known.node, of: place.id)
        } else if let known = known(place) {
            if place.isSettling, known.entry == entry { return }
            tell(place.id) { attached in
                attached.tree.update(known.node, entry)
                return attached.modified(known.node).map { [$0] } ?? []
            }
            return
        }
        tell(place.id) { attached in
            let node = attached.tree.insert(place.bytes, entry, in: place.folder)
            return attached.added(node).map { [$0] } ?? []
        }
    }

    private func attributesChanged(_ place: Place) {
        guard let known = known(place), let (entry, _) = look(place), known.entry.isFolder == entry.isFolder else {
            return
        }
        if entry.isFolder, isUnwatched(known.node, of: place.id) { watched[place.id]?.needsScan = true }
        if known.entry.isReadOnly == entry.isReadOnly {
            // The time of change. It is told with the next event about the file, or the next INFO.
            storages.change(place.id) { $0.tree.update(known.node, entry) }
            return
        }
        tell(place.id) { attached in
            attached.tree.update(known.node, entry)
            return attached.modified(known.node).map { [$0] } ?? []
        }
    }

    // MARK: Folders

    /// A folder was made.
    private func folderCame(_ place: Place) {
        guard let (entry, _) = look(place), entry.isFolder else { return }
        if let known = known(place) {
            // Read together with its parent.
            if known.entry.isFolder, known.entry.stamp == entry.stamp { return }
            drop(known.node, of: place.id)
        }
        let tree: FileTree
        do throws(StorageError) {
            tree = try scan(place.id, place.names, mostWatches: options.mostWatches - owners.count)
        } catch {
            // Gone already, which another event tells.
            return
        }
        let grafted = storages.change(place.id) { attached in
            let top = attached.tree.graft(tree, as: place.bytes, in: place.folder)
            return (additions: attached.tree.additions(below: top), watches: attached.tree.watches(below: top))
        }
        guard let grafted else { return }
        own(grafted.watches, place.id)
        tell(place.id, about: grafted.additions) { $0.added($1) }
    }

    /// A folder was moved here, from another place in the same storage or from elsewhere.
    private func folderMoved(_ place: Place, cookie: UInt32) {
        guard let moved = limbo[cookie], moved.id == place.id else {
            folderCame(place)
            return
        }
        limbo[cookie] = nil
        if let old = known(place) { forget(old.node, of: place.id) }
        tell(place.id) { attached in
            attached.tree.put(moved.node, place.bytes, in: place.folder)
            return attached.added(moved.node).map { [$0] } ?? []
        }
        openFolder = nil
        if moved.isChanged { watched[place.id]?.needsScan = true }
    }

    private func isUnwatched(_ node: FileTree.NodeID, of id: UInt64) -> Bool {
        storages.change(id) { $0.tree.watch(node) == nil } ?? false
    }

    // MARK: Going

    /// Something was deleted or, with a `cookie`, a folder was moved away.
    private func entryWent(_ place: Place, cookie: UInt32?) {
        guard let known = known(place) else { return }
        if place.isSettling, let (entry, _) = look(place), entry.stamp == known.entry.stamp { return }
        let isFolder = known.entry.isFolder
        guard let cookie, isFolder else {
            // Of a tree that is deleted, files and the topmost folder are told.
            let isTold = !isFolder || (try? watched[place.id]?.directory.openFolder(place.path)) != nil
            forget(known.node, of: place.id)
            if isTold { tell(place.id) { [$0.removed(place.names)] } }
            return
        }
        limbo[cookie] = Limbo(id: place.id, node: known.node, until: now + options.moveGrace)
        tell(place.id) { attached in
            attached.tree.takeOut(known.node)
            return [attached.removed(place.names)]
        }
    }

    /// A folder was moved away and did not come back.
    func giveUp(_ cookie: UInt32) {
        guard let moved = limbo.removeValue(forKey: cookie) else { return }
        forget(moved.node, of: moved.id)
    }

    /// Something else is where this was.
    private func drop(_ node: FileTree.NodeID, of id: UInt64) {
        guard let names = storages.change(id, { $0.tree.names(to: node) }), let names else { return }
        forget(node, of: id)
        tell(id) { [$0.removed(names)] }
    }

    /// Takes a file or folder out of the tree, and ends the watches below it.
    private func forget(_ node: FileTree.NodeID, of id: UInt64) {
        guard let nodes = storages.change(id, { Set($0.tree.subtree(node)) }) else { return }
        if nodes.count > 1 || !isUnwatched(node, of: id) { disown { $0.id == id && nodes.contains($0.node) } }
        storages.change(id) { $0.tree.remove(node) }
    }
}
