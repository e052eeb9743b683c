import CSerial
import GCodeStream
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The thread that owns the port and the engine: one wait for the port and a wake-up, no heap once it runs.
///
/// It waits for nobody. Orders come in by a ring, news go out by another, the newest readings lie in a slot.
struct StreamThread: ~Copyable {
    let port: SerialPort
    private var watch: PortWatch
    let shared: LinkShared
    let configuration: LinkConfiguration
    var engine: StreamEngine
    private var demand: StreamDemand
    var greeting: Greeting?
    /// Where lines are noted, and what another process noted there.
    let ledger: LineLedger?
    var question: CountQuestion?
    var packingQuestion: PackingQuestion?
    /// True while answers are awaited that are none of the engine's.
    var isAsking: Bool { greeting != nil || question != nil || packingQuestion != nil }
    /// What the greeting was about, until the questions behind it are answered.
    var greeted = (dialect: FirmwareDialect.marlin, sawStart: false)
    /// How the printer's lines will be written.
    var packing = Packing.none
    var wasAsked = false
    /// The last line of the job that is in the ledger.
    var notedLine: UInt32 = 0
    var snapshot = LinkSnapshot()
    var running = true

    /// The reader of the job, until its file is read.
    var reader: FileReader?
    /// Number of the last job that was begun.
    var job: UInt32 = 0
    /// Offset in the file behind the last command that the engine took.
    var jobEnd: UInt64 = 0
    private var command = CommandBuffer()
    var starving = false

    var pollsTemperature = false
    var nextPoll: UInt64 = 0
    var pollPending = false
    /// True when something changed that is not published yet.
    var isStale = true
    private var publishAt: UInt64 = 0
    /// When an ok was read that no line has followed yet; 0: none.
    private var okAt: UInt64 = 0

    private static let publishInterval: UInt64 = 50_000_000

    init(
        port: consuming SerialPort, watch: consuming PortWatch, shared: LinkShared, configuration: LinkConfiguration,
        ledger: LineLedger? = nil
    ) {
        self.port = port
        self.watch = watch
        self.ledger = ledger
        self.shared = shared
        self.configuration = configuration
        engine = StreamEngine(settings: configuration.stream)
        demand = engine.advance(now: cserial_monotonic_ns())
    }

