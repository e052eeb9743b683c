import BinaryGCode
import CSerial
import GCodeStream

#if canImport(Glibc)
    import Glibc
#endif

/// Why a file cannot be printed.
public enum JobFileError: Error, Sendable, Equatable {
    /// There is no such file.
    case missing(path: String)
    /// This user may not read it.
    case forbidden(path: String)
    /// It is a folder, a device or something else that is no file.
    case notAFile(path: String)
    /// It has no bytes.
    case empty(path: String)
    /// It is binary G-code that is damaged, or of a kind that is not known.
    case binaryGCode(path: String, BinaryGCodeError)
    /// It is no text at all.
    case binary(path: String)
    /// It is text without a single command.
    case noCommands(path: String)
    /// A command is longer than any firmware takes.
    case lineTooLong(path: String, line: UInt64, length: Int, text: String)
    /// A command has NUL bytes in it.
    case damaged(path: String, line: UInt64, text: String)
    /// Reading failed; `errno` says why.
    case unreadable(path: String, errno: Int32)
    /// The file is shorter than it was when it was checked; sizes in bytes.
    case cut(path: String, expected: UInt64, found: UInt64)
    /// The file has other content than it had when it was checked.
    case changed(path: String)
}

extension JobFileError {
    /// What a code in place of commands (``CommandRing``) says of `file`.
    init(code: Int32, file: JobFile) {
        self =
            switch code {
            case CommandRing.fileCut: .cut(path: file.path, expected: file.size, found: file.presentSize)
            case CommandRing.fileChanged: .changed(path: file.path)
            default: .unreadable(path: file.path, errno: code)
            }
    }
}

extension JobFileError: CustomStringConvertible {
    /// What happened, to what, and what to do.
    public var description: String {
        switch self {
        case .missing(let path): "There is no file \(path)."
        case .forbidden(let path): "No permission to read \(path)."
        case .notAFile(let path): "\(path) is no file that could be printed."
        case .empty(let path): "\(path) is empty."
        case .binaryGCode(let path, let error):
            "\(path) is binary G-code that cannot be read: \(error). Copy it again, or export it anew from the slicer."
        case .binary(let path): "\(path) is no text: only G-code can be printed."
        case .noCommands(let path): "\(path) contains no G-code command."
        case .lineTooLong(let path, let line, let length, let text):
            "\(path), line \(line): the command has \(length) characters; with line number and checksum the firmware takes "
                + "\(Limits.lineLength). It begins: \(text)"
        case .damaged(let path, let line, let text):
            "\(path), line \(line): there are NUL bytes in the command; the file was damaged. Copy it again. It reads: \(text)"
        case .unreadable(let path, let errno): "\(path) cannot be read: \(message(errno))."
        case .cut(let path, let expected, let found):
            "\(path) ended after \(found) of \(expected) bytes: it was changed or its medium was removed during the print."
        case .changed(let path): "\(path) was changed during the print."
        }
    }
}

/// A G-code file that was opened and checked from beginning to end, ready to be printed.
///
/// The file stays open as long as this lives: deleting or replacing it under its name does not disturb the print.
public final class JobFile: Sendable {
    /// The path as given.
    public let path: String
    /// Size in bytes; exactly these are printed.
    public let size: UInt64
    /// When it was last changed, seconds since 1970.
    public let modified: Int64
    /// Commands in it, comments and blank lines not counted.
    public let commands: UInt64
    /// Layer marks in it; 0 when the slicer left none.
    public let layers: UInt32
    /// Whether it is binary G-code (.bgcode), by its first bytes, whatever its name.
    public let isBinary: Bool

    let descriptor: Int32

