import GCodeStream
import Simulators

/// An engine, a simulated printer and the wire between them in one process, under a clock that jumps from event to
/// event. What must always hold is checked at every step (`Simulation+Checks.swift`); `run` gives the first thing that
/// did not.
public struct Simulation: ~Copyable {
    /// What a run led to.
    public struct Outcome: Sendable {
        /// What was wrong; nil when everything held.
        public var violation: String?
        /// How many jobs ended well.
        public var finishedJobs = 0
        /// Failures that jobs ended with, all of them such as the scenario allows unless `violation` says otherwise.
        public var failures: [StreamFailure] = []
        /// Commands of jobs that the printer executed.
        public var executed = 0
        /// The engine's counters.
        public var counters = StreamCounters()
        /// The printer's.
        public var printer = PrinterStatistics()
        /// Time from the beginning to the end of the last job, in nanoseconds.
        public var duration: UInt64 = 0
        /// The most bytes that were ever unacknowledged.
        public var mostBytes = 0
        /// The most lines that were ever unacknowledged.
        public var mostLines = 0
        /// The printer took damaged bytes for a line whose checksum is right, and the run ended there.
        public var hasPassedDamage = false
        /// How many times the loop went round.
        public var steps = 0
    }

    enum Phase: Equatable {
        case beginning, running
        /// A failure or a stop; the next job is begun at that time.
        case recovering(until: UInt64)
        /// The last job is over; what is left on the lane is waited for.
        case closing(until: UInt64)
    }

    let scenario: Scenario
    let start: UInt64
    var engine: StreamEngine
    var printer: MarlinPrinter
    var wire: SimulatedWire
    var check: ExecutionCheck
    var trace: Trace
    var outcome = Outcome()
    var now: UInt64
    var phase = Phase.beginning

    var job = 0
    var nextCommand = 0
    var nextAction = 0
    var nextTag: UInt32 = 1
    /// Commands on the lane, by tag, that were not reported yet.
    var pending: [UInt32: String] = [:]
    var acknowledged: [String] = []
    var buttonAt: UInt64 = .max
    var faultsAreOver = false
    let usesInterrupt: Bool
    /// The owner has asked for temperatures behind everything else.
    var hasAskedAtTheEnd = false

    // For the checks.
    var linesSentBefore: UInt64 = 0
    var stepsAtThisMoment = 0
    var lastProgress: UInt64
    var executedBefore = 0
    var bytesAtProgress: UInt64 = 0
    var hasClearAnswers: Bool

    /// Prepares `scenario`; with `trace` everything on the wire is printed.
    public init(_ scenario: Scenario, trace: Bool = false) {
        self.scenario = scenario
        var configuration = MarlinPrinter.Configuration(profile: scenario.profile)
        configuration.baud = scenario.baud
        configuration.faults = scenario.faults
        configuration.keepsCommands = true
        configuration.digestsOnlyNumbered = true
        configuration.preventsColdExtrusion = false
        configuration.moveTime = .fixed(nanoseconds: scenario.moveTime)
        printer = MarlinPrinter(configuration)
        engine = StreamEngine(settings: scenario.settings)
        start = 20_000_000_000
        now = start
        lastProgress = start
        wire = SimulatedWire(scenario.wire, start: start)
        check = ExecutionCheck(jobs: scenario.jobs.map { $0.map(scenario.packing.asReceived) })
        usesInterrupt = scenario.actions.contains { $0.action == .interruptHeating }
        hasClearAnswers = Self.answersAreClear(scenario)
        self.trace = Trace(isOn: trace, start: start)
        printer.advance(to: start)
        _ = printer.takeOutput(at: start)
    }

    /// Runs to the end and says how it was.
    public consuming func run() -> Outcome {
        engine.synchronise(packing: scenario.packing, now: now)
        while step() {}
        outcome.counters = engine.counters
        outcome.duration = now - start
        finalCheck()
        outcome.printer = printer.currentStatistics
        outcome.executed = check.executed
        trace.event(outcome.violation ?? "everything held", at: now)
        return outcome
    }

