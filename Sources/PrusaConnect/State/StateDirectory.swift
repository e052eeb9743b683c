import Glibc

/// The directory in which a printer keeps what must survive a restart, and the lock that keeps a second process out.
///
/// Files are named by the beginning of the printer's fingerprint, so that several printers can share a directory:
///
/// | file | content |
/// | --- | --- |
/// | `events-….journal` | events that wait, see ``JournalOutbox`` |
/// | `commands-….journal` | ids and answers of the last commands, see ``CommandJournal`` |
/// | `printer-….lock` | empty; locked while a process uses the two others |
///
/// All are 0600: events can hold the key of the host's web interface.
// @unchecked: used by one thread at a time, under the printer's lock.
final class StateDirectory: @unchecked Sendable {
    let path: String
    let files: any StateFiles
    private let printer: String
    private var lock: Int32?

    init(path: String, fingerprint: Fingerprint, files: any StateFiles = SystemFiles()) {
        self.path = path
        self.files = files
        // A fingerprint of one's own may hold characters that no file name can.
        printer = String(fingerprint.description.prefix(16).map { $0.isLetter || $0.isNumber ? $0 : "_" })
    }

    deinit { if let lock { files.close(lock) } }

    var events: String { "\(path)/events-\(printer).journal" }
    var commands: String { "\(path)/commands-\(printer).journal" }

    /// Makes the directory when it is missing and takes the lock. Cheap when it is taken already; can be tried again
    /// after a failure.
    func acquire() throws(FileError) {
        guard lock == nil else { return }
        let lockPath = "\(path)/printer-\(printer).lock"
        do throws(OSError) {
            try files.makeDirectory(path)
        } catch {
            throw error.at(path, "make the directory")
        }
        do throws(OSError) {
            let file = try files.open(lockPath, isEmptied: false)
            guard try files.lock(file) else {
                files.close(file)
                throw OSError(code: EBUSY)
            }
            lock = file
        } catch {
            throw error.at(lockPath, error.code == EBUSY ? "lock, another process uses it" : "lock")
        }
    }
}
