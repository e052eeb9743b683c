/// The streaming engine: hands G-code to a Marlin printer so that each command is executed once and in order.
///
/// A pure state machine. Bytes and the time go in (`receive`, `advance`); bytes to write (`withOutput`, `wrote`),
/// reports (`nextReport`) and the time of its next own step (`deadline`) come out. It has no I/O, no clock and no
/// heap, and belongs to one thread.
///
/// How it keeps its promise:
/// - Every command is numbered and carries a checksum, so the printer itself refuses what was damaged or is out of
///   order. Before a job the count is set by `N0 M110` and proved by `N1 M105`.
/// - A window of lines and bytes is unacknowledged at a time, never more than the printer's buffers hold.
/// - On `Resend: n` the wire is left quiet for `settleTime`: the lines that were on their way come in and are
///   refused (their requests are echoes of the first), then everything from n on goes out again.
/// - An ok says little about which line it answers: oks get lost and doubled. An M105 is the measure: its ok carries
///   temperatures, so when that comes everything before it is settled. When nothing is acknowledged for
///   `probeTime`, an M105 is sent as the next numbered line: a probe. It is no repeated line, which Marlin 2.1 would drop
///   silently; its checksum keeps a damaged bit from making another command of it (an `M107` or `M1`); and its number
///   makes the printer ask at once for what it lacks, or proves with its answer that nothing was lost.
/// - Behind a job's last command come an M400 and an M105: when the M105 is answered, all of it was executed. Two
///   kinds of firmware keep a host from knowing: Repetier answers what it has received; and where an ok bears neither a
///   number nor temperatures, doubled ones pass for answers. There the end may be reported up to a queue's length early.
///
/// | job | begin | push | endOfJob | pause / resume | cancel | all executed | failure |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | none | streaming | – | – | – | – | – | – |
/// | streaming | – | streaming | ending | paused | none | – | none |
/// | paused | – | – | ending | streaming | none | – | none |
/// | ending | – | – | – | – | none | none | none |
///
/// What only reads is `mutating` all the same where it is asked for each line: of a borrowed engine Swift 6.3 makes a
/// temporary copy, 14 kilobytes of it.
public struct StreamEngine: ~Copyable {
    enum Job: Equatable {
        case none, streaming, paused
        /// All commands were pushed; `step` is what comes behind the last.
        case ending(EndStep)
    }

    enum EndStep: Equatable {
        case sendingLast
        case motion(line: UInt32)
        case verify(line: UInt32)
    }

    enum Synchronisation: Equatable {
        case none, wanted, renumbering, verifying, done
    }

    struct Resync: Equatable {
        var line: UInt32
        var until: UInt64
        /// The printer asked for that line. Otherwise its request could not be read, and nothing is known of the lines before.
        var isAsked = true
        /// Lines that were on the wire behind the refused one: each may send an echo of the request.
        var echoes: Int
    }

    var settings: StreamSettings
    var window: Int
    var job = Job.none
    var synchronisation = Synchronisation.none
    var synchronisationAttempts = 0
    var halted = false
    /// A job was begun and none has ended well since: heaters may be on for it.
    var mayHaveHeated = false

    var assembler = ReplyAssembler()
    var output = OutputBuffer()
    var sent = SentLines()
    var inFlight = InFlight()
    var reports = ReportQueue()

    /// Next line to hand to the wire; below `sent.next` while lines are sent again.
    var cursor: UInt32 = 1
    /// The highest line that may have been sent more than once.
    var resentThrough: UInt32 = 0
    /// The lowest number that was never handed to the wire.
    var firstUnsent: UInt32 = 1
    var staged = CommandBuffer()
    var stagedEnd: UInt64 = 0
    var hasStaged = false
    var lane = PriorityLane()

    var resync: Resync?
    var ignoresNextOk = false
    var lastResend: UInt32 = 0
    var repeatedResends: UInt32 = 0