    /// One round: what is due is done, then the time goes on to the next thing. False at the end.
    private mutating func step() -> Bool {
        outcome.steps += 1
        guard outcome.steps < 20_000_000 else { return violate("no end") }
        endFaultsInTime()
        act()
        feed()
        guard checkEngine() else { return false }
        var isMoving = carryToPrinter()
        if carryToHost() { isMoving = true }
        let phaseBefore = phase
        guard checkExecution(), readReports(), checkCount() else { return false }
        if phase != phaseBefore { isMoving = true }
        if case .closing(let until) = phase {
            if now >= until { return false }
            if pending.isEmpty, engine.unacknowledgedLines == 0 { return askAtTheEnd() && countStep() }
        }
        return isMoving ? countStep() : advanceClock()
    }

    private mutating func endFaultsInTime() {
        guard let end = scenario.faultsEnd, !faultsAreOver, now >= start + end else { return }
        faultsAreOver = true
        printer.endFaults()
        trace.event("faults end", at: now)
    }

    // MARK: What the owner does

    private mutating func act() {
        while nextAction < scenario.actions.count, start + scenario.actions[nextAction].time <= now {
            perform(scenario.actions[nextAction].action)
            nextAction += 1
        }
        if printer.isWaitingForUser {
            if buttonAt == .max { buttonAt = now + 5_000_000_000 }
            if buttonAt <= now { printer.pressButton(at: now) }
        } else {
            buttonAt = .max
        }
        if case .recovering(let until) = phase, now >= until {
            trace.event("greeting the printer again", at: now)
            if printer.isHalted { printer.reset(at: now) }
            engine.synchronise(packing: scenario.packing, now: now)
            phase = .beginning
        }
        if phase == .beginning, engine.begin(now: now) {
            check.begun = job
            nextCommand = 0
            phase = .running
        }
    }

    private mutating func perform(_ action: Scenario.Action) {
        trace.event("\(action)", at: now)
        switch action {
        case .pause: _ = engine.pause()
        case .resume: _ = engine.resume()
        case .submit(let command):
            guard engine.submit(command.utf8.span, tag: nextTag) else { return }
            check.submit(command, tag: nextTag)
            pending[nextTag] = command
            nextTag += 1
        case .interruptHeating:
            engine.interruptHeating(now: now)
            // It goes out whatever is believed to be unacknowledged.
            linesSentBefore = engine.counters.linesSent
        case .cancel:
            guard phase == .running else { return }
            engine.cancel()
            endJob(recovery: nil)
        case .emergencyStop: engine.emergencyStop(now: now)
        }
    }

    /// Says M105 behind everything else, as an owner does all the time: a plain ok may have been another's, and a line that
    /// never arrived shows when the next one comes. False when that was done already.
    private mutating func askAtTheEnd() -> Bool {
        guard !hasAskedAtTheEnd else { return false }
        hasAskedAtTheEnd = true
        let command = "M105"
        guard engine.submit(command.utf8.span, tag: nextTag) else { return false }
        pending[nextTag] = command
        nextTag += 1
        return true
    }

    /// Goes on to the next job, after a pause for recovery where that is needed, or to the end.
    mutating func endJob(recovery: UInt64?) {
        job += 1
        if job == scenario.jobs.count {
            phase = .closing(until: now + 600_000_000_000)
        } else if let recovery {
            phase = .recovering(until: now + recovery)
        } else {
            phase = .beginning
        }
    }

    private mutating func feed() {
        var demand = engine.advance(now: now)
        while phase == .running, demand.wantsCommand, demand.outputCount < 200 {
            if nextCommand < scenario.jobs[job].count {
                let command = scenario.jobs[job][nextCommand]
                if engine.push(command.utf8.span, sourceEnd: UInt64(nextCommand), now: now) { nextCommand += 1 }
            } else {
                engine.endOfJob()
            }
            demand = engine.advance(now: now)
        }
    }

