import Glibc
import PrusaConnect

/// How far a print was at one moment.
struct PrintProgress: Sendable, Equatable {
    /// Commands of the file that the printer had acknowledged.
    var commands: UInt64 = 0
    /// Seconds of printing.
    var seconds: UInt64 = 0
    /// The print was paused.
    var isPaused = false
    /// When this was, in seconds since 1970.
    var time: Int64 = 0
}

/// The progress of a print on disk: `print.progress` in the state directory.
///
/// Two records of one sector each are written in turn, in place: a loss of power spoils one at most, and no write
/// makes the file system change more than that sector (an SD card wears by writes). Belongs to one thread.
final class ProgressFile {
    private static let sector = 512

    private let path: String
    private let descriptor: Int32
    private var serial: UInt64

    /// Opens or makes the file.
    init(path: String) throws(FileError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError(operation: "open", path: path, code: errno) }
        serial = Self.newest(descriptor)?.serial ?? 0
    }

    deinit { close(descriptor) }

    /// What was written last; nil when nothing is readable.
    func read() -> PrintProgress? { Self.newest(descriptor)?.progress }

    /// Writes and waits until it is on the medium.
    func write(_ progress: PrintProgress) throws(FileError) {
        serial += 1
        let text = Self.text(serial, progress)
        let bytes = Array(text.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: Self.sector - 1 - text.utf8.count)
        let place = off_t(Self.sector * Int(serial % 2))
        let count = pwrite(descriptor, bytes + [UInt8(ascii: "\n")], Self.sector, place)
        guard count == Self.sector else {
            throw FileError(operation: "write", path: path, code: count < 0 ? errno : ENOSPC)
        }
        guard fdatasync(descriptor) == 0 else { throw FileError(operation: "write", path: path, code: errno) }
    }

    /// Forgets what was written.
    func clear() { ftruncate(descriptor, 0) }

    private static func text(_ serial: UInt64, _ progress: PrintProgress) -> String {
        let plain =
            "\(serial) \(progress.commands) \(progress.seconds) \(progress.isPaused ? "paused" : "printing") \(progress.time)"
        return "\(plain) \(checksum(plain))"
    }

    private static func newest(_ descriptor: Int32) -> (serial: UInt64, progress: PrintProgress)? {
        let records = [0, 1].compactMap { slot -> (serial: UInt64, progress: PrintProgress)? in
            var bytes = [UInt8](repeating: 0, count: sector)
            guard pread(descriptor, &bytes, sector, off_t(slot * sector)) == sector else { return nil }
            return parse(String(decoding: bytes, as: UTF8.self))
        }
        return records.max { $0.serial < $1.serial }
    }

    private static func parse(_ record: String) -> (serial: UInt64, progress: PrintProgress)? {
        let words = record.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard words.count == 6, checksum(words.prefix(5).joined(separator: " ")) == words[5],
            let serial = UInt64(words[0]), let commands = UInt64(words[1]), let seconds = UInt64(words[2]),
            let time = Int64(words[4])
        else { return nil }
        return (serial, PrintProgress(commands: commands, seconds: seconds, isPaused: words[3] == "paused", time: time))
    }

    /// FNV-1a: half a record must not pass for one.
    private static func checksum(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
