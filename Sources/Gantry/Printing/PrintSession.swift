import MarlinLink
import Synchronization

/// How a print without Connect ended.
public enum PrintOutcome: Sendable, Equatable {
    /// Everything was executed.
    case printed
    /// It ended early, for this reason.
    case failed(String)
    /// The user cancelled it.
    case cancelled
}

/// What became of the cancel script of a print that ended early.
public enum CancelScriptOutcome: Sendable, Equatable {
    /// The printer has executed it: heaters and fan are off.
    case executed
    /// The printer did not take it, for this reason: its heaters may be on.
    case failed(String)
}

/// What is known at the end of a print.
public struct PrintReport: Sendable {
    /// How it ended.
    public var outcome: PrintOutcome
    /// Commands of the file that the printer acknowledged.
    public var lines: UInt64 = 0
    /// Bytes of the file that those make up.
    public var bytes: UInt64 = 0
    /// Requests to resend.
    public var resends: UInt64 = 0
    /// Seconds from the first line to the end.
    public var seconds: Double = 0
    /// What became of the cancel script; nil when there was nothing to switch off.
    public var cancelScript: CancelScriptOutcome?

    /// What the link knew at the end.
    public var link = LinkSnapshot()

    /// A report without figures.
    public init(outcome: PrintOutcome) { self.outcome = outcome }
}

/// Prints one file on one printer, from opening the port to the last move. For the command line: `run` waits.
public final class PrintSession: Sendable {
    private enum Message: Sendable {
        case link(LinkEvent)
        case cancel
        case answer(Int)
    }

    /// What the session is doing, for a display.
    public struct Status: Sendable {
        /// The link's state.
        public var snapshot: LinkSnapshot
        /// How far the job is.
        public var progress: JobProgress
        /// Seconds of printing.
        public var elapsed: Double
        /// What the printer asks now: see `answer`.
        public var prompt: HostPrompt?
        /// True once a cancel was asked for.
        public var isCancelling: Bool
    }

    private let file: JobFile
    private let configuration: LinkConfiguration
    private let scripts: Scripts
    private let mailbox = Mailbox<Message>()
    private let started = Mutex<MonotonicTime?>(nil)

    /// A session that has not begun.
    public init(file: JobFile, configuration: LinkConfiguration, scripts: Scripts = Scripts()) {
        self.file = file
        self.configuration = configuration
        self.scripts = scripts
    }

    /// Asks for the end of the print; any thread. `run` returns after the cancel script was executed.
    public func cancel() { mailbox.post(.cancel) }

    /// Answers what the printer asks, the first answer is 1; any thread. What it did not ask is left alone.
    public func answer(_ number: Int) { mailbox.post(.answer(number)) }

    /// Prints. Call it once.
    ///
    /// - Parameters:
    ///   - onStatus: called on this thread about five times a second.
    ///   - onMessage: called on this thread with lines worth showing.
    /// - Throws: what keeps the print from beginning. Trouble after that is the report's outcome.
    public func run(onStatus: (Status) -> Void, onMessage: (String) -> Void) throws(LinkError) -> PrintReport {
        let mailbox = mailbox
        let link = PrinterLink(configuration: configuration) { event in mailbox.post(.link(event)) }
        try link.open()
        defer { link.close() }
        var run = Run(link: link)
        while run.ending == nil {
            for message in mailbox.take(until: .now + 0.2) where run.ending == nil {
                switch message {
                case .cancel: run.cancel()
                case .answer(let number): run.answer(number, onMessage: onMessage)
                case .link(let event): try take(event, in: &run, onMessage: onMessage)
                }
            }
            onStatus(status(of: run))
        }
        if run.owesCancelScript {
            if run.ending == .cancelled { onMessage(Self.cancelMessage(hearsM108: run.hearsM108)) }
            do {
                let sequence = CancelSequence(link: link, script: scripts.cancel.rendered(), hearsM108: run.hearsM108)
                try sequence.run(limit: Self.cancelLimit) { onStatus(status(of: run)) }
                run.cancelScript = .executed
            } catch {
                run.cancelScript = .failed(error.description)
                onMessage("Heaters could not be switched off: \(error)")
            }
        }
        return report(of: run)
    }

