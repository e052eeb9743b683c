import Glibc
import Synchronization

/// Takes what happened to files, in order. Called on the thread "connect-files".
typealias FileReport = @Sendable ([FileNews]) -> Void

/// Times of the watcher.
struct WatchOptions: Sendable {
    /// Between two looks at whether a storage's directory is still the same and how much space it has.
    var checkInterval: Duration = .seconds(2)
    /// Between two looks at a storage that cannot be watched completely.
    var pollInterval: Duration = .seconds(10)
    /// How long the other half of a move is waited for.
    var moveGrace: Duration = .milliseconds(100)
    /// How long a directory may take to be read when it is attached.
    var attachDeadline: Duration = .seconds(60)
    /// Most watches, for tests; the system has a limit of its own.
    var mostWatches = Int.max
    /// Whether inotify is there, for tests.
    var usesInotify = true
}

/// Keeps the storages with a directory as they are on the disk, on a thread of its own, "connect-files".
///
/// That thread alone reads directories and inotify, and everything it works with belongs to it. What others want from
/// it waits in a mailbox. It holds neither this object nor the printer, and closes what it opened itself, at its end.
final class FileWatcher: Sendable {
    private let storages: Storages
    private let options: WatchOptions
    private let log: PrinterLog?
    /// There is one once the thread runs.
    private let mailbox = Mutex<WatchMailbox?>(nil)

    init(storages: Storages, options: WatchOptions = WatchOptions(), log: PrinterLog? = nil) {
        self.storages = storages
        self.options = options
        self.log = log
    }

    deinit { post(.stop) }

    /// Reads the storage's directory, attaches it and goes on watching it. `report` gets MEDIUM_INSERTED first.
    /// Returns when that is done; throws when the directory cannot be read or does not answer.
    func attach(_ storage: Storage, report: @escaping FileReport) throws(StorageError) {
        let problem = startThread()
        guard problem == 0 else { throw .unusable(name: storage.name, code: problem) }
        let request = AttachRequest(storage: storage, report: report)
        post(.attach(request))
        if let error = request.wait(until: ConnectClock.system.monotonic() + options.attachDeadline) { throw error }
    }

    /// Asks the thread for something, if it runs.
    func post(_ request: WatchRequest) { mailbox.withLock { $0 }?.post(request) }

    /// The thread is started by the first storage that needs it. Returns the error number when that is not possible.
    private func startThread() -> Int32 {
        mailbox.withLock { mailbox in
            guard mailbox == nil else { return 0 }
            guard let new = WatchMailbox() else { return errno }
            let (storages, options, log) = (storages, options, log)
            let error = PrusaConnect.startThread(name: "connect-files") {
                WatchLoop(storages: storages, options: options, log: log, mailbox: new).run()
            }
            if error == 0 { mailbox = new }
            return error
        }
    }
}

/// What the watcher's thread is asked to do.
enum WatchRequest: Sendable {
    case attach(AttachRequest)
    /// The storage with this id is not attached any more.
    case forget(UInt64)
    /// Look at everything anew.
    case rescan
    case stop
}

/// A storage that is being attached, and the caller who waits for it.
final class AttachRequest: Sendable {
    private enum State {
        case waiting
        case done(StorageError?)
        /// The caller did not wait any longer: nothing may be attached any more.
        case givenUp
    }

    let storage: Storage
    let report: FileReport
    private let state = Mutex(State.waiting)
    private let latch = Latch()

    init(storage: Storage, report: @escaping FileReport) {
        self.storage = storage
        self.report = report
    }

    /// Waits for the end. `nil` when the storage is attached.
    func wait(until deadline: Duration) -> StorageError? {
        latch.wait(until: deadline)
        return state.withLock { state in
            if case .done(let error) = state { return error }
            state = .givenUp
            return .notResponding(storage.name)
        }
    }

    /// Ends the request by what `body` does, unless the caller has given up.
    func finish(_ body: () -> StorageError?) {
        state.withLock { state in
            if case .waiting = state { state = .done(body()) }
        }
        latch.open()
    }
}

/// Requests for the watcher's thread, and a pipe that wakes it.
final class WatchMailbox: Sendable {
    private let requests = Mutex<[WatchRequest]>([])
    private let readEnd: Descriptor
    private let writeEnd: Descriptor

    /// `nil` when there are no descriptors left.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readEnd = Descriptor(ends[0])
        writeEnd = Descriptor(ends[1])
    }

    /// Is readable when there is something to take.
    var descriptor: Int32 { readEnd.number }

    func post(_ request: WatchRequest) {
        requests.withLock { $0.append(request) }
        var byte: UInt8 = 0
        // A pipe that is full wakes as well.
        _ = write(writeEnd.number, &byte, 1)
    }

    func take() -> [WatchRequest] {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(readEnd.number, &bytes, bytes.count) > 0 {}
        return requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }
}
