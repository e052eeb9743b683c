import Glibc
import MarlinLink
import PrusaConnect
import Synchronization

/// Keeps what is needed to take a print up after a crash, a reboot or a loss of power.
///
/// | file | where | written | survives |
/// | --- | --- | --- | --- |
/// | `print.ini`: which print | state directory | when it begins and ends | everything |
/// | `print.progress`: how far | state directory | every five seconds while it changes, fdatasync | everything |
/// | `gantry-….lines`: which line was which command | runtime directory, a tmpfs | with each line, no system call | the end of the process |
///
/// Writing is done on a thread of its own: a slow disk delays nobody. What cannot be written is told once; the print goes
/// on. A few kilobytes in five seconds are a hundred megabytes a day of printing, a thousandth of what an SD card takes.
public final class PrintJournal: Sendable {
    private enum Message: Sendable {
        case begin(JobRecord)
        case note(PrintProgress)
        case end
        case stop(Mailbox<Bool>)
    }

    /// A print that another process began and did not end.
    struct Interruption: Sendable, Equatable {
        var record: JobRecord
        /// What was written last.
        var progress: PrintProgress
    }

    /// Where lines are noted; nil when there is no place for that.
    let ledger: LineLedger?
    /// What was found when the journal was opened.
    let interruption: Interruption?
    private let directory: String
    /// Another process uses the same directory.
    private let isIdle: Bool
    private let onProblem: @Sendable (String) -> Void
    private let mailbox = Mailbox<Message>()

    /// Seconds between two writes.
    private static let interval = 5.0

    /// Opens the journal in `directory`, which is made when it is missing. Lines are noted below `runtimeDirectory`.
    ///
    /// - Parameter onProblem: called with what cannot be kept, on any thread.
    init(directory: String, runtimeDirectory: String, onProblem: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.onProblem = onProblem
        mkdir(directory, 0o700)
        do throws(LineLedgerError) {
            ledger = try LineLedger(path: Self.ledgerPath(for: directory, in: runtimeDirectory))
            isIdle = false
        } catch {
            ledger = nil
            isIdle = error.errno == EBUSY
            onProblem("\(error)")
        }
        interruption = isIdle ? nil : Self.found(in: directory)
        // Lines without their print are of no use.
        if let ledger, interruption?.record.id != ledger.remains?.job { ledger.clear() }
        if !isIdle, !startThread({ [self] in run() }) { onProblem("There is no thread for the journal of prints.") }
    }

    /// Where the ledger of a state directory is: two daemons share a runtime directory, and it survives neither a reboot nor
    /// a loss of power.
    private static func ledgerPath(for directory: String, in runtimeDirectory: String) -> String {
        let real = realpath(directory, nil)
        defer { free(real) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (real.map { String(cString: $0) } ?? directory).utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return "\(runtimeDirectory)/gantry-\(String(hash, radix: 16)).lines"
    }

    /// systemd's runtime directory of the service, else the user's, else shared memory.
    static var runtimeDirectory: String {
        for name in ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"] {
            guard let value = getenv(name) else { continue }
            // systemd puts a colon between several.
            let first = String(cString: value).prefix { $0 != ":" }
            if !first.isEmpty { return String(first) }
        }
        return "/dev/shm"
    }

    // MARK: Any thread

    /// A print begins; `commands` of it are done. Before its first line is sent.
    func begin(_ job: Job, after commands: UInt64 = 0) {
        ledger?.begin(job: job.id, after: commands)
        post(.begin(JobRecord(job)))
        post(
            .note(PrintProgress(commands: commands, seconds: UInt64(job.elapsed(at: .now)), time: Int64(time(nil)))))
    }

    /// Tells how far the print is; written now and then.
    func note(_ job: Job, commands: UInt64, isPaused: Bool) {
        let progress = PrintProgress(
            commands: commands, seconds: UInt64(max(job.elapsed(at: .now), 0)), isPaused: isPaused,
            time: Int64(time(nil)))
        post(.note(progress))
    }

    /// The printer does not know any more which line is which; the print may still be recovered.
    func forgetLines() { ledger?.clear() }

    /// The print is over: nothing of it is left to take up.
    func end() {
        ledger?.clear()
        post(.end)
    }

    private func post(_ message: Message) {
        if !isIdle { mailbox.post(message) }
    }

    /// Writes what waits and ends; waits for that for five seconds.
    func stop() {
        guard !isIdle else { return }
        let done = Mailbox<Bool>()
        mailbox.post(.stop(done))
        _ = done.take(until: .now + 5)
        if let ledger, ledger.remains == nil { ledger.remove() }
        ledger?.release()
    }

    // MARK: The journal's thread

    private static func recordPath(_ directory: String) -> String { directory + "/print.ini" }
    private static func progressPath(_ directory: String) -> String { directory + "/print.progress" }

    private static func found(in directory: String) -> Interruption? {
        guard let file = try? INIFile(path: recordPath(directory)), let record = JobRecord(file) else { return nil }
        let progress = (try? ProgressFile(path: progressPath(directory)))?.read() ?? PrintProgress()
        return Interruption(record: record, progress: progress)
    }

    private func run() {
        var file: ProgressFile?
        var waiting: PrintProgress?
        var written: PrintProgress?
        var next = MonotonicTime.now
        var hasComplained = false
        func attempt(_ action: () throws -> Void) {
            do {
                try action()
                hasComplained = false
            } catch {
                if !hasComplained { onProblem("The print could not be continued after a crash now: \(error)") }
                hasComplained = true
            }
        }
        func flush() {
            guard let progress = waiting, progress != written else { return }
            attempt {
                if file == nil { file = try ProgressFile(path: Self.progressPath(directory)) }
                try file?.write(progress)
            }
            written = progress
            waiting = nil
            next = .now + Self.interval
        }
        while true {
            for message in mailbox.take(until: waiting == nil ? .now + 60 : next) {
                switch message {
                case .begin(let record):
                    attempt { try record.write(to: Self.recordPath(directory)) }
                    written = nil
                    next = .now
                case .note(let progress):
                    // The time alone is no news; a pause is news that does not wait.
                    if progress.isPaused != written?.isPaused {
                        waiting = progress
                        next = .now
                    } else if progress.commands != written?.commands {
                        waiting = progress
                    }
                case .end:
                    waiting = nil
                    written = nil
                    unlink(Self.recordPath(directory))
                    file?.clear()
                case .stop(let done):
                    flush()
                    done.post(true)
                    return
                }
            }
            if MonotonicTime.now >= next { flush() }
        }
    }
}
