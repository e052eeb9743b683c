// File information: what is in a print file, for the application and as the answer to SEND_FILE_INFO.

extension Printer {
    /// What is in a G-code file of a storage, by Connect's path: metadata of the slicer, and the picture for a preview.
    ///
    /// Reads a few hundred kilobytes of the file on the calling thread, or less where that was done before: what was
    /// found is kept in ``ConnectOptions/stateDirectory``. Nothing is known of a file that holds no G-code; of one of
    /// a storage without directory only its name speaks.
    public func fileContent(of path: String) throws(StorageError) -> FileContent { try information(of: path).content }

    /// The data of FILE_INFO: path, attributes of the file, metadata, preview (Python SDK 0.8.1).
    ///
    /// Of a file that is no G-code, attributes are all there is to tell; the Python package fails on these.
    func fileInfo(of path: String) throws -> JSONObject {
        do throws(StorageError) {
            let (attributes, content) = try information(of: path)
            var data: JSONObject = ["path": .string(path)]
            data.set("read_only", attributes.isReadOnly)
            data.set("size", attributes.size)
            data["m_timestamp"] = attributes.modified.map(JSONValue.int)
            data.merge(content.metadata.fields)
            data.set("preview", content.preview?.base64)
            return data
        } catch {
            // Texts of the Python SDK 0.8.1.
            switch error {
            case .noStorage: throw StorageError.notFound(path)
            case .isFolder: throw CommandError("FILE_INFO doesn't work for folders")
            default: throw error
            }
        }
    }

    private typealias Information = (attributes: FileAttributes, content: FileContent)

    private func information(of path: String) throws(StorageError) -> Information {
        do throws(StorageError) {
            let file = try find(path)
            guard !file.isFolder else { throw .isFolder(path) }
            return (file.attributes, content(of: file))
        } catch {
            guard case .noDirectory = error else { throw error }
            return try listedInformation(of: path)
        }
    }

    /// Of a file in a storage without directory.
    private func listedInformation(of path: String) throws(StorageError) -> Information {
        let parsed = try storages.parse(path)
        let entry = try storages.entry(parsed)
        guard !entry.isFolder, let name = parsed.name else { throw .isFolder(path) }
        let attributes = FileAttributes(isReadOnly: entry.isReadOnly, modified: entry.modified, size: entry.size)
        return (attributes, PrintFile.isGCode(name) ? FileContent(name: name) : FileContent())
    }

    /// Reads a file, or remembers it. A file that cannot be read has attributes and a name all the same: no failure.
    private func content(of file: FoundFile) -> FileContent {
        guard !file.isFolder, let name = file.path.name, PrintFile.isGCode(name) else { return FileContent() }
        do {
            let descriptor = try file.openForReading()
            guard let version = descriptor.status.map({ FileVersion(path: file.path.description, $0) }) else {
                return FileContent(name: name)
            }
            if let known = fileContents?.content(of: version) { return known }
            let content = try FileContent.read(descriptor: descriptor.number, size: version.size, name: name)
            // A file that is being written at this moment is read again the next time.
            if descriptor.status.map({ FileVersion(path: version.path, $0) }) == version { keep(content, of: version) }
            return content
        } catch {
            step { $0.log(.warning, "\(file.path): \(error)") }
            return FileContent(name: name)
        }
    }

    private func keep(_ content: FileContent, of version: FileVersion) {
        do throws(FileError) {
            try fileContents?.store(content, of: version)
        } catch {
            step { $0.log(.warning, "what is in \(version.path) is not kept: \(error)") }
        }
    }
}
