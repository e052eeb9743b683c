/// A path of Connect, `/STORAGE/folder/file`, taken apart and cleaned: `//` and `.` are gone, `..` is carried out and
/// cannot leave the storage.
///
/// Since symbolic links are never followed, carrying out `..` on names is the same as doing it on the disk.
///
/// Works on bytes: for `String` a slash with a combining accent behind it is no slash, and two spellings of `é` are
/// equal; for the kernel neither is so.
struct StoragePath: Sendable, Hashable, CustomStringConvertible {
    /// The storage's name; `/` for the storage that is the root.
    let storage: String
    /// The names below the storage, none for the storage itself. None is empty, `.`, `..` or contains `/` or NUL.
    let names: [String]

    /// The name of the storage that is the root: it has no part of its own in paths.
    static let root = "/"

    init(storage: String, names: [String]) {
        self.storage = storage
        self.names = names
    }

    /// Takes a path apart. `isRootAttached`: there is the storage `/`, so that the first part is no storage's name.
    init(_ path: String, isRootAttached: Bool) throws(StorageError) {
        guard path.utf8.first == UInt8(ascii: "/") else { throw .notAbsolute(path) }
        let floor = isRootAttached ? 0 : 1
        var names: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                guard names.count > floor else { throw .outside(path) }
                names.removeLast()
                continue
            }
            guard !part.contains(0) else { throw .notFound(path) }
            names.append(String(decoding: part, as: UTF8.self))
        }
        guard !isRootAttached else {
            self.init(storage: Self.root, names: names)
            return
        }
        guard let storage = names.first else { throw .noStorage(name: "", path: path) }
        self.init(storage: storage, names: Array(names.dropFirst()))
    }

    /// As Connect writes it. `/` and `/local` for storages themselves.
    var description: String {
        let parts = storage == Self.root ? names : [storage] + names
        return "/" + parts.joined(separator: "/")
    }

    /// The name of the file or folder, `nil` for a storage itself.
    var name: String? { names.last }

    /// The folder that this is in.
    var parent: StoragePath { StoragePath(storage: storage, names: Array(names.dropLast())) }

    /// Whether a part is hidden: such files do not exist for Connect.
    var isHidden: Bool { names.contains { FileName.isHidden($0) } }

    /// Whether this is `other` or in the folder `other`.
    func isInside(_ other: StoragePath) -> Bool {
        names.count >= other.names.count && storage.utf8.elementsEqual(other.storage.utf8)
            && zip(names, other.names).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }

    static func == (left: StoragePath, right: StoragePath) -> Bool {
        left.names.count == right.names.count && left.isInside(right)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(contentsOf: description) }
}

extension Hasher {
    fileprivate mutating func combine(contentsOf text: String) {
        for byte in text.utf8 { combine(byte) }
    }
}

/// Rules for names of files and folders (Python SDK 0.8.1, made stricter: bytes are counted, and every new part of a
/// path is checked).
enum FileName {
    /// The longest name that Linux file systems take, in bytes.
    static let longest = 255
    /// The longest name of a file that is downloaded: `.NAME.part` must fit too.
    static let longestDownload = 248

    static func isHidden(_ name: some StringProtocol) -> Bool { name.utf8.first == UInt8(ascii: ".") }

    /// Throws unless a file of this name may be made.
    static func checkNewFile(_ name: String, longest: Int = longest) throws(StorageError) {
        try checkCharacters(name)
        guard name.utf8.count <= longest else { throw .nameTooLong(name) }
    }

    /// Throws unless a folder of this name may be made.
    static func checkNewFolder(_ name: String) throws(StorageError) {
        try checkCharacters(name)
        guard name.utf8.count <= longest else { throw .folderNameTooLong(name) }
    }

    private static let forbidden: Set<Unicode.Scalar> = ["\\", "?", "\"", "%", "¯", "°", "#", "ˇ"]

    private static func checkCharacters(_ name: String) throws(StorageError) {
        guard !isHidden(name) else { throw .hiddenName(name) }
        guard !name.unicodeScalars.contains(where: forbidden.contains) else { throw .forbiddenCharacters(name) }
    }
}