    /// Opens and checks a file. Reads it once; a hundred megabytes take about a second.
    public init(path: String) throws(JobFileError) {
        // O_NONBLOCK: a FIFO or a dead device must not hold anybody up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.openError(errno, path: path) }
        do throws(JobFileError) {
            var info = stat()
            guard fstat(descriptor, &info) == 0 else { throw .unreadable(path: path, errno: errno) }
            guard info.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
            guard info.st_size > 0 else { throw .empty(path: path) }
            let isBinary = try Self.checkKind(descriptor, path: path)
            let text = JobText(descriptor: descriptor, size: UInt64(info.st_size), isBinary: isBinary)
            let summary = try Self.check(text, path: path, size: UInt64(info.st_size))
            self.path = path
            size = UInt64(info.st_size)
            modified = Int64(info.st_mtim.tv_sec)
            commands = summary.commands
            layers = summary.layers
            self.isBinary = isBinary
            self.descriptor = descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// What is known of a file that is closed: reading it fails.
    private init(closed file: JobFile) {
        path = file.path
        size = file.size
        modified = file.modified
        commands = file.commands
        layers = file.layers
        isBinary = file.isBinary
        descriptor = -1
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The same without the file, for whoever wants to tell of it when the print is over: an open file keeps its medium from
    /// being unmounted.
    public var closed: JobFile { JobFile(closed: self) }

    /// The size in bytes that the file has now.
    var presentSize: UInt64 {
        var info = stat()
        return fstat(descriptor, &info) == 0 ? UInt64(max(info.st_size, 0)) : 0
    }

    private static func openError(_ code: Int32, path: String) -> JobFileError {
        switch code {
        case ENOENT, ENOTDIR: .missing(path: path)
        case EACCES, EPERM: .forbidden(path: path)
        case EISDIR: .notAFile(path: path)
        default: .unreadable(path: path, errno: code)
        }
    }

    /// Every command must fit the firmware's line under the number that it will get, which has at least seven digits:
    /// temperature queries, scripts and commands of others take numbers too, all day long.
    private static func check(
        _ text: JobText, path: String, size: UInt64
    ) throws(JobFileError) -> (commands: UInt64, layers: UInt32) {
        var scanner = CommandScanner()
        var commands: UInt64 = 0
        do throws(JobFileError) {
            while let piece = try nextPiece(of: text, path: path, size: size) {
                var index = 0
                while index < piece.bytes.count {
                    let step = scanner.feed(Span(_unsafeBytes: piece.bytes), from: &index)
                    try count(step, of: scanner, in: path, &commands)
                }
            }
        } catch {
            switch error {
            case .lineTooLong, .damaged:
                // The text of a damaged block is read before its checksum: then that is the reason.
                while try nextPiece(of: text, path: path, size: size) != nil {}
            default: break
            }
            throw error
        }
        try count(scanner.end(), of: scanner, in: path, &commands)
        guard commands > 0 else { throw .noCommands(path: path) }
        return (commands, scanner.layers)
    }

    static func nextPiece(
        of text: JobText, path: String, size: UInt64
    ) throws(JobFileError) -> JobText.Piece? {
        do {
            return try text.next()
        } catch {
            switch error {
            case .unreadable(let code): throw .unreadable(path: path, errno: code)
            case .cut(let found): throw .cut(path: path, expected: size, found: found)
            case .binary(let error): throw .binaryGCode(path: path, error)
            }
        }
    }

    @inline(__always)
    private static func count(
        _ step: CommandScanner.Step, of scanner: CommandScanner, in path: String, _ commands: inout UInt64
    ) throws(JobFileError) {
        if step == .more { return }
        commands += 1
        if step == .damaged {
            throw .damaged(path: path, line: scanner.lineNumber, text: String(scanner.command))
        }
        let number = UInt32(clamping: max(commands + commands / 10, 9_999_999))
        if step == .tooLong || !LineFormat.fits(number: number, commandLength: scanner.length) {
            throw .lineTooLong(
                path: path, line: scanner.lineNumber, length: scanner.length, text: String(scanner.command))
        }
    }

    /// Tells by the first bytes whether it is binary G-code, and text from what is none. A stray byte of another encoding
    /// is text.
    private static func checkKind(_ descriptor: Int32, path: String) throws(JobFileError) -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer throws(JobFileError) in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count >= 0 else { throw .unreadable(path: path, errno: errno) }
            let head = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if JobText.isBinaryGCode(head) { return true }
            let odd = head.count { $0 == 0 || ($0 < 0x20 && !(0x09...0x0D).contains($0)) }
            if odd * 50 > head.count { throw .binary(path: path) }
            return false
        }
    }
}

extension String {
    /// The buffer's bytes as text, damaged ones replaced.
    init(_ buffer: borrowing CommandBuffer) {
        var bytes: [UInt8] = []
        for index in 0..<buffer.count { bytes.append(buffer[index]) }
        self.init(decoding: bytes, as: UTF8.self)
    }
}
