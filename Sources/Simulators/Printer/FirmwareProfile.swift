/// What one firmware says and how it handles its line, as data. All texts were read off running firmware.
public struct FirmwareProfile: Sendable {
    /// Short name for the command line, such as `mk3s-3.13.3`.
    public internal(set) var name: String
    /// One line for people.
    public let summary: String

    var family: Family
    var line = LineRules()
    var answers = AnswerRules()
    var queue = QueueRules()
    var machine = Machine()
    var speed = ProcessorSpeed()
    var text = Texts()
    var boot = BootScript()
    var capabilities = Capabilities()

    /// The profile without its data; the extensions fill it in.
    init(name: String, summary: String, family: Family) {
        self.name = name
        self.summary = summary
        self.family = family
    }

    /// All profiles, the usual ones first.
    public static let all: [FirmwareProfile] = [
        .marlin2, .marlin2Stock, .marlin2Custom, .marlin1, .marlin1_0, .prusa3_13, .prusa3_9, .octoPrintLike,
        .repetier, .smoothie,
    ]

    /// The profile of that short name.
    public static func named(_ name: String) -> FirmwareProfile? { all.first { $0.name == name } }

    /// Which firmware's habits apply where they differ in more than text.
    enum Family: Sendable { case marlin2, marlin1, prusa, octoPrint }
}

/// How the firmware reads lines.
struct LineRules: Sendable {
    enum Repeated: Sendable {
        /// The last line and the one before it: no answer at all (Marlin 2.1.2).
        case dropped
        /// Refused like any wrong number.
        case refused
        /// Any of the last forty: `skip 5` and an `ok` (Repetier).
        case skipped
    }
    enum Comment: Sendable {
        /// Text from `;` on is ignored (Marlin).
        case ignored
        /// The line is discarded without an answer, and so is the next one (MK3S: the flag is only cleared by a line
        /// in which nothing was stored).
        case swallowsLines
        /// Ignored, and a line of comment only gets an `ok` (OctoPrint's virtual printer).
        case acknowledged
    }
    enum Long: Sendable { case truncated, split }
    /// How `M110` sets the number.
    enum Renumbering: Sendable { case prefixThenParameter, prefixOnly }

    var repeated = Repeated.refused
    var comment = Comment.ignored
    var long = Long.truncated
    var renumbering = Renumbering.prefixThenParameter
    var maximumLength = 95
    /// The checksum is looked at before the number (OctoPrint's virtual printer).
    var checksChecksumFirst = false
    /// `*` without `N` is an error (MK3S); the Marlins execute the line.
    var refusesChecksumWithoutNumber = false
    /// `N` without `*` is an error (all but OctoPrint's virtual printer).
    var refusesNumberWithoutChecksum = true
    /// An error throws away what is in the receive buffer.
    var errorFlushesBuffer = true
    /// Text when the receive buffer was found full, which is then thrown away (MK3S).
    var fullBufferText: String?
    /// A line that is not finished for so long is forgotten with `RX timeout` (MK3S 3.13.3), in nanoseconds.
    var unfinishedLineTimeout: UInt64?
    /// A G, M or T anywhere in the line counts (MK3S 3.9.0 executes `(M105)`).
    var findsCodeAnywhere = false
}

/// How the firmware acknowledges and refuses.
struct AnswerRules: Sendable {
    /// The words of a refusal in front of the Resend.
    enum Refusal: Sendable {
        /// `Error:checksum mismatch, Last Line: 4`.
        case marlin
        /// `Error:expected line 5 got 7`, `Error:Wrong checksum`.
        case repetier
        /// OctoPrint's virtual printer.
        case octoPrint
        /// Nothing but the request itself (Smoothie).
        case none
    }

    var refusal = Refusal.marlin
    /// How many `ok` follow a Resend: one, but for firmware that forgets it and firmware that says it twice.
    var oksAfterResend = 1
    /// `ok` when the command goes into the queue, not when it is done (Repetier).
    var onReceipt = false
    /// `ok 5`: the number of the line that is acknowledged (Repetier).
    var lineNumber = false
    /// M105's temperatures stand on the line of its `ok`; or else on a line of their own before it.
    var temperaturesOnOk = true
}

