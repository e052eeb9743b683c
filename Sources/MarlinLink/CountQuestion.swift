import GCodeStream

/// Asks a printer which line it took last: a pure state machine, given replies' meaning and the time.
///
/// All firmware that counts lines refuses one that is far ahead and says which one it wants: `Resend: 58` after line 57. (It
/// throws away what is in its receive buffer with it, so nothing may be on its way.) A number can be damaged on the wire, and a refusal may be that
/// of half a line which somebody else left there: only what is said twice in a row is believed.
struct CountQuestion {
    enum Outcome: Equatable {
        case running
        /// The printer has taken this line and all before it.
        case line(UInt32)
        /// It restarted meanwhile, or does not count lines, or does not say.
        case unknown
    }

    private static let second: UInt64 = 1_000_000_000
    private static let quiet = second / 4
    private static let mostQuestions = 8

    private(set) var outcome = Outcome.running
    /// The number that the question bears.
    let farLine: UInt32
    private var questions = 0
    private var askAt: UInt64
    private var answer: UInt32?
    private var lastAnswer: UInt32?

    /// Begins at `now`; `lastLine` is the highest that the printer can have.
    init(now: UInt64, lastLine: UInt32) {
        askAt = now
        farLine = lastLine + 10_000
    }

    /// When `advance` must be called.
    var deadline: UInt64 { outcome == .running ? askAt : .max }

    /// Does what is due; true when the question must be written now.
    mutating func advance(now: UInt64) -> Bool {
        guard outcome == .running, now >= askAt else { return false }
        if let answer, answer == lastAnswer {
            outcome = .line(answer - 1)
            return false
        }
        guard questions < Self.mostQuestions else {
            outcome = .unknown
            return false
        }
        lastAnswer = answer
        answer = nil
        questions += 1
        askAt = now &+ 2 * Self.second
        return true
    }

    /// Takes what the printer says.
    mutating func take(_ reply: Reply, now: UInt64) {
        guard outcome == .running, questions > 0 else { return }
        switch reply {
        case .resend(let line):
            guard let line, line > 0, line < farLine else { return }
            answer = line
            askAt = now &+ Self.quiet
        case .busy, .busyForUser:
            askAt = max(askAt, now &+ 5 * Self.second)
        case .start, .halted, .alarm:
            outcome = .unknown
        default:
            break
        }
    }
}
