import CAllocationCounter
import Glibc
import MarlinLink
import Synchronization

/// The real thing: MarlinLink with its threads, as the daemon uses it.
struct GantryHost: StreamingHost {
    var name = "gantry"
    /// Lines are packed (MeatPack).
    var packs = false
    /// The thread that streams asks for a real-time priority.
    var isRealTime = true

    /// Packing is for wires; what a priority is worth shows beside other work.
    func takesPart(in scenario: Scenario) -> Bool {
        packs ? scenario.baud > 0 : isRealTime || scenario.isLoaded || scenario.baud == 0
    }

    /// The name that MarlinLink gives to the thread which streams.
    private static let threadName = "stream"

    func stream(gcode: String, port: String) throws(BenchError) -> StreamOutcome {
        let news = News()
        var configuration = LinkConfiguration(port: port, baud: 250_000)
        configuration.meatPack = packs
        configuration.isRealTime = isRealTime
        let link = PrinterLink(configuration: configuration) { news.take($0) }
        do {
            let file = try JobFile(path: gcode)
            try link.open()
            defer { link.close() }
            try news.waitUntilReady()
            let before = callocation_count_of_threads_named(Self.threadName)
            try link.print(file)
            try news.waitUntilFinished()
            let allocations = callocation_count_of_threads_named(Self.threadName) - before
            // No thread of that name would mean that nothing was counted.
            let isCounted = callocation_threads_named(Self.threadName) == 1
            let snapshot = link.snapshot
            guard packs == (snapshot.packing != .none) else { throw BenchError("The printer does not read MeatPack") }
            return StreamOutcome(
                lines: snapshot.jobCommands, allocations: isCounted ? allocations : nil,
                latency: .init(p99: snapshot.latency.permille(990), longest: snapshot.latency.longest))
        } catch let error as BenchError {
            throw error
        } catch {
            throw BenchError("\(error)")
        }
    }
}

/// The link's events that end a wait, from the link's thread to the one that waits.
private final class News: @unchecked Sendable {
    // Sendable: everything but the semaphore is behind the mutex, and a semaphore is made for several threads.
    private struct State {
        var isReady = false
        var isFinished = false
        var failure: String?
    }

    private let state = Mutex(State())
    private let arrived = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(arrived, 0, 0) }

    deinit {
        sem_destroy(arrived)
        arrived.deallocate()
    }

    func take(_ event: LinkEvent) {
        let isNews = state.withLock { state in
            switch event {
            case .ready: state.isReady = true
            case .jobFinished: state.isFinished = true
            case .jobFailed(let failure): state.failure = failure.description
            case .down(let error): state.failure = error.description
            // The simulated wire has no faults, so this would be a bug in the link.
            case .resend(let line): state.failure = "The printer asked for line \(line) again"
            default: return false
            }
            return true
        }
        if isNews { sem_post(arrived) }
    }

    func waitUntilReady() throws(BenchError) { try wait { $0.isReady } }
    func waitUntilFinished() throws(BenchError) { try wait { $0.isFinished } }

    private func wait(for condition: (State) -> Bool) throws(BenchError) {
        while true {
            let state = state.withLock { $0 }
            if let failure = state.failure { throw BenchError(failure) }
            if condition(state) { return }
            sem_wait(arrived)
        }
    }
}
