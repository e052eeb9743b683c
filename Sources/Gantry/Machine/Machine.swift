import GCodeStream
import MarlinLink
import Synchronization

/// The printer as the daemon sees it: keeps a link alive, runs one job at a time, knows the state.
///
/// Methods may be called from any thread; those that wait for the printer say so. Changes are told to one observer, one
/// at a time and in the order in which they happened, never on the stream thread. The observer must not give orders to
/// the machine.
public final class Machine: Sendable {
    /// What happened, for whoever shows it.
    public enum Change: Sendable {
        /// The state changed or its reason did. `command` is the command of Connect that caused it.
        case state(MachineState, reason: String?, command: UInt64?)
        /// The firmware halted or was stopped, or asks to be switched off after that.
        case halted
        /// Somebody has to act, for this reason; nil: no longer.
        case attention(String?)
        /// The printer told who it is.
        case identified(FirmwareIdentity)
        /// Somebody else than a job has the printer do something.
        case used
        /// Something went wrong that somebody should know of.
        case warning(String)
        /// A line worth logging.
        case message(String)
    }

    /// Whether a job that ended early still has to be followed by the cancel script.
    enum CancelScript: Equatable {
        case done
        /// Its job ended with the connection, or the printer did not take it: heaters may be on.
        case owed
        case running
    }

    struct Core {
        var state = MachineState.busy
        var reason: String?
        var job: Job?
        var link: PrinterLink?
        var identity = FirmwareIdentity()
        var cancelScript = CancelScript.done
        var attention: String?
        /// What the printer asks, and what of that was told.
        var prompt: HostPrompt?
        var promptTold: HostPrompt?
        /// The printer has said that it waits for its user since it asked.
        var promptWaits = false
        /// Why the job's file cannot be read on.
        var lostFile: String?
        var lastJobID: UInt64 = 0
        var stopping = false
        /// A print that can be taken up.
        var interrupted: InterruptedPrint?
        /// Commands of the job that were acknowledged when that was last looked at.
        var commandsNoted: UInt64 = 0
        /// The printer is being prepared for a print that the link does not have yet.
        var isPreparing = false
        /// What is done about a pause, and how many there were.
        var pauseWork = PauseWork.none
        var pauseNumber: UInt64 = 0
    }

    private enum Message: Sendable {
        case link(LinkEvent, number: UInt64)
        case stop
        case portAppeared
    }

    let core = Mutex(Core())
    let scripts: Scripts
    let journal: PrintJournal?
    private let configuration: LinkConfiguration
    private let onChange: @Sendable (Change) -> Void
    private let onTick: @Sendable (LinkSnapshot?) -> Void
    /// Held while a change is made and told: the observer must not hear of the later one first.
    private let telling = Mutex(())
    private let mailbox = Mailbox<Message>()

    /// Seconds between two attempts to connect; they double from the first to the last.
    private static let retryPauses = 1.0...10.0
    /// Seconds that the printer has for the cancel script when Gantry is told to end; systemd's patience is longer.
    private static let stopLimit = 20.0

    /// A machine that is not connected yet.
    ///
    /// - Parameters:
    ///   - configuration: the port.
    ///   - scripts: what is sent on pause, resume and cancel.
    ///   - journal: keeps what is needed to take a print up after a crash.
    ///   - onTick: called on the machine's thread at least every ten seconds while it lives, with a link several times a second
    ///     and with what that knows.
    ///   - onChange: called on the machine's thread or on that of the order.
    public init(
        configuration: LinkConfiguration, scripts: Scripts, journal: PrintJournal? = nil,
        onTick: @escaping @Sendable (LinkSnapshot?) -> Void = { _ in }, onChange: @escaping @Sendable (Change) -> Void
    ) {
        self.configuration = configuration
        self.scripts = scripts
        self.journal = journal
        self.onTick = onTick
        self.onChange = onChange
        core.withLock { $0.interrupted = journal?.interruption.map { InterruptedPrint($0) } }
    }

    /// The state now.
    public var state: MachineState { core.withLock { $0.state } }

    /// Why the state is what it is, where that needs words.
    public var reason: String? { core.withLock { $0.reason } }

    /// The job under way or the last one.
    public var job: Job? { core.withLock { $0.job } }

    /// What the link knows now.
    public var snapshot: LinkSnapshot { core.withLock { $0.link }?.snapshot ?? LinkSnapshot() }

    /// Commands of the job under way that the printer has acknowledged; nil before it has begun at the wire.
    var jobCommands: UInt64? { core.withLock { $0.link }?.jobCommands }

    /// Why somebody has to act.
    var attention: String? { core.withLock { $0.attention } }