    /// What happens now; with firmware that no M108 reaches in a wait, why the nozzle may get hotter first.
    private static func cancelMessage(hearsM108: Bool) -> String {
        "Cancelling: what the printer has taken comes first, then the cancel script …"
            + (hearsM108
                ? ""
                : " A wait for a temperature (M109, M190) goes on until that is reached: this firmware cannot be interrupted.")
    }

    /// Seconds that the printer has for the cancel script: a wait for a temperature may come before it.
    private static let cancelLimit = 900.0

    /// What a run knows.
    private struct Run {
        let link: PrinterLink
        var hearsM108 = false
        var promptAnswer = FirmwareDialect.PromptAnswer.m876
        var prompt: HostPrompt?
        var ending: PrintOutcome?
        var owesCancelScript = false
        var cancelScript: CancelScriptOutcome?

        mutating func cancel() {
            ending = .cancelled
            // Refused where no job runs: then nothing was switched on either.
            do { try link.cancel() } catch { return }
            owesCancelScript = true
        }

        mutating func answer(_ number: Int, onMessage: (String) -> Void) {
            guard let prompt else { return }
            guard let button = prompt.button(numbered: number) else {
                return onMessage("\(number) is no answer. The printer asks: \(prompt)")
            }
            do throws(LinkError) {
                try link.answer(prompt, button: button, by: promptAnswer)
                self.prompt = nil
            } catch {
                onMessage("The answer was not sent: \(error)")
            }
        }

        mutating func fail(_ failure: JobFailure) {
            ending = .failed(failure.description)
            switch failure {
            case .link, .stream(.printerReset, _), .stream(.printerHalted, _), .stream(.emergencyStopped, _): break
            // A print that cannot go on must not leave a hot nozzle, where the printer still listens.
            default: owesCancelScript = true
            }
        }
    }

    private func take(
        _ event: LinkEvent, in run: inout Run, onMessage: (String) -> Void
    ) throws(LinkError) {
        switch event {
        case .ready(let identity):
            guard started.withLock({ $0 == nil }) else { return }
            if !identity.firmware.isEmpty { onMessage("Printer: \(identity.firmware)") }
            run.hearsM108 = identity.hearsM108
            run.promptAnswer = identity.dialect.promptAnswer
            try run.link.print(file)
            started.withLock { $0 = .now }
        case .jobFinished:
            run.ending = .printed
        case .jobFailed(let failure):
            run.fail(failure)
        case .mediumLost(let error):
            // Nobody is there who could put the stick back and say so.
            do { try run.link.cancel() } catch { break }
            run.fail(.file(error))
        case .down(let error):
            throw error
        case .printerHalted(let text):
            run.ending = .failed(text.isEmpty ? "The firmware halted." : "The firmware halted: \(text)")
        case .action(.pause), .action(.paused):
            onMessage("The printer asks for a pause.")
            // Refused when the job has just ended: its own event tells how.
            try? run.link.pause()
        case .action(.resume), .action(.resumed):
            try? run.link.resume()
        case .action(.cancel):
            onMessage("The printer asks for the end of the print.")
            run.cancel()
        case .prompt(let prompt):
            run.prompt = prompt
            guard let prompt else { break }
            let isQuestion = !prompt.buttons.isEmpty
            onMessage(isQuestion ? "The printer asks: \(prompt)" : "The printer says: \(prompt.text)")
        case .line(let line):
            onMessage(line)
        case .resend, .printerRestarted, .action:
            break
        }
    }

    private func status(of run: Run) -> Status {
        let snapshot = run.link.snapshot
        let elapsed = elapsed
        return Status(
            snapshot: snapshot, progress: JobProgress(snapshot: snapshot, size: file.size, elapsed: elapsed),
            elapsed: elapsed, prompt: run.prompt, isCancelling: run.ending == .cancelled)
    }

    private var elapsed: Double { started.withLock { $0.map { MonotonicTime.now.seconds(since: $0) } ?? 0 } }

    private func report(of run: Run) -> PrintReport {
        let snapshot = run.link.snapshot
        var report = PrintReport(outcome: run.ending ?? .cancelled)
        report.lines = snapshot.jobCommands
        report.bytes = report.outcome == .printed ? file.size : snapshot.jobOffset
        report.resends = snapshot.resends
        report.seconds = elapsed
        report.cancelScript = run.cancelScript
        report.link = snapshot
        return report
    }
}
