import Foundation
import Glibc
import Testing

@testable import PrusaConnect

extension TemporaryDirectory {
    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
    }

    /// Writes a file in one go, not by way of a temporary one.
    func write(_ text: String, to name: String) throws {
        let descriptor = open(file(name), O_CREAT | O_WRONLY | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else { throw POSIXError(.EIO) }
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: file(name), withDestinationPath: target)
    }

    func move(_ name: String, to new: String) throws {
        guard rename(file(name), file(new)) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

    func exists(_ name: String) -> Bool { access(file(name), F_OK) == 0 }

    /// A storage as it was recorded: made as files on the disk when it has space, else as files of the application.
    func recorded(_ node: JSONValue) throws -> Storage {
        let name = node["name"]?.string ?? ""
        guard node["free_space"] != nil else {
            return try Storage(name: name, files: (node["children"]?.array ?? []).map(StorageFile.init(recorded:)))
        }
        try make(node, as: name)
        return try storage(name, name)
    }

    private func make(_ node: JSONValue, as path: String) throws {
        guard let children = node["children"]?.array else {
            return try write(String(repeating: "x", count: Int(node["size"]?.int ?? 0)), to: path)
        }
        try makeFolder(path)
        for child in children { try make(child, as: path + "/" + (child["name"]?.string ?? "")) }
    }

    func storage(_ name: String = "local", _ folder: String = "gcodes") throws -> Storage {
        try Storage(name: name, directory: file(folder))
    }
}

extension StorageFile {
    init(recorded node: JSONValue) {
        let attributes = FileAttributes(
            isReadOnly: node["read_only"]?.bool, modified: node["m_timestamp"] == nil ? nil : 1_719_310_000,
            size: node["size"]?.unsigned ?? 0)
        let children = node["children"]?.array.map { $0.map(StorageFile.init(recorded:)) }
        self.init(name: node["name"]?.string ?? "", attributes: attributes, children: children)
    }
}

/// Takes the owner's bit for an answer. Tests often run as root, who may write everything.
let modeWriteCheck: WriteCheck = { folder, name in
    var status = stat()
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IWUSR != 0
}

extension JSONValue {
    /// Taken apart, when it was written already.
    var parsed: JSONValue { (try? JSONValue(parsing: wireBytes)) ?? .null }

    /// Comparable with a recording: times and space are names, children are sorted.
    var normalised: JSONValue {
        switch self {
        case .encoded: return parsed.normalised
        case .array(let values): return .array(values.map(\.normalised))
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.map { member in
                        switch member.key {
                        case "m_timestamp": (member.key, "<mtime>")
                        case "free_space", "total_space": (member.key, "<space>")
                        case "children":
                            (
                                member.key,
                                .array(
                                    (member.value.array ?? []).map(\.normalised).sorted {
                                        ($0["name"]?.string ?? "") < ($1["name"]?.string ?? "")
                                    })
                            )
                        default: (member.key, member.value.normalised)
                        }
                    }))
        default: return self
        }
    }

    /// A node with everything below it, none without attributes.
    var withAttributes: JSONValue {
        var node = with([("read_only", self["read_only"] ?? false), ("m_timestamp", "<mtime>")])
        if let children = self["children"]?.array {
            node = node.with([("children", .array(children.map(\.withAttributes)))])
        }
        return node
    }

    /// The names of the children, in their order.
    var childNames: [String] { (self["children"]?.array ?? []).compactMap { $0["name"]?.string } }

    /// A node further down.
    func child(_ names: String...) -> JSONValue? {
        names.reduce(self) { node, name in node?["children"]?.array?.first { $0["name"]?.string == name } }
    }
}

/// A watcher with a real directory, `gcodes`, as the storage `local`.
final class WatchRig {
    let folder: TemporaryDirectory
    let storages: Storages
    let watcher: FileWatcher
    private let all = Shared<[FileNews]>([])

    init(_ options: WatchOptions = WatchOptions(), canWrite: @escaping WriteCheck = systemWriteCheck) throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("gcodes")
        storages = Storages(canWrite: canWrite)
        watcher = FileWatcher(storages: storages, options: options)
    }

    /// `beforeReport` runs on the watcher's thread.
    func attach(
        _ name: String = "local", _ directory: String = "gcodes", beforeReport: @escaping @Sendable () -> Void = {}
    ) throws {
        let all = all
        try watcher.attach(folder.storage(name, directory)) { news in
            beforeReport()
            all.change { $0 += news }
        }
    }

    var news: [FileNews] { all.value }

    /// What was told about files: `+ path` new, `- path` gone, `* path` changed, `inserted`, `ejected`.
    var told: [String] {
        news.map { item in
            switch (item.data["old_path"]?.string, item.data["new_path"]?.string) {
            case (let old?, let new?): old == new ? "* \(new)" : "\(old) > \(new)"
            case (let old?, nil): "- \(old)"
            case (nil, let new?): "+ \(new)"
            case (nil, nil): item.kind == .mediumInserted ? "inserted" : "ejected"
            }
        }
    }

    /// The same since the storage was attached.
    var changes: [String] { Array(told.drop { $0 == "inserted" }) }

    func forget() { all.change { $0 = [] } }

    /// The flat node that the last news about a path had.
    func file(_ path: String) -> JSONValue? {
        news.last { $0.data["new_path"]?.string == path }?.data["file"]?.parsed
    }

    /// The tree as INFO has it.
    var tree: JSONValue { storages.infoTree.parsed.child("local") ?? .null }

    /// Waits until a file that is made now was told: everything before it was handled then. Returns what was told
    /// before it.
    func settle(_ name: String = "zzz-\(UInt32.random(in: 0 ... .max)).txt") throws -> [String] {
        try folder.write("x", to: "gcodes/" + name)
        eventually("the marker is told") { told.contains("+ /local/" + name) }
        return changes.filter { !$0.hasSuffix(name) }
    }
}
