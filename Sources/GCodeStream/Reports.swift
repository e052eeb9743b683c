/// Why a job cannot go on. Every failure has a name; the firmware's own words are in `StreamEngine.errorText`.
public enum StreamFailure: Sendable, Equatable, BitwiseCopyable {
    /// The printer restarted (`start`): position, temperatures and the rest of its memory are gone.
    case printerReset
    /// The firmware stopped itself (`kill() called`, `!!`): it takes no commands until it is reset.
    case printerHalted
    /// The firmware reported an error that ends a print, a thermal one for example.
    case firmwareError
    /// Nothing was heard from the printer for `StreamSettings.silenceLimit`.
    case printerSilent
    /// The same line was asked for again and again.
    case tooManyResends(line: UInt32)
    /// The printer asks for a line that is not among those kept: its count and ours have parted.
    case resendOutOfRange(line: UInt32)
    /// The printer does not take `N0 M110`, so no count can be agreed on.
    case notSynchronised
    /// An emergency stop (M112) was sent.
    case emergencyStopped
    /// A command does not fit the firmware's line, though it did when the job was checked.
    case commandTooLong
    /// More lines than line numbers.
    case lineNumbersExhausted
}

/// News from the engine to its owner, in the order in which they happened.
public enum StreamReport: Sendable, Equatable, BitwiseCopyable {
    /// The line count was agreed on (M110 and a checked line); commands flow.
    case synchronised
    /// A command of the priority lane was acknowledged.
    case acknowledged(tag: UInt32)
    /// A command of the priority lane was dropped unsent, because the job failed or the printer restarted.
    case dropped(tag: UInt32)
    /// The printer asked for a line again.
    case resend(line: UInt32)
    /// A probe told that `count` oks had been lost.
    case oksLost(count: UInt32)
    /// Everything of the job was executed: the printer has answered a command behind the last one.
    case jobFinished
    /// The job ended early.
    case jobFailed(StreamFailure)
    /// The same trouble while no job ran; after `.printerReset` the printer must be greeted again.
    case linkFailed(StreamFailure)
}

/// What an engine asks of its owner; the same as its properties of these names, without borrowing it for each.
public struct StreamDemand: Sendable, Equatable, BitwiseCopyable {
    /// True when `push` would be taken now.
    public var wantsCommand: Bool
    /// How many bytes wait to be written.
    public var outputCount: Int
    /// When `advance` must be called at the latest; `UInt64.max` when nothing is due.
    public var deadline: UInt64
    /// True while a job runs, paused or not.
    public var hasJob: Bool
}

/// Counts since the engine was made.
public struct StreamCounters: Sendable, Equatable {
    /// Lines handed to the wire, resent ones and probes included.
    public var linesSent: UInt64 = 0
    /// Bytes handed to the wire.
    public var bytesSent: UInt64 = 0
    /// Job commands acknowledged.
    public var jobCommands: UInt64 = 0
    /// Requests to resend that the printer made.
    public var resendRequests: UInt64 = 0
    /// Lines sent again.
    public var linesResent: UInt64 = 0
    /// Lines sent only to find out where the printer stands.
    public var probes: UInt64 = 0
    /// Oks that never came, as far as noticed.
    public var oksLost: UInt64 = 0
    /// Oks that answered nothing.
    public var oksSurplus: UInt64 = 0
    /// Times that the printer reported its planner empty (ADVANCED_OK) in the midst of a job.
    public var plannerEmpty: UInt64 = 0

    /// All zero.
    public init() {}
}

/// A ring of reports. When the owner does not read, the oldest is given up and counted.
struct ReportQueue: Sendable {
    private var slots = InlineArray<32, StreamReport>(repeating: .synchronised)
    private var head = 0
    private var count = 0
    private(set) var overflows: UInt32 = 0

    mutating func push(_ report: StreamReport) {
        if count == Limits.reports {
            head = (head + 1) % Limits.reports
            count -= 1
            overflows &+= 1
        }
        slots[(head + count) % Limits.reports] = report
        count += 1
    }

    mutating func pop() -> StreamReport? {
        guard count > 0 else { return nil }
        let report = slots[head]
        head = (head + 1) % Limits.reports
        count -= 1
        return report
    }
}
