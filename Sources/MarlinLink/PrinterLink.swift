import CSerial
import GCodeStream
import Synchronization

/// A printer on a serial port.
///
/// One link lives from `open` to `.down` or `close`; make a new one to connect again. All methods may be called from
/// any thread, but `run` and `reset` wait for what the event handler's thread delivers and must not be called from it.
/// None of the others waits for the wire.
///
/// ```swift
/// let link = PrinterLink(configuration: LinkConfiguration(port: "/dev/ttyUSB0")) { event in … }
/// try link.open()
/// // after .ready:
/// try link.print(JobFile(path: "box.gcode"))
/// ```
public final class PrinterLink: Sendable {
    struct State {
        var isReady = false
        /// The job under way and its number.
        var job: JobFile?
        var jobNumber: UInt32 = 0
        var isDown = false
        var resetSignal: WakeSignal?
        var resetWorked = false
        var continuation = Continuation.none
    }

    /// The configuration that the link was made with.
    public let configuration: LinkConfiguration

    private let ledger: LineLedger?
    let onEvent: @Sendable (LinkEvent) -> Void
    let state = Mutex(State())
    let waiters = CommandWaiters()
    let shared = Mutex<LinkShared?>(nil)
    private let streamThread = Mutex<PosixThread?>(nil)

    /// Makes a link that is not open yet. `onEvent` is called in order, on a thread of the link's own, which may be
    /// held up without harm to the print: lines get lost when it stays so, other news do not. The lines of jobs are noted
    /// in `ledger`; where another process left a job there, the printer is asked what it has taken of it: `continuation`.
    public init(
        configuration: LinkConfiguration, ledger: LineLedger? = nil, onEvent: @escaping @Sendable (LinkEvent) -> Void
    ) {
        self.configuration = configuration
        self.ledger = ledger
        self.onEvent = onEvent
    }

    deinit { close() }

    // MARK: Life

    /// Opens the port and begins to greet the printer; `.ready` or `.down` follows.
    public func open() throws(LinkError) {
        let port = try SerialPort(path: configuration.port, baud: configuration.baud)
        guard let wake = WakeSignal(), let noteWake = WakeSignal(),
            let watch = PortWatch(port: port.descriptor, wake: wake)
        else { throw outOfResources }
        let shared = LinkShared(wake: wake, noteWake: noteWake)
        let configuration = configuration
        let ledger = ledger
        let portBox = Mutex<SerialPort?>(port)
        let watchBox = Mutex<PortWatch?>(watch)
        let started = PosixThread(name: "stream") {
            guard let port = portBox.withLock({ $0.take() }), let watch = watchBox.withLock({ $0.take() }) else {
                return
            }
            let thread = StreamThread(
                port: port, watch: watch, shared: shared, configuration: configuration, ledger: ledger)
            thread.run()
            shared.close()
        }
        guard let started else { throw outOfResources }
        let delivery = PosixThread(name: "link events") { [weak self] in
            var delivery = NoteDelivery()
            while true {
                let isLast = shared.isClosed
                while let note = shared.notes.pop() { self?.deliver(note, with: &delivery) }
                if isLast { return }
                shared.noteWake.wait()
            }
        }
        guard delivery != nil else {
            shared.shutDown()
            started.join()
            throw outOfResources
        }
        self.shared.withLock { $0 = shared }
        streamThread.withLock { $0 = started }
    }

    /// Closes the port: it is free when this returns. What the printer has taken it still executes; nothing is
    /// switched off. No event follows, and whoever waits in `run` gets `.commandDropped`.
    public func close() {
        guard let shared = shared.withLock({ $0 }) else { return }
        state.withLock {
            $0.isReady = false
            $0.isDown = true
            $0.job = nil
        }
        waiters.dropAll()
        shared.shutDown()
        streamThread.withLock { $0 }?.join()
    }

    /// What the link knows now.
    public var snapshot: LinkSnapshot {
        shared.withLock { $0 }?.snapshot.read() ?? LinkSnapshot()
    }

    /// Commands of the present or last job that were acknowledged; nil while a new one has not begun at the wire.
    public var jobCommands: UInt64? {
        let number = state.withLock { $0.jobNumber }
        let snapshot = snapshot
        return snapshot.job == number ? snapshot.jobCommands : nil
    }

    /// True between `.ready` and whatever ends it.
    public var isReady: Bool { state.withLock { $0.isReady } }

    /// What the printer has taken of the job in the ledger. Holds from the first `.ready` on.
    public var continuation: Continuation { state.withLock { $0.continuation } }

    private var outOfResources: LinkError { .portFailed(path: configuration.port, errno: 11) }

    // MARK: Jobs

    /// Begins to print a file, or goes on with it at `start`. `.jobFinished` or `.jobFailed` follows, unless `cancel` is
    /// called.
    public func print(_ file: JobFile, from start: JobStart = JobStart()) throws(LinkError) {
        let shared = try openShared()
        guard let reader = FileReader(file: file, from: start, wake: shared.wake) else { throw outOfResources }
        // Orders about jobs are given under the lock: the stream thread gets them in the order in which the job changed.
        let refusal: LinkError? = state.withLock { state in
            guard state.isReady else { return .notReady }
            guard state.job == nil else { return .jobRunning }
            guard shared.order(.beginJob(number: state.jobNumber &+ 1), with: reader) else { return .laneFull }
            state.job = file
            state.jobNumber &+= 1
            return nil
        }
        if let refusal {
            reader.cancel()
            throw refusal
        }
    }

