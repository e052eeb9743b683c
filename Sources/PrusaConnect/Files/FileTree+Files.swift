extension FileTree {
    /// The tree of files that only the application knows. Names must be parts of paths, each once in a folder; hidden
    /// ones are left out.
    init(_ files: [StorageFile]) throws(StorageError) {
        self.init()
        var waiting = [(files: files, folder: Self.root)]
        while let (files, folder) = waiting.popLast() {
            for file in files where !FileName.isHidden(file.name) {
                let name = ArraySlice(file.name.utf8)
                let isGood =
                    !name.isEmpty && name.count <= FileName.longest && !name.contains(0)
                    && !name.contains(UInt8(ascii: "/")) && child(of: folder, named: name) == nil
                guard isGood else { throw .badName(file.name) }
                let entry = Entry(
                    isFolder: file.children != nil, isReadOnly: file.attributes.isReadOnly,
                    modified: file.attributes.modified, size: file.attributes.size)
                let node = insert(name, entry, in: folder)
                if let children = file.children { waiting.append((children, node)) }
            }
        }
    }
}