    /// What the firmware said of itself.
    public var identity: FirmwareIdentity { core.withLock { $0.identity } }

    // MARK: Life

    /// Connects, and connects again whenever the link breaks, until `stop`. Runs on the calling thread.
    public func run() {
        var pause = Self.retryPauses.lowerBound
        var number: UInt64 = 0
        while !core.withLock({ $0.stopping }) {
            number += 1
            onTick(nil)
            let (wasReady, error) = connect(number)
            if let error { change(.lost, reason: error.description) }
            core.withLock { $0.lostFile = nil }
            noteAttention(waitsForUser: false)
            if wasReady { pause = Self.retryPauses.lowerBound }
            waitBeforeNextTry(seconds: pause)
            pause = min(pause * 2, Self.retryPauses.upperBound)
        }
    }

    /// Ends `run`: a running job is cancelled and the cancel script executed first. Any thread.
    public func stop() {
        core.withLock { $0.stopping = true }
        mailbox.post(.stop)
    }

    /// A link whose events carry its number: those of a link that is no more count for nothing.
    private func makeLink(to configuration: LinkConfiguration, _ number: UInt64) -> PrinterLink {
        PrinterLink(configuration: configuration, ledger: journal?.ledger) { [mailbox] event in
            mailbox.post(.link(event, number: number))
        }
    }

    /// One connection from its beginning to its end. The port is looked for each time: a printer that is switched on
    /// later than the board is found all the same.
    private func connect(_ number: UInt64) -> (wasReady: Bool, error: LinkError?) {
        var configuration = configuration
        do { configuration.port = try AutomaticPort.resolve(configuration.port) } catch { return (false, error) }
        let link = makeLink(to: configuration, number)
        let outcome = live(with: link, number: number)
        core.withLock { $0.link = nil }
        link.close()
        return outcome
    }

    /// Opens a link and serves it to its end. The error that ended it is nil after `stop`.
    private func live(with link: PrinterLink, number: UInt64) -> (wasReady: Bool, error: LinkError?) {
        do { try link.open() } catch { return (false, error) }
        core.withLock { $0.link = link }
        var wasReady = false
        while true {
            for message in mailbox.take(until: .now + 0.25) {
                switch message {
                case .stop:
                    windDown(link)
                    return (wasReady, nil)
                case .link(let event, number):
                    if case .ready = event { wasReady = true }
                    if let error = take(event, from: link) { return (wasReady, error) }
                case .link, .portAppeared:
                    break
                }
            }
            noteAttention(waitsForUser: link.snapshot.readings.waitsForUser)
            noteProgress(of: link)
            onTick(link.snapshot)
        }
    }

    private func waitBeforeNextTry(seconds: Double) {
        let end = MonotonicTime.now + seconds
        while MonotonicTime.now < end, !core.withLock({ $0.stopping }) {
            for message in mailbox.take(until: end) {
                if case .portAppeared = message { return }
            }
        }
    }

    /// A serial port was plugged in: the next try to connect need not wait. Any thread.
    func portAppeared() { mailbox.post(.portAppeared) }

    /// Leaves no hot printer behind.
    private func windDown(_ link: PrinterLink) {
        if state.hasJob {
            // Refused when the job has just ended by itself.
            try? link.cancel()
            change(.stopped, reason: "Gantry was stopped")
        }
        guard core.withLock({ $0.cancelScript != .done }) else { return }
        do {
            try runCancelScript(on: link, limit: Self.stopLimit)
        } catch {
            tell(.warning("Heaters could not be switched off (\(error)). Resetting the printer."))
            do { try link.reset() } catch { tell(.warning("\(error) Its heaters may be on.")) }
        }
    }

    // MARK: News from the link

    /// Takes an event; the error when the link is of no more use.
    private func take(_ event: LinkEvent, from link: PrinterLink) -> LinkError? {
        switch event {
        case .ready(let identity):
            core.withLock { core in
                core.identity = identity
                core.prompt = nil
            }
            tell(.identified(identity))
            change(.connected)
            if core.withLock({ $0.cancelScript == .owed }) { runCancelScriptBeside(on: link) }
            findInterruptedPrint(on: link)
        case .jobFinished:
            if change(.finished) { send(scripts.finished.rendered(values), to: link) }
        case .jobFailed(let failure):
            return take(failure, from: link)
        case .mediumLost(let error):
            loseFile("\(error) Put the medium back, then resume; or stop the print.")
        case .printerRestarted:
            change(.restarting, reason: "The printer restarts")
        case .printerHalted(let text):
            change(.halted, reason: text.isEmpty ? "The firmware halted" : "The firmware halted: \(text)")
        case .action(let action):
            take(action)
        case .prompt(let prompt):
            take(prompt)
        case .line(let line):
            tell(.message(line))
        case .resend(let line):
            tell(.message("the printer asks for line \(line) again"))
        case .down(let error):
            return error
        }
        return nil
    }

