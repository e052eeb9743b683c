import CSerial
import GCodeStream
import Synchronization

/// A printer on a serial port.
///
/// One link lives from `open` to `.down` or `close`; make a new one to connect again. All methods may be called from
/// any thread but `run`, which waits and must not be called from the event handler. None of them waits for the wire.
///
/// ```swift
/// let link = PrinterLink(configuration: LinkConfiguration(port: "/dev/ttyUSB0")) { event in … }
/// try link.open()
/// // after .ready:
/// try link.print(JobFile(path: "box.gcode"))
/// ```
public final class PrinterLink: Sendable {
    private struct State {
        var isReady = false
        var jobActive = false
        var jobPath = ""
        var jobSize: UInt64 = 0
        var isDown = false
        var resetSignal: WakeSignal?
        var resetWorked = false
    }

    /// The configuration that the link was made with.
    public let configuration: LinkConfiguration

    private let onEvent: @Sendable (LinkEvent) -> Void
    private let state = Mutex(State())
    private let waiters = CommandWaiters()
    private let shared = Mutex<LinkShared?>(nil)

    /// Makes a link that is not open yet. `onEvent` is called in order, on a thread of the link's own, which may be
    /// held up without harm to the print.
    public init(configuration: LinkConfiguration, onEvent: @escaping @Sendable (LinkEvent) -> Void) {
        self.configuration = configuration
        self.onEvent = onEvent
    }

    deinit { close() }

    // MARK: Life

    /// Opens the port and begins to greet the printer; `.ready` or `.down` follows.
    public func open() throws(LinkError) {
        let port = try SerialPort(path: configuration.port, baud: configuration.baud)
        guard let wake = WakeSignal(), let noteWake = WakeSignal() else { throw outOfResources }
        let shared = LinkShared(wake: wake, noteWake: noteWake)
        let configuration = configuration
        let portBox = Mutex<SerialPort?>(port)
        let started = PosixThread(name: "stream") {
            guard let port = portBox.withLock({ $0.take() }) else { return }
            let thread = StreamThread(port: port, shared: shared, configuration: configuration)
            thread.run()
            shared.close()
        }
        guard let started else { throw outOfResources }
        started.detach()
        let delivery = PosixThread(name: "link events") { [weak self] in
            var delivery = NoteDelivery()
            while true {
                let isLast = shared.isClosed
                while let note = shared.notes.pop() { self?.deliver(note, with: &delivery) }
                if isLast { return }
                shared.noteWake.wait()
            }
        }
        guard let delivery else {
            shared.order(.shutDown)
            throw outOfResources
        }
        delivery.detach()
        self.shared.withLock { $0 = shared }
    }

    /// Closes the port. What the printer has taken it still executes; nothing is switched off. Who waits for a command
    /// learns that it was dropped.
    public func close() {
        state.withLock {
            $0.isReady = false
            $0.isDown = true
        }
        shared.withLock { $0 }?.order(.shutDown)
        waiters.dropAll()
    }

    /// What the link knows now.
    public var snapshot: LinkSnapshot {
        shared.withLock { $0 }?.snapshot.read() ?? LinkSnapshot()
    }

    /// True between `.ready` and whatever ends it.
    public var isReady: Bool { state.withLock { $0.isReady } }

    private var outOfResources: LinkError { .portFailed(path: configuration.port, errno: 11) }

    // MARK: Jobs

    /// Begins to print a file. `.jobFinished` or `.jobFailed` follows, unless `cancel` is called.
    public func print(_ file: JobFile) throws(LinkError) {
        let shared = try openShared()
        let free = state.withLock { state in
            guard state.isReady, !state.jobActive else { return false }
            state.jobActive = true
            state.jobPath = file.path
            state.jobSize = file.size
            return true
        }
        guard free else { throw isReady ? .jobRunning : .notReady }
        guard let reader = FileReader(file: file, wake: shared.wake) else {
            state.withLock { $0.jobActive = false }
            throw outOfResources
        }
        shared.offer(reader)
        shared.order(.beginJob)
    }

