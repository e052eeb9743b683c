import Glibc

/// Why a storage, a file or a folder cannot be used. The texts go to Connect and to people: they name Connect's
/// paths, never those of the host.
public enum StorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A storage needs a name.
    case emptyName
    /// The name of a storage is one part of a path: it has no `/`, does not begin with `.` and has at most 255 bytes.
    case badName(String)
    /// There is a storage of this name.
    case alreadyUsed(String)
    /// The storage `/` is everything there is: no other can stand beside it.
    case rootIsAlone
    /// There is no storage of this name.
    case notUsed(String)
    /// The storage's directory cannot be read. `code` is an error number of the operating system.
    case unusable(name: String, code: Int32)
    /// The storage's directory did not answer in time.
    case notResponding(String)

    /// The path does not begin with `/`.
    case notAbsolute(String)
    /// The path names a storage that is not attached.
    case noStorage(name: String, path: String)
    /// The path leaves its storage.
    case outside(String)
    /// There is nothing, or nothing that Connect may see: hidden files and symbolic links do not exist for it.
    case notFound(String)
    /// A file was expected.
    case isFolder(String)
    /// A folder was expected.
    case isFile(String)
    /// The path is a storage itself.
    case isStorage(String)
    /// The storage has no directory on this machine, for example the printer's own SD card.
    case noDirectory(String)

    /// A new name begins with a dot.
    case hiddenName(String)
    /// A new name contains one of `\ ? " % ¯ ° # ˇ`.
    case forbiddenCharacters(String)
    /// The name of a new file is longer than 248 bytes, or any name longer than 255.
    case nameTooLong(String)
    /// The name of a new folder is longer than 255 bytes.
    case folderNameTooLong(String)

    /// The file may not be written.
    case readOnlyFile(String)
    /// The folder, or something in it, may not be written.
    case readOnlyFolder(String)
    /// The file is being printed.
    case printedFile(String)
    /// The file that is being printed is in the folder.
    case printedFolder(String)
    /// The folder is not empty.
    case notEmpty(String)
    /// The operating system refuses; `operation` is a verb such as `delete`.
    case failed(operation: String, path: String, code: Int32)

    /// What happened, to what. Texts of the Python SDK 0.8.1 where it has one for the case.
    public var description: String {
        switch self {
        case .emptyName: "Storage cannot be empty"
        case .badName(let name):
            name.utf8.contains(UInt8(ascii: "/"))
                ? "Storage cannot contain /" : "Storage cannot be called `\(name)`"
        case .alreadyUsed(let name): "`\(name)` is already used"
        case .rootIsAlone: "Storage `/` cannot be used together with others"
        case .notUsed(let name): "`\(name)` is not used as a storage"
        case .unusable(let name, let code): "Storage `\(name)` cannot be read: \(Self.text(code))"
        case .notResponding(let name): "Storage `\(name)` does not respond"
        case .notAbsolute: "Destination must be absolute"
        case .noStorage(let name, let path): "Invalid storage: `\(name)` in `\(path)`"
        case .outside(let path): "Path leads outside of its storage: \(path)"
        case .notFound(let path): "File does not exist: \(path)"
        case .isFolder(let path): "Is a folder: \(path)"
        case .isFile(let path): "Is not a folder: \(path)"
        case .isStorage(let path): "Is a storage: \(path)"
        case .noDirectory(let name): "Storage `\(name)` cannot be changed from here"
        case .hiddenName(let name): "Name begins with a dot: \(name)"
        case .forbiddenCharacters: "Forbidden characters in filename or foldername"
        case .nameTooLong: "Filename length is too long"
        case .folderNameTooLong: "Foldername length is too long"
        case .readOnlyFile: "File is read only"
        case .readOnlyFolder: "Folder is read only"
        case .printedFile: "This file is currently printed"
        case .printedFolder: "The file inside of this folder is currently printed"
        case .notEmpty: "Directory not empty"
        case .failed(let operation, let path, let code): "Cannot \(operation) \(path): \(Self.text(code))"
        }
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// What the operating system said when it was asked for an existing file.
    static func opening(_ path: StoragePath, _ code: Int32) -> StorageError {
        switch code {
        // ELOOP: a symbolic link. EINVAL: a name that this file system cannot have.
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL: .notFound(path.description)
        default: .failed(operation: "open", path: path.description, code: code)
        }
    }
}