    /// Stops feeding the job; what the printer has taken it still executes.
    public func pause() throws(LinkError) { try orderForJob(.pause) { _ in } }

    /// Goes on feeding the job.
    public func resume() throws(LinkError) { try orderForJob(.resume) { _ in } }

    /// Gives a paused job its file anew: what was taken from it is left out, by count. Whoever calls this has made sure that
    /// it is the same file.
    public func continueJob(with file: JobFile) throws(LinkError) {
        let shared = try openShared()
        let snapshot = snapshot
        // Nothing more is taken while it is paused, so the count holds.
        guard snapshot.phase == .paused else { throw .noJob }
        let start = JobStart(commands: snapshot.jobTaken, layer: snapshot.layer)
        guard let reader = FileReader(file: file, from: start, wake: shared.wake) else { throw outOfResources }
        let refusal: LinkError? = state.withLock { state in
            guard state.job != nil, state.jobNumber == snapshot.job else { return .noJob }
            guard shared.order(.replaceReader(number: state.jobNumber), with: reader) else { return .laneFull }
            state.job = file
            return nil
        }
        if let refusal {
            reader.cancel()
            throw refusal
        }
    }

    /// Ends the job; no event follows. Switching heaters off is the caller's business (`run`).
    public func cancel() throws(LinkError) {
        try orderForJob(.cancel) { $0.job = nil }
    }

    /// Sends M112 past all queues. A running job fails with `.emergencyStopped`.
    public func emergencyStop() throws(LinkError) {
        try order(.emergencyStop)
        state.withLock { $0.isReady = false }
    }

    /// Ends a wait for a temperature (M108) where the firmware has an emergency parser.
    public func interruptHeating() throws(LinkError) { try order(.interruptHeating) }

    // MARK: Commands

    /// Sends a command before the job's next one, without waiting for its answer.
    public func send(_ command: String) throws(LinkError) {
        _ = try submit(command)
    }

    /// Sends commands one after the other and waits until each was acknowledged; `limit` in seconds holds for each.
    /// Commands may take as long as the printer works (G28, M109).
    public func run(_ commands: [String], limit: Double = 60) throws(LinkError) {
        for command in commands { try run(command, limit: limit) }
    }

    private func run(_ command: String, limit: Double) throws(LinkError) {
        guard let signal = WakeSignal() else { throw outOfResources }
        let tag = try submit(command, telling: signal)
        defer { waiters.forget(tag) }
        let end = cserial_monotonic_ns() &+ UInt64(max(limit, 0) * 1e9)
        while true {
            switch waiters.fate(of: tag) {
            case .acknowledged: return
            case .dropped: throw .commandDropped(command)
            case .pending: break
            }
            let now = cserial_monotonic_ns()
            guard now < end else { throw .commandTimedOut(command) }
            signal.wait(nanoseconds: Int64(end - now))
        }
    }

    private func submit(_ command: String, telling signal: WakeSignal? = nil) throws(LinkError) -> UInt32 {
        var buffer = CommandBuffer()
        let utf8 = Array(command.utf8)
        guard !utf8.isEmpty, !utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }),
            LineFormat.fits(number: Limits.lineNumber, commandLength: utf8.count), buffer.set(utf8.span)
        else { throw .badCommand(command) }
        let shared = try openShared()
        guard state.withLock({ $0.isReady }) else { throw .notReady }
        guard let tag = waiters.tag(telling: signal) else { throw .laneFull }
        guard shared.order(.submit(buffer, tag: tag)) else {
            waiters.settle(tag, as: .dropped)
            waiters.forget(tag)
            throw .laneFull
        }
        // A link that went down meanwhile has settled what it knew of.
        if state.withLock({ $0.isDown }) { waiters.dropAll() }
        return tag
    }

    /// Restarts the printer by its reset line (DTR) and waits for the order to be carried out; `.printerRestarted` and
    /// `.ready` follow. A running job fails.
    public func reset() throws(LinkError) {
        let shared = try openShared()
        guard let signal = WakeSignal() else { throw outOfResources }
        let job = state.withLock { state in
            state.resetSignal = signal
            state.resetWorked = false
            return state.jobNumber
        }
        guard shared.order(.reset) else { throw .laneFull }
        signal.wait(nanoseconds: 5_000_000_000)
        let worked = state.withLock { state in
            state.resetSignal = nil
            return state.resetWorked
        }
        guard worked else { throw .noResetLine(path: configuration.port) }
        endJob(job, .stream(.printerReset, text: ""))
    }

    private func orderForJob(_ order: LinkOrder, then change: (inout State) -> Void) throws(LinkError) {
        let shared = try openShared()
        let refusal: LinkError? = state.withLock { state in
            guard state.job != nil else { return .noJob }
            guard shared.order(order) else { return .laneFull }
            change(&state)
            return nil
        }
        if let refusal { throw refusal }
    }

    func order(_ order: LinkOrder) throws(LinkError) {
        guard try openShared().order(order) else { throw .laneFull }
    }

    private func openShared() throws(LinkError) -> LinkShared {
        guard let shared = shared.withLock({ $0 }), !state.withLock({ $0.isDown }) else { throw .notReady }
        return shared
    }
}
