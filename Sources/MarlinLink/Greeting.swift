import GCodeStream

/// Finds out whether a printer listens: a pure state machine, given bytes' meaning and the time.
///
/// A board may restart when its port is opened (DTR), and may be in the midst of that already: `M115` is asked at once,
/// and again while nothing answers. After a `start` the firmware is given time to end its boot messages. When more
/// than one question was asked, their answers are let run out before the greeting counts as done.
///
/// An ok without a name before it may answer what was on the wire before, the lines of a job that a reset ended for
/// example: once it is quiet, M115 is asked once more, and the next ok counts in any case.
struct Greeting {
    enum Outcome: Equatable {
        case running
        case answered
        case noAnswer
        case wrongBaud
        case notAPrinter
    }

    private enum Phase: Equatable {
        case asking
        /// `start` was seen; asks when nothing came for a while.
        case booting
        /// Answered; the rest of the answers runs out until `until`.
        case draining(until: UInt64)
        /// An ok came without a name; asks once more when it was quiet until `until`.
        case doubting(until: UInt64)
    }

    private static let second: UInt64 = 1_000_000_000
    private static let quiet = second / 4

    private(set) var outcome = Outcome.running
    /// A `start` was seen: what the printer knew of a job is gone.
    private(set) var sawStart = false
    /// Who it is, as far as it said.
    private(set) var dialect = FirmwareDialect.marlin
    private var phase = Phase.asking
    private let limit: UInt64
    private var giveUpAt: UInt64
    private var askAt: UInt64
    private var questions = 0
    private var isNamed = false
    private var wasDoubted = false
    private var bytes = 0
    private var oddBytes = 0

    /// Begins at `now` and gives up after `limit` nanoseconds. `isBooting`: a `start` was just seen.
    init(now: UInt64, limit: UInt64, isBooting: Bool = false) {
        self.limit = limit
        giveUpAt = now &+ limit
        askAt = now
        if isBooting { awaitBoot(now: now) }
    }

    /// When `advance` must be called.
    var deadline: UInt64 {
        guard outcome == .running else { return .max }
        switch phase {
        case .draining(let until): return until
        case .doubting(let until): return min(until, giveUpAt)
        case .asking, .booting: return min(askAt, giveUpAt)
        }
    }

    /// Does what is due; true when `M115` must be written now.
    mutating func advance(now: UInt64) -> Bool {
        guard outcome == .running else { return false }
        if case .draining(let until) = phase {
            if now >= until { outcome = .answered }
            return false
        }
        if now >= giveUpAt {
            outcome = bytes == 0 ? .noAnswer : looksLikeNoise ? .wrongBaud : .notAPrinter
            return false
        }
        // Noise after three questions: waiting longer does not make text of it.
        if looksLikeNoise, questions >= 3, now >= askAt {
            outcome = .wrongBaud
            return false
        }
        if case .doubting(let until) = phase {
            guard now >= until else { return false }
            wasDoubted = true
        } else if now < askAt {
            return false
        }
        phase = .asking
        questions += 1
        askAt = now &+ (questions < 3 ? 2 : 5) * Self.second
        return true
    }

    /// True where nothing was heard yet: the printer may take plain text for packed lines that another process began.
    var isDeaf: Bool { questions > 1 && bytes == 0 }

    /// Takes raw bytes, to tell text from noise.
    mutating func note(_ received: Span<UInt8>) {
        for index in received.indices {
            let byte = received[index]
            bytes += 1
            if byte >= 0x7F || byte < 0x20 && byte != 0x0A && byte != 0x0D && byte != 0x09 { oddBytes += 1 }
        }
    }

    /// Takes a line and its meaning.
    mutating func take(_ line: Span<UInt8>, _ reply: Reply, now: UInt64) {
        guard outcome == .running else { return }
        if line.contains("FIRMWARE_NAME:", from: 0) {
            isNamed = true
            dialect = .of(line)
        }
        switch reply {
        case .start:
            awaitBoot(now: now)
        case .ok:
            // An ok before any question is somebody else's.
            guard questions > 0 else { return }
            if isNamed || wasDoubted {
                phase = .draining(until: questions > 1 ? now &+ Self.quiet : now)
            } else {
                phase = .doubting(until: now &+ Self.quiet)
            }
        case .foreignError:
            outcome = .notAPrinter
        case .busy, .busyForUser:
            // It lives, and will answer when it is done.
            giveUpAt = now &+ limit
        default:
            if phase == .booting { askAt = max(askAt, now &+ Self.second) }
        }
    }

    private mutating func awaitBoot(now: UInt64) {
        sawStart = true
        isNamed = false
        wasDoubted = false
        phase = .booting
        giveUpAt = now &+ limit
        askAt = now &+ Self.second
    }

    private var looksLikeNoise: Bool { bytes >= 8 && oddBytes * 4 > bytes }
}

extension Greeting.Outcome {
    /// Why there is no printer to talk to.
    func error(_ configuration: LinkConfiguration) -> LinkError {
        let path = configuration.port
        return switch self {
        case .wrongBaud: .wrongBaud(path: path, baud: configuration.baud)
        case .notAPrinter: .notAPrinter(path: path)
        default: .noAnswer(path: path)
        }
    }
}
