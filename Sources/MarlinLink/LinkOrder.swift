import GCodeStream

/// What other threads want of the stream thread. Plain bytes.
enum LinkOrder: BitwiseCopyable, Sendable {
    case none
    case beginJob(number: UInt32)
    /// The job's file is another one now: it was opened anew.
    case replaceReader(number: UInt32)
    case pause
    case resume
    case cancel
    case emergencyStop
    case interruptHeating
    case answerPrompt(button: UInt8)
    case reset
    case submit(CommandBuffer, tag: UInt32)
}

/// What the stream thread has to tell. Plain bytes: the text of a line is cut to what fits.
enum LinkNote: BitwiseCopyable, Sendable {
    case none
    case line(LineText)
    /// `job` is the number of the last job that was begun.
    case report(StreamReport, errorText: CommandBuffer, job: UInt32)
    case greeted
    /// What the printer says of the job that the ledger knows.
    case continuation(Continuation)
    case greetingFailed(Greeting.Outcome)
    case fileFailed(Int32, job: UInt32)
    case mediumLost(Int32, job: UInt32)
    case resetDone(Bool)
    case lost(errno: Int32)

    /// True for what nobody waits for: it gives way when the news are not taken as fast as they come.
    var isDispensable: Bool {
        switch self {
        case .line, .report(.resend, _, _), .report(.oksLost, _, _): true
        default: false
        }
    }
}

/// Up to 247 bytes of a printer's line.
struct LineText: BitwiseCopyable, Sendable {
    private var bytes = InlineArray<247, UInt8>(repeating: 0)
    private var count: UInt8 = 0

    init(_ line: Span<UInt8>) {
        let length = min(line.count, 247)
        for index in 0..<length { bytes[index] = line[index] }
        count = UInt8(length)
    }

    var string: String {
        var copy: [UInt8] = []
        copy.reserveCapacity(Int(count))
        for index in 0..<Int(count) { copy.append(bytes[index]) }
        return String(decoding: copy, as: UTF8.self)
    }
}