    /// Requests to resend since a new line was last acknowledged, whatever they asked for.
    var resendsWithoutProgress: UInt32 = 0
    /// The highest line that was acknowledged.
    var highestSettled: UInt32 = 0
    /// The highest line that the printer says it has taken; it has all before it.
    var provenThrough: UInt32 = 0
    /// The line of the last M105 that was sent to see where the printer stands.
    var lastCheck: UInt32 = 0
    /// How sure it is that this printer answers M105 with temperatures on the ok: none if it never did, and one less for
    /// each time that it did not.
    var temperatureOks: UInt8 = 0
    /// Requests to resend a line that is not there, since the printer last showed that it has the right count.
    var strayRequests: UInt32 = 0
    /// The line before may have lost its end on the wire: the next one begins with a line break.
    var endsLineFirst = false
    /// Before this a Resend is always followed by the whole `settleTime`.
    var quickResyncFrom: UInt64 = 0

    /// Probes whose answers may come late.
    var givenUpProbes = MarkerNumbers()
    /// An answer was taken for that of a probe that had been given up, and none was given up since.
    var tookLateAnswer = false

    /// How many M105s before the one that counts went without an ok with temperatures.
    var owedAnswers: UInt32 = 0
    /// M105s that a plain ok settled, which was another's if this firmware puts temperatures on the ok.
    var earlyMarkers = MarkerNumbers()
    /// When a marker acknowledged by a plain ok counts as answered all the same.
    var graceUntil: UInt64?

    var lastHeard: UInt64 = 0
    /// When the printer last answered a command, asked for one or said that it is busy.
    var lastSign: UInt64 = 0
    var lastProgress: UInt64 = 0
    var busyUntil: UInt64 = 0
    /// Probes since something was last acknowledged; they come at growing intervals.
    var probeAttempts: UInt32 = 0
    var plannerSize: UInt8 = 0
    var queueSize = 0

    /// Numbers since the engine was made.
    public internal(set) var counters = StreamCounters()

    /// Where the last acknowledged job command ends in its file, in bytes.
    public internal(set) var completedOffset: UInt64 = 0

    /// The firmware's last `Error:` line since `synchronise` or `begin`, cut to 96 bytes.
    public internal(set) var errorText = CommandBuffer()

    /// Makes an engine that waits for `synchronise`.
    public init(settings: StreamSettings = StreamSettings()) {
        self.settings = settings
        window = Swift.min(Swift.max(settings.windowLines, 1), Limits.windowLines)
    }

    // MARK: Orders

    /// Takes other settings, once it is known which firmware answers: call before `synchronise`. What ADVANCED_OK told of the
    /// window is forgotten.
    public mutating func adopt(_ settings: StreamSettings) {
        self.settings = settings
        queueSize = 0
        window = Swift.min(Swift.max(settings.windowLines, 1), Limits.windowLines)
    }

    /// Agrees on the line count with a printer that answers: call after greeting it. `.synchronised` reports the end.
    /// Lines are written as `packing` says from then on: anything but `.none` for a printer only that answers MeatPack's query.
    public mutating func synchronise(packing: Packing = .none, now: UInt64) {
        // The printer may have the first half of a line of which the rest is dropped here.
        endsLineFirst = true
        output.removeAll()
        if packing == .none, sent.packing != .none { output.endPacking() }
        sent.packing = packing
        cursor = sent.next
        inFlight.removeAll()
        halted = false
        errorText.removeAll()
        resync = nil
        mayHaveHeated = false
        synchronisationAttempts = 0
        requestSynchronisation(now: now)
        lastHeard = now
        lastSign = now
    }

    /// Begins a job: the line count starts anew, then commands may be pushed. False while another one runs or before
    /// `synchronise`. A count that is just being agreed on, for a job that was cancelled at once, is agreed on again.
    /// `commands` of the job are done already: a print that goes on where another process left it.
    public mutating func begin(after commands: UInt64 = 0, now: UInt64) -> Bool {
        guard job == .none, synchronisation != .none, !halted else { return false }
        job = .streaming
        mayHaveHeated = true
        hasStaged = false
        completedOffset = 0
        errorText.removeAll()
        counters.jobCommands = commands
        sent.beginJob(after: commands)
        synchronisationAttempts = 0
        requestSynchronisation(now: now)
        return true
    }

