import GCodeStream
import Glibc
import MarlinLink
import Synchronization

/// The printer as the daemon sees it: keeps a link alive, runs one job at a time, knows the state.
///
/// Methods may be called from any thread; those that wait for the printer say so. Changes are told to one observer, in
/// order, never on the stream thread.
public final class Machine: Sendable {
    /// What happened, for whoever shows it.
    public enum Change: Sendable {
        /// The state changed or its reason did. `command` is the command of Connect that caused it.
        case state(MachineState, reason: String?, command: UInt64?)
        /// Somebody has to act at the printer, or no longer.
        case attention(Bool)
        /// The printer told who it is.
        case identified(FirmwareIdentity)
        /// A line worth logging.
        case message(String)
    }

    private struct Core {
        var state = MachineState.busy
        var reason: String?
        var job: Job?
        var link: PrinterLink?
        var stopping = false
        var lastJobID: UInt64 = 0
        var identity = FirmwareIdentity()
    }

    private let configuration: LinkConfiguration
    private let scripts: Scripts
    private let onChange: @Sendable (Change) -> Void
    private let core = Mutex(Core())
    private let mailbox = Mailbox<Message>()

    private enum Message: Sendable {
        case link(LinkEvent, of: ObjectIdentifier)
        case stop
    }

    /// A machine that is not connected yet. `onChange` is called on the machine's thread or on that of the order.
    public init(configuration: LinkConfiguration, scripts: Scripts, onChange: @escaping @Sendable (Change) -> Void) {
        self.configuration = configuration
        self.scripts = scripts
        self.onChange = onChange
    }

    /// The state now.
    public var state: MachineState { core.withLock { $0.state } }

    /// Why the state is what it is, where that needs words.
    public var reason: String? { core.withLock { $0.reason } }

    /// The job under way or the last one.
    public var job: Job? { core.withLock { $0.job } }

    /// What the link knows now.
    public var snapshot: LinkSnapshot { core.withLock { $0.link }?.snapshot ?? LinkSnapshot() }

    /// What the firmware said of itself.
    public var identity: FirmwareIdentity { core.withLock { $0.identity } }

    // MARK: Life

    /// Connects, and connects again whenever the link breaks, until `stop`. Runs on the calling thread.
    public func run() {
        var pause = 1.0
        var attention = false
        var lastError: LinkError?
        while !core.withLock({ $0.stopping }) {
            let link = makeLink()
            do throws(LinkError) {
                try link.open()
                core.withLock { $0.link = link }
                let outcome = serve(link, attention: &attention)
                if outcome.wasReady {
                    pause = 1
                    lastError = nil
                }
                if let error = outcome.error { throw error }
            } catch {
                if lastError != error { onChange(.message(error.description)) }
                lastError = error
                change(.lost, reason: error.description)
            }
            core.withLock { $0.link = nil }
            link.close()
            waitBeforeNextTry(seconds: pause)
            pause = min(pause * 2, 10)
        }
    }

    /// Ends `run`: a running job is cancelled and the cancel script executed first. Any thread.
    public func stop() {
        core.withLock { $0.stopping = true }
        mailbox.post(.stop)
    }

    private func makeLink() -> PrinterLink {
        let mailbox = mailbox
        let identity = Mutex<ObjectIdentifier?>(nil)
        let link = PrinterLink(configuration: configuration) { event in
            guard let of = identity.withLock({ $0 }) else { return }
            mailbox.post(.link(event, of: of))
        }
        identity.withLock { $0 = ObjectIdentifier(link) }
        return link
    }

    private func serve(_ link: PrinterLink, attention: inout Bool) -> (wasReady: Bool, error: LinkError?) {
        var wasReady = false
        while true {
            for message in mailbox.take(until: .now + 0.25) {
                switch message {
                case .stop:
                    windDown(link)
                    return (wasReady, nil)
                case .link(let event, let of) where of == ObjectIdentifier(link):
                    if case .down(let error) = event { return (wasReady, error) }
                    if case .ready = event { wasReady = true }
                    take(event)
                case .link:
                    break
                }
            }
            let waits = link.snapshot.readings.waitsForUser
            if waits != attention {
                attention = waits
                onChange(.attention(waits))
            }
        }
    }

    private func waitBeforeNextTry(seconds: Double) {
        let end = MonotonicTime.now + seconds
        while MonotonicTime.now < end, !core.withLock({ $0.stopping }) { _ = mailbox.take(until: end) }
    }

    private func windDown(_ link: PrinterLink) {
        guard state.hasJob else { return }
        try? link.cancel()
        if link.snapshot.readings.isHeating { try? link.interruptHeating() }
        try? link.run(scripts.cancel, limit: 20)
        change(.stopped, reason: "Gantry was stopped")
    }

    private func take(_ event: LinkEvent) {
        switch event {
        case .ready(let identity):
            core.withLock { $0.identity = identity }
            onChange(.identified(identity))
            change(.connected)
        case .jobFinished:
            change(.finished)
        case .jobFailed(let failure):
            jobFailed(failure)
        case .printerRestarted:
            change(.restarting, reason: "The printer restarts")
        case .printerHalted(let text):
            change(.halted, reason: "The firmware halted. \(text)")
        case .action(let action):
            take(action)
        case .line(let line):
            onChange(.message(line))
        case .resend(let line):
            onChange(.message("the printer asks for line \(line) again"))
        case .down:
            break
        }
    }

