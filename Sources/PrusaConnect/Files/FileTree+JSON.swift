// The two forms in which files travel (Python SDK 0.8.1). Written directly: a tree of 10,000 files is a megabyte of
// text, and its nodes as `JSONValue` would be several.

extension FileTree {
    /// Bytes of the legacy form, about.
    var legacySize: Int { count * Self.bytesPerNode + names.count + 256 }

    /// Bytes that one node takes in the legacy form without its name, about.
    private static let bytesPerNode = 100

    /// The legacy form, for INFO and MEDIUM_INSERTED: everything, in depth. `name` is the storage's.
    ///
    /// Key order: `type, name, read_only, m_timestamp, size, children`, for the storage `free_space, total_space`
    /// after that. What is not known is left out.
    func writeLegacy(name: String, space: StorageSpace?, to json: inout JSONWriter) {
        writeLegacyStart(Self.root, name: ArraySlice(name.utf8), to: &json)
        var open = [(folder: Self.root, next: 0)]
        while let (folder, next) = open.last {
            let children = children(folder)
            guard next < children.count else {
                json.append("]")
                open.removeLast()
                // The storage is closed below, after its space.
                if !open.isEmpty { json.append("}") }
                continue
            }
            open[open.count - 1].next += 1
            if next > 0 { json.append(", ") }
            let child = children[next]
            writeLegacyStart(child, name: self.name(child), to: &json)
            if isFolder(child) { open.append((child, 0)) } else { json.append("}") }
        }
        if let space {
            json.append(", \"free_space\": ")
            json.append(space.free)
            json.append(", \"total_space\": ")
            json.append(space.total)
        }
        json.append("}")
    }

    private func writeLegacyStart(_ node: NodeID, name: ArraySlice<UInt8>, to json: inout JSONWriter) {
        let isFolder = isFolder(node)
        json.append(isFolder ? "{\"type\": \"DIR\", \"name\": " : "{\"type\": \"FILE\", \"name\": ")
        json.writeText(name)
        writeAttributes(node, to: &json)
        if isFolder { json.append(", \"children\": [") }
    }

    /// The flat form, for FILE_CHANGED: the node and, for a folder, one level of children.
    func writeFlat(_ node: NodeID, name: ArraySlice<UInt8>, to json: inout JSONWriter) {
        writeFlatStart(node, name: name, to: &json)
        if isFolder(node) {
            json.append(", \"children\": [")
            var isFirst = true
            for child in children(node) {
                if !isFirst { json.append(", ") }
                isFirst = false
                writeFlatStart(child, name: self.name(child), to: &json)
                json.append("}")
            }
            json.append("]")
        }
        json.append("}")
    }

    private func writeFlatStart(_ node: NodeID, name: ArraySlice<UInt8>, to json: inout JSONWriter) {
        let type = isFolder(node) ? FlatFileType.folder : FlatFileType(name: name)
        json.append("{\"type\": ")
        json.append(type.json)
        json.append(", \"name\": ")
        json.writeText(name)
        writeAttributes(node, to: &json)
    }

    private func writeAttributes(_ node: NodeID, to json: inout JSONWriter) {
        let entry = entry(node)
        if let isReadOnly = entry.isReadOnly {
            json.append(isReadOnly ? ", \"read_only\": true" : ", \"read_only\": false")
        }
        if let modified = entry.modified {
            json.append(", \"m_timestamp\": ")
            json.append(modified)
        }
        json.append(", \"size\": ")
        json.append(entry.size)
    }
}

/// What a file is in the flat form.
enum FlatFileType: Sendable, Hashable {
    case folder
    case printFile
    case firmware
    case file

    /// By the end of its name; letter case does not matter (Python SDK 0.8.1).
    init(name: some BidirectionalCollection<UInt8>) {
        let end = name.suffix(6).map(lowercaseASCII)
        func hasExtension(_ text: StaticString) -> Bool {
            end.suffix(text.utf8CodeUnitCount)
                .elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }
        if hasExtension(".gcode") || hasExtension(".gco") || hasExtension(".gc") || hasExtension(".g") {
            self = .printFile
        } else {
            self = hasExtension(".hex") ? .firmware : .file
        }
    }

    fileprivate var json: StaticString {
        switch self {
        case .folder: "\"FOLDER\""
        case .printFile: "\"PRINT_FILE\""
        case .firmware: "\"FIRMWARE\""
        case .file: "\"FILE\""
        }
    }
}
