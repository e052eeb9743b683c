import GCodeStream
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Why there is no ledger.
public struct LineLedgerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// What the system says.
    public let errno: Int32

    /// What happened, to what, and what to do.
    public var description: String {
        "Cannot keep the ledger of lines in \(path) (\(message(errno))): a print cannot be continued after a crash. Give "
            + "Gantry a runtime directory that it may write to."
    }
}

/// Which line of the wire was which command of the job, kept where it outlives a process that is killed.
///
/// The stream thread notes each line before it is written: when Gantry starts again and the printer says which line it
/// has last taken, the ledger tells exactly how many commands of the job that are. It is a file in shared memory: a note is a
/// few stores, no system call, and lives as long as the file does. Keep it on a tmpfs (`/run`): on a disk, a store may wait
/// for the disk. After a power cut it is gone.
public final class LineLedger: @unchecked Sendable {
    // Sendable: the file's words are atomics; `job` is written before its lines are sent, lines by the stream thread.
    /// What is left of a job.
    public struct Remains: Sendable, Equatable {
        /// Number of the job, its owner's.
        public var job: UInt64
        /// Commands of the job that were done before its lines were counted.
        public var firstCommand: UInt64
        /// The last line of the job that may have been sent; 0 when none was.
        public var lastLine: UInt32
        var commands: [UInt32: UInt64]

        /// How many commands of the job a printer has taken whose last line is `line`; nil when that was not one of the
        /// last lines.
        public func commands(through line: UInt32) -> UInt64? { commands[line] }
    }

    /// The file's words: a mark, the job, its first command, its last line, then pairs of line and commands.
    private enum Word {
        static let mark = 0
        static let job = 1
        static let firstCommand = 2
        static let lastLine = 3
        static let pairs = 4
        static let count = pairs + 2 * Limits.history
    }

    /// "GLEDGER1".
    private static let mark: UInt64 = 0x3152_4547_4445_4C47
    private static var size: Int { Word.count * MemoryLayout<UInt64>.size }

    /// The file.
    public let path: String
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    /// Holds the lock.
    private let descriptor: Int32

    /// Opens or makes the file at `path`, readable by its owner only, and locks it: EBUSY while another process has it.
    public init(path: String) throws(LineLedgerError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw LineLedgerError(path: path, errno: errno) }
        do throws(LineLedgerError) {
            words = try Self.map(descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    private static func map(
        _ descriptor: Int32, path: String
    ) throws(LineLedgerError) -> UnsafeMutablePointer<Atomic<UInt64>> {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw LineLedgerError(path: path, errno: errno == EWOULDBLOCK ? EBUSY : errno)
        }
        // Room is reserved at once: a store into a page that a full file system does not have would end the process.
        let reserved = posix_fallocate(descriptor, 0, off_t(size))
        guard reserved == 0 else { throw LineLedgerError(path: path, errno: reserved) }
        let map = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let map, map != MAP_FAILED else { throw LineLedgerError(path: path, errno: errno) }
        return map.bindMemory(to: Atomic<UInt64>.self, capacity: Word.count)
    }

    deinit {
        munmap(words, Self.size)
        close(descriptor)
    }

    /// A job begins, its first `commands` done already. Before its first line is sent; any thread.
    public func begin(job: UInt64, after commands: UInt64 = 0) {
        clear()
        words[Word.job].store(job, ordering: .relaxed)
        words[Word.firstCommand].store(commands, ordering: .relaxed)
        words[Word.mark].store(Self.mark, ordering: .releasing)
    }

    /// The job is over, or its printer is.
    public func clear() {
        words[Word.mark].store(0, ordering: .releasing)
        words[Word.lastLine].store(0, ordering: .relaxed)
        for index in Word.pairs..<Word.count { words[index].store(0, ordering: .relaxed) }
    }

    /// Lets another process have the file: this one notes nothing any more.
    public func release() { flock(descriptor, LOCK_UN) }

    /// Takes the file away, for good: there is nothing in it that anybody could use.
    public func remove() { unlink(path) }

    /// Notes that `commands` of the job have been sent with `line`. The stream thread only.
    func note(line: UInt32, commands: UInt64) {
        let pair = Word.pairs + 2 * Int(line % UInt32(Limits.history))
        words[pair].store(UInt64(line), ordering: .relaxed)
        words[pair + 1].store(commands, ordering: .relaxed)
        words[Word.lastLine].store(UInt64(line), ordering: .releasing)
    }

    /// What the file holds: the job that this process or another one began last; nil when that is over.
    public var remains: Remains? {
        func word(_ index: Int) -> UInt64 { words[index].load(ordering: .acquiring) }
        guard word(Word.mark) == Self.mark, let lastLine = UInt32(exactly: word(Word.lastLine)) else { return nil }
        var commands: [UInt32: UInt64] = [:]
        for index in 0..<Limits.history {
            // A line behind the last was being noted when the process ended: it was not sent.
            guard let line = UInt32(exactly: word(Word.pairs + 2 * index)), line > 0, line <= lastLine else { continue }
            commands[line] = word(Word.pairs + 2 * index + 1)
        }
        return Remains(
            job: word(Word.job), firstCommand: word(Word.firstCommand), lastLine: lastLine, commands: commands)
    }
}
