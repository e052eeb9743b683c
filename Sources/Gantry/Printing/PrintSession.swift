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

/// What is known at the end of a print.
public struct PrintReport: Sendable, Equatable {
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

    /// A report without figures.
    public init(outcome: PrintOutcome) { self.outcome = outcome }
}

/// Prints one file on one printer, from opening the port to the last move. For the command line: `run` waits.
public final class PrintSession: Sendable {
    private enum Message: Sendable {
        case link(LinkEvent)
        case cancel
    }

    /// What the session is doing, for a display.
    public struct Status: Sendable {
        /// The link's state.
        public var snapshot: LinkSnapshot
        /// How far the job is.
        public var progress: JobProgress
        /// Seconds of printing.
        public var elapsed: Double
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

    /// Prints. `onStatus` is called on this thread about five times a second, `onMessage` with lines worth showing.
    public func run(onStatus: (Status) -> Void, onMessage: (String) -> Void) throws(LinkError) -> PrintReport {
        let mailbox = mailbox
        let link = PrinterLink(configuration: configuration) { event in mailbox.post(.link(event)) }
        try link.open()
        defer { link.close() }
        var outcome: PrintOutcome?
        var cancelling = false
        while outcome == nil {
            for message in mailbox.take(until: .now + 0.2) where outcome == nil {
                switch message {
                case .cancel:
                    cancelling = true
                    outcome = cancel(link, onMessage: onMessage)
                case .link(let event):
                    outcome = try take(event, on: link, onMessage: onMessage)
                }
            }
            onStatus(status(of: link, cancelling: cancelling))
        }
        return report(of: link, outcome: outcome ?? .cancelled)
    }

    private func take(
        _ event: LinkEvent, on link: PrinterLink, onMessage: (String) -> Void
    ) throws(LinkError) -> PrintOutcome? {
        switch event {
        case .ready(let identity):
            guard started.withLock({ $0 == nil }) else { return nil }
            if !identity.firmware.isEmpty { onMessage("Printer: \(identity.firmware)") }
            try link.print(file)
            started.withLock { $0 = .now }
        case .jobFinished:
            return .printed
        case .jobFailed(let failure):
            makeSafe(link, after: failure, onMessage: onMessage)
            return .failed(failure.description)
        case .down(let error):
            throw error
        case .printerHalted(let text):
            return .failed("The firmware halted. \(text)")
        case .action(.pause), .action(.paused):
            onMessage("The printer asks for a pause.")
            try? link.pause()
        case .action(.resume), .action(.resumed):
            try? link.resume()
        case .action(.cancel):
            return cancel(link, onMessage: onMessage)
        case .line(let line):
            onMessage(line)
        case .resend, .printerRestarted, .action:
            break
        }
        return nil
    }

    private func cancel(_ link: PrinterLink, onMessage: (String) -> Void) -> PrintOutcome {
        guard link.isReady else { return .cancelled }
        try? link.cancel()
        if link.snapshot.readings.isHeating { try? link.interruptHeating() }
        runCancelScript(link, onMessage: onMessage)
        return .cancelled
    }

    /// A print that cannot go on must not leave a hot nozzle, where the printer still listens.
    private func makeSafe(_ link: PrinterLink, after failure: JobFailure, onMessage: (String) -> Void) {
        switch failure {
        case .link, .stream(.printerReset, _), .stream(.printerHalted, _), .stream(.emergencyStopped, _): return
        default: runCancelScript(link, onMessage: onMessage)
        }
    }

    private func runCancelScript(_ link: PrinterLink, onMessage: (String) -> Void) {
        do {
            // What the printer has taken comes first; a wait for a temperature may be among it.
            try link.run(scripts.cancel, limit: 900)
        } catch {
            onMessage("Heaters could not be switched off: \(error)")
        }
    }

    private func status(of link: PrinterLink, cancelling: Bool) -> Status {
        let snapshot = link.snapshot
        let elapsed = elapsed
        return Status(
            snapshot: snapshot, progress: JobProgress(snapshot: snapshot, size: file.size, elapsed: elapsed),
            elapsed: elapsed, isCancelling: cancelling)
    }

    private var elapsed: Double { started.withLock { $0.map { MonotonicTime.now.seconds(since: $0) } ?? 0 } }

    private func report(of link: PrinterLink, outcome: PrintOutcome) -> PrintReport {
        let snapshot = link.snapshot
        var report = PrintReport(outcome: outcome)
        report.lines = snapshot.jobCommands
        report.bytes = outcome == .printed ? file.size : snapshot.jobOffset
        report.resends = snapshot.resends
        report.seconds = elapsed
        return report
    }
}