    // MARK: The wire

    private mutating func carryToPrinter() -> Bool {
        let count = wire.accepted(engine.outputCount, at: now)
        guard count > 0 else {
            printer.advance(to: now)
            return false
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        engine.withOutput { span in for index in 0..<count { bytes.append(span[index]) } }
        engine.wrote(count)
        trace.toPrinter(
            bytes, at: now, lines: engine.unacknowledgedLines, unacknowledged: engine.unacknowledgedBytes)
        if wire.isDeaf(at: now) { printer.advance(to: now) } else { printer.receive(bytes, at: now) }
        return true
    }

    private mutating func carryToHost() -> Bool {
        wire.collect(printer.takeOutput(at: now), at: now)
        let bytes = wire.read(at: now)
        guard !bytes.isEmpty else { return false }
        trace.toHost(bytes, at: now)
        engine.receive(bytes.span, now: now) { _, _ in }
        return true
    }

    private mutating func readReports() -> Bool {
        while let report = engine.nextReport() {
            switch report {
            case .synchronised, .oksLost: trace.event("\(report)", at: now)
            case .resend: break
            case .acknowledged(let tag):
                guard let command = pending.removeValue(forKey: tag) else {
                    return violate("priority command \(tag) was acknowledged twice")
                }
                if command != "M105" { acknowledged.append(command) }
            case .dropped(let tag):
                guard pending.removeValue(forKey: tag) != nil else {
                    return violate("priority command \(tag) was dropped though it was acknowledged")
                }
            case .jobFinished:
                trace.event("job \(job) finished", at: now)
                outcome.finishedJobs += 1
                guard engine.counters.jobCommands == UInt64(scenario.jobs[job].count) else {
                    return violate("finished with \(engine.counters.jobCommands) commands counted")
                }
                if let missing = check.missing(job), canTellTheEnd {
                    return violate("finished, but executed \(missing)")
                }
                check.finished.append(job)
                endJob(recovery: nil)
            case .jobFailed(let failure), .linkFailed(let failure):
                trace.event("\(report)", at: now)
                outcome.failures.append(failure)
                guard scenario.mayFailWith(failure) else { return violate("failed with \(failure)") }
                handleFailure(failure)
            }
        }
        return true
    }

    private mutating func handleFailure(_ failure: StreamFailure) {
        if failure == .emergencyStopped || failure == .printerHalted { printer.reset(at: now) }
        switch phase {
        case .running, .beginning: endJob(recovery: 25_000_000_000)
        case .recovering: phase = .recovering(until: now + 25_000_000_000)
        case .closing: break
        }
    }

    // MARK: Time

    private mutating func advanceClock() -> Bool {
        var target = min(engine.deadline, printer.nextDeadline ?? .max)
        target = min(target, wire.nextRead, buttonAt)
        if engine.outputCount > 0 { target = min(target, wire.writableAt) }
        if nextAction < scenario.actions.count { target = min(target, start + scenario.actions[nextAction].time) }
        if let end = scenario.faultsEnd, !faultsAreOver { target = min(target, start + end) }
        switch phase {
        case .recovering(let until), .closing(let until): target = min(target, until)
        case .beginning, .running: break
        }
        guard target != .max else { return violate("nobody has anything to do") }
        guard target > now else { return countStep() }
        stepsAtThisMoment = 0
        now = target
        return true
    }

    /// A round in which the clock stood still.
    private mutating func countStep() -> Bool {
        stepsAtThisMoment += 1
        return stepsAtThisMoment < 5000 || violate("busy loop")
    }

    mutating func violate(_ what: String) -> Bool {
        outcome.violation = outcome.violation ?? what
        return false
    }
}