    /// True when `push` would be taken now.
    public var wantsCommand: Bool { job == .streaming && !hasStaged }

    /// True while a job runs, paused or not.
    public var hasJob: Bool { job != .none }

    /// Hands over the next command of the job, clean of comments and blanks; `sourceEnd` is the offset in bytes
    /// behind it in its file. False when it is not wanted now. An empty command and one that would
    /// change the line count, which is the engine's own (`M110`, `N5 …`), are left out; one that is too long fails the job, so callers check with `LineFormat.fits` before
    /// they begin.
    public mutating func push(_ command: Span<UInt8>, sourceEnd: UInt64, now: UInt64) -> Bool {
        guard wantsCommand else { return false }
        guard LineFormat.fits(number: sent.next, commandLength: command.count), staged.set(command) else {
            fail(.commandTooLong, now: now)
            return true
        }
        stagedEnd = sourceEnd
        hasStaged = staged.count > 0 && !staged.changesLineCount
        return true
    }

    /// Tells that no command follows.
    public mutating func endOfJob() {
        if job == .streaming || job == .paused { job = .ending(.sendingLast) }
    }

    /// Stops feeding. What the printer has taken it still executes. False when no job is streaming.
    public mutating func pause() -> Bool {
        guard job == .streaming else { return false }
        job = .paused
        return true
    }

    /// Goes on after `pause`. False when no job is paused.
    public mutating func resume() -> Bool {
        guard job == .paused else { return false }
        job = .streaming
        return true
    }

    /// Ends the job: nothing more of it is sent, save lines that the printer asks for again.
    public mutating func cancel() {
        // What is waited for in the end of a job is nobody's business any more; a count that is being agreed on is.
        if case .ending = job { graceUntil = nil }
        job = .none
        hasStaged = false
    }

    /// Puts a command on the priority lane: it goes out before the job's next one. False when the lane is full or the
    /// command is empty, too long or would change the line count (`M110`, `N5 …`). `.acknowledged(tag)` or `.dropped(tag)` follows.
    public mutating func submit(_ command: Span<UInt8>, tag: UInt32) -> Bool {
        guard !halted else { return false }
        return lane.push(command, tag: tag)
    }

    /// Stops the printer with M112, before anything else; nothing is sent after it until `synchronise`.
    public mutating func emergencyStop(now: UInt64) {
        output.removeAll()
        appendPlain("M112\n")
        fail(.emergencyStopped, now: now)
        halted = true
    }

    /// Ends a wait for a temperature (M108) past all queues. Only firmware with EMERGENCY_PARSER hears it in time.
    public mutating func interruptHeating(now: UInt64) { sendPastQueues("M108", now: now) }

    /// Answers a prompt of the printer (M876), the first answer is 0, past all queues: the command that asks waits for it. Only
    /// firmware with EMERGENCY_PARSER hears it in time. Answers beyond the tenth are none.
    public mutating func answerPrompt(_ answer: UInt8, now: UInt64) {
        if answer < 10 { sendPastQueues("M876 S", digit: answer, now: now) }
    }

    private mutating func sendPastQueues(_ text: StaticString, digit: UInt8? = nil, now: UInt64) {
        guard synchronisation == .done, !halted, output.free > Limits.interruptAllowance, !inFlight.isFull else {
            return
        }
        let before = output.count
        appendPlain(text)
        if let digit { output.append(UInt8(ascii: "0") + digit) }
        output.append(UInt8(ascii: "\n"))
        if sent.packing != .none { output.beginPacking(sent.packing) }
        let length = UInt8(truncatingIfNeeded: output.count - before)
        track(InFlight.Entry(number: 0, bytes: length, isMarker: false), now: now)
    }

    /// How lines are written on the wire.
    public var packing: Packing { mutating get { sent.packing } }

    /// Text that the firmware is to read as it stands, an emergency parser too. A line break in front ends whatever was on
    /// its way.
    mutating func appendPlain(_ text: StaticString) {
        if sent.packing == .none {
            output.append(UInt8(ascii: "\n"))
        } else {
            output.endPacking()
        }
        output.append(text)
    }