    /// Runs until it is told to shut down or the port is lost.
    consuming func run() {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4096)
        defer { buffer.deallocate() }
        if configuration.isRealTime { snapshot.isRealTime = cserial_become_realtime() == 0 }
        let now = cserial_monotonic_ns()
        greeting = Greeting(now: now, limit: configuration.greetingLimit)
        var time = now
        while running {
            step(now: time)
            guard running else { break }
            let news = wait(since: time)
            time = cserial_monotonic_ns()
            if news.contains(.wake) { shared.wake.clear() }
            if news != .wake { receive(into: buffer, now: time) }
        }
        endReader()
        publish()
        // Whoever opens the port next speaks plain text. Of no matter when the port is lost.
        if engine.packing != .none { write(bytes: (0xFF, 0xFF, 0xF9), "\n") }
    }

    // MARK: One round

    private mutating func step(now: UInt64) {
        let isLast = shared.isShuttingDown
        // What the printer said belongs to the job that ran then, not to one that is ordered now.
        deliverReports(now: now)
        while let order = shared.orders.pop() { obey(order, now: now) }
        greet(now: now)
        pollTemperature(now: now)
        fill(now: now)
        noteLines()
        write()
        okAt = 0
        deliverReports(now: now)
        if isStale, now >= publishAt { publish() }
        if isLast { running = false }
    }

    /// Gives the engine commands and time until nothing more goes out.
    private mutating func fill(now: UInt64) {
        repeat { demand = engine.advance(now: now) } while demand.wantsCommand && takeCommand(now: now)
    }

    /// Takes the next command of the file; true when the engine has something new to do.
    private mutating func takeCommand(now: UInt64) -> Bool {
        guard let reader else { return false }
        var next = reader.ring.pop(into: &command)
        if next == .empty {
            // Once more after the announcement: what comes later wakes this thread.
            reader.ring.announceHunger()
            next = reader.ring.pop(into: &command)
        }
        switch next {
        case .command(let advance, let newLayer):
            starving = false
            jobEnd += UInt64(advance)
            if !command.changesLineCount { snapshot.jobTaken += 1 }
            if newLayer { snapshot.layer += 1 }
            snapshot.readings.noteProgress(command)
            let end = jobEnd
            command.withBytes { _ = engine.push($0, sourceEnd: end, now: now) }
            return true
        case .empty:
            if !starving { snapshot.starved += 1 }
            starving = true
            return false
        case .end(0):
            self.reader = nil
            engine.endOfJob()
            return true
        case .end(let failure) where failure != CommandRing.fileCut && failure != CommandRing.fileChanged:
            // The medium, not the file: it may come back.
            self.reader = nil
            _ = engine.pause()
            publish()
            tell(.mediumLost(failure, job: job))
            return true
        case .end(let failure):
            self.reader = nil
            engine.cancel()
            publish()
            tell(.fileFailed(failure, job: job))
            return true
        }
    }

    /// Puts what is about to be written into the ledger.
    private mutating func noteLines() {
        guard let ledger else { return }
        let last = engine.lastJobLine
        while notedLine < last {
            notedLine += 1
            ledger.note(line: notedLine, commands: engine.jobCommands(through: notedLine))
        }
    }

    private mutating func write() {
        let descriptor = port.descriptor
        while demand.outputCount > 0 {
            let written = engine.withOutput { span in
                span.withUnsafeBufferPointer { cserial_write(descriptor, $0.baseAddress, $0.count) }
            }
            if written > 0 {
                if okAt > 0 { snapshot.latency.add(cserial_monotonic_ns() &- okAt) }
                okAt = 0
                engine.wrote(written)
                demand.outputCount -= written
            } else {
                if written < 0, written != -Int(EAGAIN) { lose(errno: Int32(-written)) }
                return
            }
        }
    }

    /// Reads the port empty: it tells only what comes after that.
    private mutating func receive(into buffer: UnsafeMutableBufferPointer<UInt8>, now: UInt64) {
        var count = 0
        repeat {
            count = cserial_read(port.descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else {
                // 0 is a hang-up: the adapter is gone.
                if count != -Int(EAGAIN) { lose(errno: Int32(-count)) }
                return
            }
            snapshot.bytesReceived += UInt64(count)
            isStale = true
            take(Span(_unsafeElements: UnsafeBufferPointer(rebasing: buffer[..<count])), now: now)
        } while count == buffer.count
    }

    // Parts are borrowed apart: the engine calls back while it is being changed.
    private mutating func take(_ bytes: Span<UInt8>, now: UInt64) {
        guard !isAsking else { return takeAnswers(bytes, now: now) }
        var readings = snapshot.readings
        var hasOk = false
        let shared = shared
        engine.receive(bytes, now: now) { line, reply in
            if case .ok = reply { hasOk = true }
            Self.note(line, reply, in: &readings, telling: shared)
        }
        if hasOk { okAt = now }
        snapshot.readings = readings
    }

    /// Before anything is sent by the engine: what comes in may answer the questions of this thread.
    private mutating func takeAnswers(_ bytes: Span<UInt8>, now: UInt64) {
        var greeting = self.greeting
        greeting?.note(bytes)
        var question = self.question
        var packingQuestion = self.packingQuestion
        var readings = snapshot.readings
        let shared = shared
        engine.receive(bytes, now: now) { line, reply in
            greeting?.take(line, reply, now: now)
            question?.take(reply, now: now)
            packingQuestion?.take(line, reply)
            Self.note(line, reply, in: &readings, telling: shared)
        }
        self.greeting = greeting
        self.question = question
        self.packingQuestion = packingQuestion
        snapshot.readings = readings
    }

    @inline(__always)
    private static func note(
        _ line: Span<UInt8>, _ reply: Reply, in readings: inout PrinterReadings, telling shared: LinkShared
    ) {
        let isReading = readings.update(from: line, reply: reply)
        if isWorthTelling(line, reply, isReading: isReading) { shared.tell(.line(LineText(line))) }
    }

    /// Plain oks and readings would drown what the owner wants to see.
    private static func isWorthTelling(_ line: Span<UInt8>, _ reply: Reply, isReading: Bool) -> Bool {
        switch reply {
        // "ok 12" is the ok of Repetier and others.
        case .ok(let fields): !isReading && fields == OkFields() && hasLetters(line, from: 2)
        case .busy, .wait: false
        default: !isReading
        }
    }

    private static func hasLetters(_ line: Span<UInt8>, from start: Int) -> Bool {
        for index in line.indices where index >= start && line[index].isLetter { return true }
        return false
    }

    private mutating func wait(since now: UInt64) -> PortWatch.News {
        var deadline = demand.deadline
        if isAsking {
            deadline = min(deadline, greeting?.deadline ?? .max)
            deadline = min(deadline, question?.deadline ?? .max)
            deadline = min(deadline, packingQuestion?.deadline ?? .max)
        }
        if pollsTemperature { deadline = min(deadline, nextPoll) }
        if isStale { deadline = min(deadline, publishAt) }
        return watch.wait(for: deadline > now ? deadline - now : 0, wantsOutput: demand.outputCount > 0)
    }

    private mutating func lose(errno: Int32) {
        running = false
        publish()
        tell(.lost(errno: errno))
    }

    // MARK: What others see

    func tell(_ note: LinkNote) { shared.tell(note) }

    /// Shows the others what is known now.
    mutating func publish() {
        isStale = false
        publishAt = cserial_monotonic_ns() &+ Self.publishInterval
        let counters = engine.counters
        snapshot.phase = phase
        snapshot.job = job
        snapshot.linesSent = counters.linesSent
        snapshot.bytesSent = counters.bytesSent
        snapshot.jobCommands = counters.jobCommands
        snapshot.jobOffset = engine.completedOffset
        snapshot.resends = counters.resendRequests
        snapshot.probes = counters.probes
        snapshot.oksLost = counters.oksLost
        snapshot.oksSurplus = counters.oksSurplus
        snapshot.packing = engine.packing
        snapshot.windowLines = UInt8(clamping: engine.windowLines)
        shared.snapshot.publish(snapshot)
    }

    private var phase: LinkPhase {
        mutating get {
            if !running { return .down }
            if greeting != nil { return .greeting }
            return switch engine.status {
            case .offline: .greeting
            case .idle: .ready
            case .streaming: .printing
            case .paused: .paused
            case .ending: .finishing
            case .halted: .halted
            }
        }
    }
}