    /// Stops feeding the job; what the printer has taken it still executes.
    public func pause() throws(LinkError) { try orderForJob(.pause) }

    /// Goes on feeding the job.
    public func resume() throws(LinkError) { try orderForJob(.resume) }

    /// Ends the job; no event follows. Switching heaters off is the caller's business (`run`).
    public func cancel() throws(LinkError) {
        try orderForJob(.cancel)
        state.withLock { $0.jobActive = false }
    }

    /// Sends M112 past all queues. A running job fails with `.emergencyStopped`.
    public func emergencyStop() throws(LinkError) {
        try openShared().order(.emergencyStop)
        state.withLock { $0.isReady = false }
    }

    /// Ends a wait for a temperature (M108) where the firmware has an emergency parser.
    public func interruptHeating() throws(LinkError) { try openShared().order(.interruptHeating) }

    // MARK: Commands

    /// Sends a command before the job's next one, without waiting for its answer.
    public func send(_ command: String) throws(LinkError) {
        try submit(command, tag: waiters.tag())
    }

    /// Sends commands one after the other and waits until each was acknowledged; `limit` in seconds holds for each.
    /// Commands may take as long as the printer works (G28, M109).
    public func run(_ commands: [String], limit: Double = 60) throws(LinkError) {
        for command in commands { try run(command, limit: limit) }
    }