    // MARK: The wire

    /// Takes bytes from the printer. `onLine` sees each complete line with its meaning, after the engine has.
    public mutating func receive(_ bytes: Span<UInt8>, now: UInt64, onLine: (Span<UInt8>, Reply) -> Void) {
        for index in bytes.indices where assembler.feed(bytes[index]) {
            let reply = assembler.takeLine { line -> Reply in
                let reply = Reply.parse(line)
                switch reply {
                case .halted, .alarm, .fatalError, .otherError: errorText.setCut(line)
                default: break
                }
                onLine(line, reply)
                return reply
            }
            handle(reply, now: now)
        }
        if bytes.count > 0 { lastHeard = now }
    }

    /// Does what is due at `now`, then composes as many lines as the window lets out. Call after every event; the
    /// answer holds until the next one.
    @discardableResult
    public mutating func advance(now: UInt64) -> StreamDemand {
        if !halted {
            stepTimers(now: now)
            compose(now: now)
        }
        return StreamDemand(
            wantsCommand: wantsCommand, outputCount: outputCount, deadline: halted ? .max : nextDeadline, hasJob: hasJob
        )
    }

    /// When `advance` must be called at the latest; `UInt64.max` when nothing is due.
    public var deadline: UInt64 { halted ? .max : nextDeadline }

    /// Lends the bytes to write. `mutating` so that the engine is not copied for it.
    public mutating func withOutput<R>(_ body: (Span<UInt8>) -> R) -> R { output.withBytes(body) }

    /// How many bytes wait to be written.
    public var outputCount: Int { mutating get { output.count } }

    /// Tells how many of those bytes the port took.
    public mutating func wrote(_ count: Int) { output.consume(count) }

    /// The oldest report, or nil.
    public mutating func nextReport() -> StreamReport? { reports.pop() }

    /// The highest line of the job's count that was handed to the wire; 0 while none was.
    public var lastJobLine: UInt32 {
        mutating get { job != .none && synchronisation == .done ? firstUnsent - 1 : 0 }
    }

    /// How many of the job's commands had been sent with line `number`, one of the last `Limits.history`. `mutating` so that
    /// the engine is not copied for it.
    public mutating func jobCommands(through number: UInt32) -> UInt64 { sent.jobCommands(through: number) }

    /// Lines that are unacknowledged now.
    public var unacknowledgedLines: Int { inFlight.count }

    /// Bytes that are unacknowledged now.
    public var unacknowledgedBytes: Int { inFlight.bytes }

    /// Bytes that are unacknowledged behind the oldest line: that one is being executed and has left the printer's
    /// receive buffer, these are in it, in the command queue or on their way. Never more than
    /// `StreamSettings.windowBytes` of lines; a probe (`Limits.probeAllowance`, a few more bytes where lines are packed) and the bytes of `interruptHeating` or `answerPrompt`
    /// (`Limits.interruptAllowance` at most) may come on top.
    public var unacknowledgedBytesWaiting: Int { inFlight.bytes - Int(inFlight.first?.bytes ?? 0) }

    /// The window in lines that is in force.
    public var windowLines: Int { mutating get { window } }
}

extension CommandBuffer {
    /// Takes as much of `source` as fits.
    mutating func setCut(_ source: Span<UInt8>) {
        removeAll()
        for index in source.indices where !append(source[index]) { return }
    }
}

/// What an engine is doing, for its owner to show.
public enum StreamStatus: Sendable, Equatable {
    /// No line count is agreed on.
    case offline
    /// Ready for a job.
    case idle
    /// A job is fed.
    case streaming
    /// A job is paused.
    case paused
    /// A job's last commands are being executed.
    case ending
    /// The firmware halted.
    case halted
}

extension StreamEngine {
    /// What the engine is doing.
    public var status: StreamStatus {
        mutating get {
            if halted { return .halted }
            switch job {
            case .streaming: return .streaming
            case .paused: return .paused
            case .ending: return .ending
            case .none: return synchronisation == .done ? .idle : .offline
            }
        }
    }
}
