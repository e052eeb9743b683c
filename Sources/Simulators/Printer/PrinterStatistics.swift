/// What the simulated printer counted since it was made; a reset does not clear it.
public struct PrinterStatistics: Sendable, Equatable {
    /// All zero.
    public init() {}

    /// Bytes the host sent, lost ones included.
    public internal(set) var bytesReceived = 0
    /// Bytes that found the receive buffer full.
    public internal(set) var bytesOverflowed = 0
    /// Times the receive buffer ran over; bytes lost in one go count once.
    public internal(set) var overflows = 0
    /// The most bytes that waited in the receive buffer.
    public internal(set) var peakReceiveBuffer = 0
    /// Lines with something in them.
    public internal(set) var linesReceived = 0
    /// Commands executed.
    public internal(set) var commandsExecuted = 0
    /// Commands executed that had no line number, but for housekeeping and what hosts send so on purpose (M108, M112,
    /// heaters off).
    public internal(set) var unnumberedCommands = 0
    /// Commands the firmware did not know.
    public internal(set) var unknownCommands = 0
    /// `Resend` messages.
    public internal(set) var resendsRequested = 0
    /// Lines that were dropped because the firmware had them (Marlin 2.1.2).
    public internal(set) var repeatsDropped = 0
    /// `ok` messages.
    public internal(set) var oksSent = 0
    /// Moves planned.
    public internal(set) var movesPlanned = 0
    /// Times the planner ran dry while the host was streaming (after the first 16 moves behind a stop).
    public internal(set) var plannerStarvations = 0
    /// Restarts.
    public internal(set) var resets = 0
    /// Faults the fault plan caused, on the line and to `ok` messages.
    public internal(set) var faults = 0
}

/// The simulated printer at one moment.
public struct PrinterSnapshot: Sendable {
    /// What it is doing.
    public enum State: String, Sendable {
        case idle, moving, busy, waitingForUser, booting, halted, silent
    }

    /// What it is doing.
    public let state: State
    /// Counters.
    public let statistics: PrinterStatistics
    /// `CommandDigest` of what was executed, hexadecimal.
    public let digest: String
    /// How many commands the digest counted.
    public let digestedCommands: Int
    /// The last line number the firmware accepted.
    public let lastLineNumber: Int32
    /// °C.
    public let hotend: Double
    /// °C, 0 when off.
    public let hotendTarget: Double
    /// °C.
    public let bed: Double
    /// °C, 0 when off.
    public let bedTarget: Double
    /// Where the machine is, in mm: X, Y, Z, E.
    public let position: SIMD4<Double>
    /// Print fan, 0...255.
    public let fan: Int
    /// Speed factor of M220 in percent.
    public let feedRate: Int
    /// Flow factor of M221 in percent.
    public let flow: Int
    /// Percent of M73 P, if any came.
    public let progress: Int?
    /// Minutes left of M73 R, if any came.
    public let minutesLeft: Int?
    /// Text of the last M117.
    public let message: String
    /// Whether M601 paused the print (MK3S).
    public let isPaused: Bool
    /// Moves in the planner.
    public let plannedMoves: Int
}

extension MarlinPrinter {
    /// The printer at `time`.
    public mutating func snapshot(at time: UInt64) -> PrinterSnapshot {
        advance(to: time)
        planner.retire(at: now)
        return PrinterSnapshot(
            state: visibleState, statistics: currentStatistics, digest: digest.hexadecimal,
            digestedCommands: digest.count, lastLineNumber: lastNumber, hotend: hotend.temperature(at: now),
            hotendTarget: hotend.target, bed: bed.temperature(at: now), bedTarget: bed.target,
            position: planner.position(at: now), fan: state.fan, feedRate: state.feedRatePercent,
            flow: state.flowPercent, progress: state.progress, minutesLeft: state.minutesLeft,
            message: String(decoding: state.message, as: UTF8.self), isPaused: state.isPaused,
            plannedMoves: planner.count)
    }

    /// The counters now.
    public var currentStatistics: PrinterStatistics {
        var result = statistics
        result.peakReceiveBuffer = max(result.peakReceiveBuffer, receiveBuffer.peak)
        result.movesPlanned += planner.movesPlanned
        result.plannerStarvations += planner.starvations
        result.faults += input.damage.faults + output.damage.faults
        return result
    }

    /// Commands of numbered lines that were accepted and not answered yet, on firmware that answers what it has executed.
    public var queuedNumberedCommands: Int { queue.numberedCount }

    /// True when a line that came with a number was dropped as a repeat, or a command without one was executed: then
    /// there are answers that belong to no line of the host's.
    public var hasStrayAnswers: Bool {
        statistics.repeatsDropped > 0 || statistics.commandsExecuted != executedCommands.count
    }

    /// The digest of the commands executed so far.
    public var executedDigest: CommandDigest { digest }

    /// Whether the printer waits for its button.
    public var isWaitingForUser: Bool {
        if case .waitingForUser = activity { return true }
        return false
    }

    /// Whether it was killed and waits for a reset.
    public var isHalted: Bool {
        if case .halted = condition { return true }
        return false
    }

    private var visibleState: PrinterSnapshot.State {
        switch condition {
        case .booting: return .booting
        case .halted: return .halted
        case .silent: return .silent
        case .running: break
        }
        switch activity {
        case .none: return planner.isEmpty ? .idle : .moving
        case .waitingForUser: return .waitingForUser
        case .waitingForRoom: return .moving
        default: return .busy
        }
    }
}
