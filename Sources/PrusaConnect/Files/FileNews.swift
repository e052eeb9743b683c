/// An event about files, before it goes to the printer.
struct FileNews: Sendable {
    let kind: EventKind
    let data: JSONObject
}

extension Storages.Attached {
    /// `/local`, or `/` for the root.
    var root: String { StoragePath(storage: storage.name, names: []).description }

    private func path(_ names: [String]) -> JSONValue {
        .string(StoragePath(storage: storage.name, names: names).description)
    }

    func writeLegacy(to json: inout JSONWriter) { tree.writeLegacy(name: storage.name, space: space, to: &json) }

    /// The whole tree of a storage that came, or came back.
    var inserted: FileNews {
        let files = EncodedJSON(size: tree.legacySize) { writeLegacy(to: &$0) }
        return FileNews(kind: .mediumInserted, data: ["root": .string(root), "files": .encoded(files)])
    }

    /// Goes with the storage.
    var ejected: FileNews { FileNews(kind: .mediumEjected, data: ["root": .string(root)]) }

    /// A file or folder is new.
    func added(_ node: FileTree.NodeID) -> FileNews? {
        tree.names(to: node).map { changed(["new_path": path($0)], node) }
    }

    /// A file or folder is different.
    func modified(_ node: FileTree.NodeID) -> FileNews? {
        tree.names(to: node).map { changed(["old_path": path($0), "new_path": path($0)], node) }
    }

    /// There is nothing at these names any more.
    func removed(_ names: [String]) -> FileNews { changed(["old_path": path(names)], nil) }

    /// The storage's own directory went, and everything in it (Python SDK 0.8.1: a slash at the end).
    var emptied: FileNews {
        let path = JSONValue.string(root == StoragePath.root ? root : root + "/")
        return changed(["old_path": path, "new_path": path], FileTree.root)
    }

    private func changed(_ paths: JSONObject, _ node: FileTree.NodeID?) -> FileNews {
        var data = paths
        if let node {
            var json = JSONWriter()
            let name = node == FileTree.root ? ArraySlice(storage.name.utf8) : tree.name(node)
            tree.writeFlat(node, name: name, to: &json)
            data["file"] = .encoded(EncodedJSON(bytes: json.bytes))
        }
        data.set("free_space", space?.free)
        return FileNews(kind: .fileChanged, data: data)
    }
}