    private func take(_ action: HostAction) {
        switch action {
        case .pause, .paused:
            if state == .printing { try? pause(runsScript: action == .pause) }
        case .resume, .resumed:
            if state == .paused { try? resume(runsScript: action == .resume) }
        case .cancel:
            if state.hasJob { try? cancelWithoutWaiting() }
        case .ready: change(.setReady)
        case .notReady: change(.cancelReady)
        case .start, .powerOff, .other: break
        }
    }

    private func jobFailed(_ failure: JobFailure) {
        switch failure {
        case .link: break  // `.down` follows and tells it.
        case .stream(.printerHalted, _), .stream(.emergencyStopped, _):
            change(.halted, reason: failure.description)
        case .stream(.printerReset, _):
            change(.failed, reason: failure.description)
        default:
            change(.failed, reason: failure.description)
            sendScript(scripts.cancel)
        }
    }

    /// Applies an event; false when it means nothing in this state.
    @discardableResult
    private func change(_ event: MachineState.Event, reason: String? = nil, command: UInt64? = nil) -> Bool {
        let next: MachineState? = core.withLock { core in
            guard let next = core.state.after(event) else { return nil }
            core.state = next
            core.reason = reason
            switch next {
            case .printing: core.job?.startClock(at: .now)
            default: core.job?.stopClock(at: .now)
            }
            return next
        }
        guard let next else { return false }
        onChange(.state(next, reason: reason, command: command))
        return true
    }

    // MARK: Orders

    /// Begins to print a file. Checks it on the calling thread.
    ///
    /// - Parameters:
    ///   - file: the file on this machine.
    ///   - path: its path as Connect knows it.
    ///   - command: the command of Connect that wants it.
    public func startJob(file: String, path: String, command: UInt64?) throws(MachineError) {
        try require(state.after(.jobStarted) != nil, "Cannot print in \(state.rawValue.uppercased()) state.")
        let jobFile: JobFile
        do { jobFile = try JobFile(path: file) } catch { throw .file(error) }
        let link = try readyLink()
        let job = core.withLock { core -> Job in
            core.lastJobID = max(core.lastJobID + 1, UInt64(max(time(nil), 0)))
            let job = Job(id: core.lastJobID, file: jobFile, path: path, startCommand: command, now: .now)
            core.job = job
            return job
        }
        // The state first: news of a job that ends at once must find it printing.
        guard change(.jobStarted, command: command) else { throw .wrongState("Already printing") }
        do {
            try link.print(job.file)
        } catch {
            change(.failed, reason: error.description)
            throw .link(error)
        }
    }

    /// Pauses the job.
    public func pause(command: UInt64? = nil, runsScript: Bool = true) throws(MachineError) {
        try require(state == .printing, "Cannot pause when not printing.")
        let link = try readyLink()
        do { try link.pause() } catch { throw .link(error) }
        change(.paused, command: command)
        if runsScript { sendScript(scripts.pause) }
    }

    /// Goes on with a paused job.
    public func resume(command: UInt64? = nil, runsScript: Bool = true) throws(MachineError) {
        try require(state == .paused, "Cannot resume when not paused.")
        let link = try readyLink()
        if runsScript { sendScript(scripts.resume) }
        do { try link.resume() } catch { throw .link(error) }
        change(.resumed, command: command)
    }

    /// Ends the job and switches the heaters off; waits for the printer to take that.
    public func cancel(command: UInt64? = nil) throws(MachineError) {
        let link = try cancelJob(command: command)
        do { try link.run(scripts.cancel, limit: 900) } catch { throw .link(error) }
    }

    /// The same without waiting: from the thread that the printer's own news arrive on.
    private func cancelWithoutWaiting() throws(MachineError) {
        _ = try cancelJob(command: nil)
        sendScript(scripts.cancel)
    }

    private func cancelJob(command: UInt64?) throws(MachineError) -> PrinterLink {
        try require(state.hasJob, "No print to stop")
        let link = try readyLink()
        do { try link.cancel() } catch { throw .link(error) }
        if link.snapshot.readings.isHeating { try? link.interruptHeating() }
        change(.stopped, command: command)
        return link
    }

    /// Executes commands one after the other and waits for each; comments are taken out.
    public func execute(_ commands: [String]) throws(MachineError) {
        let link = try readyLink()
        do { try link.run(commands, limit: 900) } catch { throw .link(error) }
    }

    /// Restarts the printer by its reset line. A running job fails.
    public func reset() throws(MachineError) {
        let link = try openLink()
        do { try link.reset() } catch { throw .link(error) }
        change(.restarting, reason: "The printer restarts")
    }

    /// Says that a print may start.
    public func setReady(command: UInt64? = nil) throws(MachineError) {
        if state == .ready { return }
        try require(change(.setReady, command: command), "Cannot get into READY from \(state.rawValue.uppercased())")
    }

    /// Takes that back.
    public func cancelReady(command: UInt64? = nil) throws(MachineError) {
        try require(change(.cancelReady, command: command), "Cannot cancel READY when not actually ready.")
    }

    private func sendScript(_ script: [String]) {
        guard let link = core.withLock({ $0.link }) else { return }
        for command in script {
            do { try link.send(command) } catch { onChange(.message("\(command): \(error)")) }
        }
    }

    private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(MachineError) {
        if !condition { throw .wrongState(text()) }
    }

    private func openLink() throws(MachineError) -> PrinterLink {
        guard let link = core.withLock({ $0.link }) else { throw .link(.notReady) }
        return link
    }

    private func readyLink() throws(MachineError) -> PrinterLink {
        let link = try openLink()
        guard link.isReady else { throw .link(.notReady) }
        return link
    }
}