    private func run(_ command: String, limit: Double) throws(LinkError) {
        guard let signal = WakeSignal() else { throw outOfResources }
        let tag = waiters.tag(telling: signal)
        defer { waiters.forget(tag) }
        try submit(command, tag: tag)
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

    private func submit(_ command: String, tag: UInt32) throws(LinkError) {
        var buffer = CommandBuffer()
        let utf8 = Array(command.utf8)
        guard !utf8.isEmpty, !utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }),
            LineFormat.fits(number: Limits.lineNumber, commandLength: utf8.count), buffer.set(utf8.span)
        else { throw .badCommand(command) }
        let shared = try openShared()
        guard state.withLock({ $0.isReady }) else { throw .notReady }
        guard shared.order(.submit(buffer, tag: tag)) else { throw .laneFull }
    }

    /// Restarts the printer by its reset line (DTR) and waits for the order to be carried out; `.printerRestarted` and
    /// `.ready` follow. A running job fails.
    public func reset() throws(LinkError) {
        let shared = try openShared()
        guard let signal = WakeSignal() else { throw outOfResources }
        let wasActive = state.withLock { state in
            state.resetSignal = signal
            state.resetWorked = false
            return state.jobActive
        }
        shared.order(.reset)
        signal.wait(nanoseconds: 5_000_000_000)
        let worked = state.withLock { state in
            state.resetSignal = nil
            return state.resetWorked
        }
        guard worked else { throw .noResetLine(path: configuration.port) }
        if wasActive { endJob(.stream(.printerReset, text: "")) }
    }

    private func orderForJob(_ order: LinkOrder) throws(LinkError) {
        let shared = try openShared()
        guard state.withLock({ $0.jobActive }) else { throw .noJob }
        shared.order(order)
    }

    private func openShared() throws(LinkError) -> LinkShared {
        guard let shared = shared.withLock({ $0 }), !state.withLock({ $0.isDown }) else { throw .notReady }
        return shared
    }

    // MARK: News

    private func deliver(_ note: LinkNote, with delivery: inout NoteDelivery) {
        switch note {
        case .none: break
        case .line(let text): deliverLine(text.string, with: &delivery)
        case .greeted: delivery.awaitsReady = true
        case .greetingFailed(let outcome): goDown(greetingError(outcome))
        case .lost(let code): goDown(.portLost(path: configuration.port, errno: code))
        case .fileFailed(let code): endJob(.file(fileError(code)))
        case .resetDone(let worked):
            if worked {
                delivery.begin()
                waiters.dropAll()
            }
            state.withLock { state in
                state.resetWorked = worked
                if worked { state.isReady = false }
                state.resetSignal?.signal()
            }
        case .report(let report, let text): deliver(report, text: String(text), with: &delivery)
        }
    }

    private func deliver(_ report: StreamReport, text: String, with delivery: inout NoteDelivery) {
        switch report {
        case .synchronised:
            guard delivery.awaitsReady else { return }
            delivery.awaitsReady = false
            becomeReady(delivery.identity)
        case .acknowledged(let tag): waiters.settle(tag, as: .acknowledged)
        case .dropped(let tag): waiters.settle(tag, as: .dropped)
        case .resend(let line): onEvent(.resend(line: line))
        case .oksLost: break
        case .jobFinished: endJob(nil)
        case .jobFailed(let failure):
            // The engine has forgotten what was unacknowledged: nobody may wait for it.
            waiters.dropAll()
            noteTrouble(failure, with: &delivery)
            // Of a job that was cancelled meanwhile only the link's trouble is left.
            if !endJob(.stream(failure, text: text)) {
                deliver(.linkFailed(failure), text: text, with: &delivery)
            }
        case .linkFailed(.printerReset):
            waiters.dropAll()
            noteTrouble(.printerReset, with: &delivery)
            onEvent(.printerRestarted)
        case .linkFailed(.printerHalted):
            waiters.dropAll()
            noteTrouble(.printerHalted, with: &delivery)
            onEvent(.printerHalted(text: text))
        case .linkFailed(.notSynchronised): goDown(.notSynchronised(path: configuration.port))
        case .linkFailed(.printerSilent): goDown(.noAnswer(path: configuration.port))
        case .linkFailed: waiters.dropAll()
        }
    }

    private func noteTrouble(_ failure: StreamFailure, with delivery: inout NoteDelivery) {
        switch failure {
        case .printerReset:
            delivery.begin()
            state.withLock { $0.isReady = false }
        case .printerHalted, .emergencyStopped, .notSynchronised:
            state.withLock { $0.isReady = false }
        default: break
        }
    }

    private func deliverLine(_ line: String, with delivery: inout NoteDelivery) {
        if delivery.identity.take(line) { return }
        if let action = HostAction(line: line) {
            onEvent(.action(action))
        } else {
            onEvent(.line(line))
        }
    }

    private func becomeReady(_ identity: FirmwareIdentity) {
        let reports = identity.capabilities.contains("AUTOREPORT_TEMP")
        state.withLock { $0.isReady = true }
        if reports { try? send("M155 S1") }
        shared.withLock { $0 }?.setPolling(!reports)
        onEvent(.ready(identity))
    }

    /// False when no job was running.
    @discardableResult
    private func endJob(_ failure: JobFailure?) -> Bool {
        let wasActive = state.withLock { state in
            let was = state.jobActive
            state.jobActive = false
            return was
        }
        if wasActive { onEvent(failure.map { .jobFailed($0) } ?? .jobFinished) }
        return wasActive
    }

    private func goDown(_ error: LinkError) {
        state.withLock {
            $0.isReady = false
            $0.isDown = true
        }
        waiters.dropAll()
        endJob(.link(error))
        onEvent(.down(error))
    }

    private func fileError(_ code: Int32) -> JobFileError {
        let (path, size) = state.withLock { ($0.jobPath, $0.jobSize) }
        guard code == CommandRing.fileCut else { return .unreadable(path: path, errno: code) }
        return .cut(path: path, expected: size, found: snapshot.jobOffset)
    }

    private func greetingError(_ outcome: Greeting.Outcome) -> LinkError {
        let path = configuration.port
        return switch outcome {
        case .wrongBaud: .wrongBaud(path: path, baud: configuration.baud)
        case .notAPrinter: .notAPrinter(path: path)
        default: .noAnswer(path: path)
        }
    }
}

/// What the delivering thread remembers between notes.
struct NoteDelivery {
    var identity = FirmwareIdentity()
    var awaitsReady = false

    /// A greeting begins: the printer will say anew who it is.
    mutating func begin() {
        identity = FirmwareIdentity()
        awaitsReady = false
    }
}