/// How much the firmware takes in before it executes.
struct QueueRules: Sendable {
    /// Commands, the executing one included (`BUFSIZE`).
    var commands = 4
    /// Commands taken in while one blocks.
    var commandsWhileBlocked = 4
    /// MK3S counts bytes instead: room for a longest line must be left. Nil for the Marlins.
    var bytes: Int?
    /// Size of the receive ring; one byte less is usable.
    var receiveBuffer = 128
}

/// The machine the firmware drives.
struct Machine: Sendable {
    var hasBed = true
    /// Position after start, in mm: X, Y, Z.
    var startPosition = SIMD4<Double>(0, 0, 0, 0)
    var homePosition = SIMD4<Double>(0, 0, 0, 0)
    var lowest = SIMD4<Double>(0, 0, 0, -.infinity)
    var highest = SIMD4<Double>(200, 200, 200, .infinity)
    var stepsPerMillimetre = SIMD4<Double>(80, 80, 400, 500)
    /// mm/s
    var highestSpeed = SIMD4<Double>(300, 300, 5, 25)
    var homingNanoseconds: UInt64 = 10_500_000_000
    /// °C below which nothing is extruded.
    var coldExtrusionBelow = 170.0
    /// How long the temperature must hold for M109, in nanoseconds.
    var residency: UInt64 = 10_000_000_000
    var plannerBlocks = 16
    /// A first move waits this long for company before it starts (Marlin 2: 100 ms).
    var firstMoveDelay: UInt64 = 0
    /// Shortest segment while the planner runs low, in nanoseconds.
    var shortestSegment: UInt64 = 20_000_000
}

/// How long the processor takes, in nanoseconds; only counts when the line is paced.
struct ProcessorSpeed: Sendable {
    /// Any line.
    var line: UInt64 = 600_000
    /// A report of temperatures or position on top.
    var report: UInt64 = 2_400_000
    /// Planning one move on top.
    var move: UInt64 = 2_500_000
}

/// What the firmware was built with.
struct Capabilities: Sendable {
    var advancedOk = false
    var emergencyParser = false
    /// Reads packed lines where the host switches that on.
    var meatPack = false
    var hostActions = false
    /// Waits for the user are announced as prompts.
    var hostPrompts = false
    var autoReportTemperatures = true
    var autoReportPosition = false
    /// Another `ok` after M105 when a command is queued behind it (MK3S 3.13.3).
    var secondOkAfterTemperatures = false
    /// Text once a second while nothing is to do (OctoPrint's virtual printer).
    var waitText: String?
    /// Seconds between `echo:busy:` messages until M113 says otherwise.
    var busySeconds: UInt64 = 2
    /// MK3S 3.9.0 is not busy while it heats.
    var busyWhileHeating = true
    /// The firmware restarts by itself after M112 (MK3S 3.13.3), in nanoseconds.
    var rebootAfterKill: UInt64?
    /// M114 first waits for all moves (Marlin 1.1.9).
    var positionWaitsForMoves = false
    /// G28 and G92 report the position (Marlin).
    var reportsPositionAfterHoming = false
}

/// Fixed texts. `\n` ends lines here; `Texts.end` replaces it on the wire where the firmware sends `\r\n`.
struct Texts: Sendable {
    /// Line end of most answers.
    var end = "\n"
    /// Line end of Resend and its `ok` (MK3S 3.9.0 mixes both).
    var resendEnd = "\n"
    var resend = "Resend: "
    var firmware: [String] = []
    var endstops: [String] = []
    var settings: [String] = []
    var kill: [String] = []
    var toolChange: String?
    var toolChangeEndsLine = true
    var wrongTool = "Invalid T code."
    var feedRate: String?
    var flow: String?
    /// Before G4, M109, M117 and after G28 on MK3S 3.13.3.
    var screenChange: String?
    var busy = "echo:busy: processing"
    var busyForUser = "echo:busy: paused for user"
    var coldExtrusion = "echo: cold extrusion prevented"
    var homing: [(milliseconds: UInt64, text: String)] = []
    var action = "//action:"
}

/// What a board says from reset until it listens.
struct BootScript: Sendable {
    /// Lines with their end, and when they come after `start`.
    var lines: [(milliseconds: UInt64, text: String)] = []
    /// Lines after the restart that follows M112, when different.
    var afterKill: [(milliseconds: UInt64, text: String)] = []
    /// When the first command is executed, in milliseconds after `start`.
    var readyMilliseconds: UInt64 = 50
}
