import GCodeStream
import Synchronization

// What the printer and the stream thread have to say: it settles who waits, changes what the link is, and goes on to the
// event handler.
extension PrinterLink {
    /// Takes what the stream thread noted. Called on the thread "link events", in order.
    func deliver(_ note: LinkNote, with delivery: inout NoteDelivery) {
        switch note {
        case .none: break
        case .line(let text): deliverLine(text.string, with: &delivery)
        case .greeted: delivery.awaitsReady = true
        case .continuation(let continuation): state.withLock { $0.continuation = continuation }
        case .greetingFailed(let outcome): goDown(outcome.error(configuration))
        case .lost(let code): goDown(.portLost(path: configuration.port, errno: code))
        case .fileFailed(let code, let job): endJob(job, .file(fileError(code)))
        case .mediumLost(let code, let job):
            let isActive = state.withLock { $0.job != nil && $0.jobNumber == job }
            if isActive { onEvent(.mediumLost(fileError(code))) }
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
        case .report(let report, let text, let job): deliver(report, text: String(text), of: job, with: &delivery)
        }
    }

    private func deliver(_ report: StreamReport, text: String, of job: UInt32, with delivery: inout NoteDelivery) {
        switch report {
        case .synchronised:
            guard delivery.awaitsReady else { return }
            delivery.awaitsReady = false
            becomeReady(delivery.identity)
        case .acknowledged(let tag): waiters.settle(tag, as: .acknowledged)
        case .dropped(let tag): waiters.settle(tag, as: .dropped)
        case .resend(let line): onEvent(.resend(line: line))
        case .oksLost: break
        case .jobFinished: endJob(job, nil)
        case .jobFailed(let failure):
            noteTrouble(failure, with: &delivery)
            // Of a job that was cancelled meanwhile only the link's trouble is left.
            if !endJob(job, .stream(failure, text: text)) {
                deliver(.linkFailed(failure), text: text, of: job, with: &delivery)
            } else if failure == .notSynchronised {
                goDown(.notSynchronised(path: configuration.port))
            }
        case .linkFailed(.printerReset):
            noteTrouble(.printerReset, with: &delivery)
            onEvent(.printerRestarted)
        case .linkFailed(.printerHalted):
            noteTrouble(.printerHalted, with: &delivery)
            onEvent(.printerHalted(text: text))
        case .linkFailed(.notSynchronised): goDown(.notSynchronised(path: configuration.port))
        case .linkFailed(.printerSilent): goDown(.noAnswer(path: configuration.port))
        case .linkFailed(let failure): noteTrouble(failure, with: &delivery)
        }
    }

    /// Whatever the failure, the engine has given up what was unsettled. (A command that came in at the very moment
    /// counts as dropped too, and may go out all the same.)
    private func noteTrouble(_ failure: StreamFailure, with delivery: inout NoteDelivery) {
        waiters.dropAll()
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
        guard let action = HostAction(line: line) else { return onEvent(.line(line)) }
        if case .other(let text) = action {
            switch delivery.prompts.take(text) {
            case .none: break
            case .more: return
            case .show(let prompt): return onEvent(.prompt(prompt))
            }
        }
        onEvent(.action(action))
    }

    private func becomeReady(_ told: FirmwareIdentity) {
        var identity = told
        identity.dialect = configuration.firmware.applied(to: told.dialect)
        let reports = identity.capabilities.contains("AUTOREPORT_TEMP")
        state.withLock { $0.isReady = true }
        if reports { try? send("M155 S1") }
        // Repetier asks nothing of a host that has not said so; OctoPrint says it to all.
        if identity.capabilities.contains("PROMPT_SUPPORT") { try? send("M876 P1") }
        shared.withLock { $0 }?.setPolling(!reports)
        onEvent(.ready(identity))
    }

    /// Ends job `number`; false when it was over already.
    @discardableResult
    func endJob(_ number: UInt32, _ failure: JobFailure?) -> Bool {
        let wasActive = state.withLock { state in
            guard state.job != nil, state.jobNumber == number else { return false }
            state.job = nil
            return true
        }
        if wasActive { onEvent(failure.map { .jobFailed($0) } ?? .jobFinished) }
        return wasActive
    }

    private func goDown(_ error: LinkError) {
        let job = state.withLock { state in
            state.isReady = false
            state.isDown = true
            return state.jobNumber
        }
        waiters.dropAll()
        endJob(job, .link(error))
        onEvent(.down(error))
    }

    private func fileError(_ code: Int32) -> JobFileError {
        guard let file = state.withLock({ $0.job }) else { return .unreadable(path: "", errno: code) }
        return JobFileError(code: code, file: file)
    }
}