    private func take(_ failure: JobFailure, from link: PrinterLink) -> LinkError? {
        switch failure {
        case .link: break  // `.down` follows and tells it.
        case .stream(.printerHalted, _), .stream(.emergencyStopped, _):
            change(.halted, reason: failure.description)
        case .stream(.printerReset, _):
            change(.restarting, reason: failure.description)
        case .stream(.notSynchronised, _):
            // The link takes no commands any more; only a new greeting can help.
            change(.failed, reason: failure.description)
            return .notSynchronised(path: configuration.port)
        default:
            if change(.failed, reason: failure.description) { runCancelScriptBeside(on: link) }
        }
        return nil
    }

    private func take(_ action: HostAction) {
        do throws(MachineError) {
            switch action {
            case .pause, .paused:
                if state == .printing { try pause(runsScript: action == .pause) }
            case .resume, .resumed:
                if state == .paused, !isResuming { resumeBeside(runsScript: action == .resume) }
            case .cancel:
                if state.hasJob { runCancelScriptBeside(on: try cancelJob(command: nil)) }
            case .ready: change(.setReady)
            case .notReady: change(.cancelReady)
            case .powerOff: tell(.halted)
            case .start, .other: break
            }
        } catch {
            tell(.warning("The printer's own order (\(action)) could not be followed: \(error)"))
        }
    }

    /// Goes on without keeping the thread that the printer's news arrive on.
    private func resumeBeside(runsScript: Bool) {
        let body: @Sendable () -> Void = { [self] in
            do throws(MachineError) { try resume(runsScript: runsScript) } catch {
                tell(.warning("The printer's own order to go on could not be followed: \(error)"))
            }
        }
        if !startThread(body) { tell(.warning("There is no thread to go on with the print.")) }
    }
}

// Changes.
extension Machine {
    /// Applies an event; false when it means nothing in this state. `job` becomes the machine's job with it.
    @discardableResult
    func change(_ event: MachineState.Event, reason: String? = nil, command: UInt64? = nil, job: Job? = nil) -> Bool {
        telling.withLock { _ in
            let former = state
            let change = core.withLock { core in core.apply(event, reason: reason, job: job) }
            keepJournal(after: event, from: former)
            switch change {
            case .none: return false
            case .nothingNew: return true
            case .to(let state):
                onChange(.state(state, reason: reason, command: command))
                if event == .halted { onChange(.halted) }
                return true
            }
        }
    }

    /// Changes the state for a new job and hands that to the link, in one step: news of a job that ends at once find it
    /// printing, and who pauses it on hearing of it finds it there. False when no job may begin now.
    /// `event` is `.resumed` for a job that goes on at `start`.
    func begin(
        _ job: Job, from start: JobStart = JobStart(), as event: MachineState.Event = .jobStarted, on link: PrinterLink,
        command: UInt64?
    ) -> (isBegun: Bool, problem: LinkError?) {
        telling.withLock { _ in
            let change = core.withLock { $0.apply(event, reason: nil, job: event == .jobStarted ? job : nil) }
            guard case .to(let state) = change else { return (false, nil) }
            core.withLock { core in
                core.interrupted = nil
                core.commandsNoted = start.commands
            }
            journal?.begin(job, after: start.commands)
            var problem: LinkError?
            do throws(LinkError) { try link.print(job.file, from: start) } catch { problem = error }
            onChange(.state(state, reason: nil, command: command))
            return (true, problem)
        }
    }

    /// Hands a job to the link whose printer was prepared, unless it was cancelled.
    func handOver(_ job: Job, from start: JobStart, to link: PrinterLink) throws(LinkError) {
        var problem: LinkError?
        telling.withLock { _ in
            let isWanted = core.withLock { core in
                defer { core.isPreparing = false }
                guard core.isPreparing, core.state == .printing else { return false }
                core.interrupted = nil
                core.commandsNoted = start.commands
                return true
            }
            guard isWanted else { return }
            journal?.begin(job, after: start.commands)
            do throws(LinkError) { try link.print(job.file, from: start) } catch { problem = error }
        }
        if let problem { throw problem }
    }

    /// Gives the state a reason that it did not have.
    func explain(_ reason: String?) {
        telling.withLock { _ in
            let state = core.withLock { core in
                core.reason = reason
                return core.state
            }
            onChange(.state(state, reason: reason, command: nil))
        }
    }

    /// Tells the observer something else than a change of state.
    func tell(_ change: Change) { telling.withLock { _ in onChange(change) } }
}
