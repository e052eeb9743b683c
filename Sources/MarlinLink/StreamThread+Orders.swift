import CSerial
import GCodeStream

// What the stream thread does for others: greets the printer, obeys orders, tells the news.

extension StreamThread {
    /// Tag of the thread's own temperature queries; the tags of others are below 2^31.
    private static var queryTag: UInt32 { .max }

    // MARK: Greeting and queries

    mutating func greet(now: UInt64) {
        guard isAsking else { return }
        if packingQuestion != nil { askForPacking(now: now) }
        if question != nil { askForCount(now: now) }
        guard greeting != nil else { return }
        if greeting?.advance(now: now) == true { ask() }
        switch greeting?.outcome {
        case .running, nil:
            return
        case .answered:
            if let greeting { greeted = (configuration.firmware.applied(to: greeting.dialect), greeting.sawStart) }
            greeting = nil
            engine.adopt(configuration.stream(for: greeted.dialect))
            tell(.greeted)
            packing = .none
            if configuration.meatPack {
                packingQuestion = PackingQuestion(now: now)
                askForPacking(now: now)
            } else {
                findContinuation(now: now)
            }
        case .some(let failure):
            greeting = nil
            running = false
            publish()
            tell(.greetingFailed(failure))
        }
    }

    private mutating func askForPacking(now: UInt64) {
        if packingQuestion?.advance(now: now) == true { write("\n", bytes: (0xFF, 0xFF, 0xF8), "\n") }
        guard let isKnown = packingQuestion?.answer else { return }
        packingQuestion = nil
        if isKnown { packing = greeted.dialect.packing }
        findContinuation(now: now)
    }

    /// Before the count begins anew: what has the printer taken of the job that another process began? Asked once.
    private mutating func findContinuation(now: UInt64) {
        guard let remains = ledger?.remains, !wasAsked else { return engine.synchronise(packing: packing, now: now) }
        wasAsked = true
        if remains.lastLine == 0, remains.firstCommand == 0 {
            settle(.commands(0), now: now)
        } else if greeted.sawStart {
            settle(.printerRestarted, now: now)
        } else {
            question = CountQuestion(now: now, lastLine: remains.lastLine)
        }
    }

    /// Tells what the printer has taken, and begins its count anew. That is in the ledger first: should this process end
    /// as well, the printer's new count says nothing of the old lines.
    private mutating func settle(_ continuation: Continuation, now: UInt64) {
        if case .commands(let commands) = continuation, let job = ledger?.remains?.job {
            ledger?.begin(job: job, after: commands)
        } else {
            ledger?.clear()
        }
        tell(.continuation(continuation))
        engine.synchronise(packing: packing, now: now)
    }

    private static func continuation(_ remains: LineLedger.Remains?, at line: UInt32) -> Continuation {
        guard let remains else { return .unknown }
        // It was asked before, by a process that ended too, and counted anew then. A printer that counts from 0 was
        // switched off since.
        if remains.lastLine == 0 { return line > 0 ? .commands(remains.firstCommand) : .printerRestarted }
        return remains.commands(through: line).map { .commands($0) } ?? (line == 0 ? .printerRestarted : .unknown)
    }

    private mutating func askForCount(now: UInt64) {
        if question?.advance(now: now) == true, let farLine = question?.farLine {
            var command = CommandBuffer()
            var line = CommandBuffer()
            for byte in "M105".utf8 { command.append(byte) }
            LineFormat.compose(number: farLine, command: command, into: &line)
            // The line break ends whatever another process left half written.
            write("\n")
            line.withBytes { span in
                _ = span.withUnsafeBufferPointer { cserial_write(port.descriptor, $0.baseAddress, $0.count) }
            }
        }
        let answer: Continuation
        switch question?.outcome {
        case .running, nil: return
        case .unknown: answer = .unknown
        case .line(let line): answer = Self.continuation(ledger?.remains, at: line)
        }
        question = nil
        settle(answer, now: now)
    }

    private mutating func ask() {
        // Whoever wrote last may have switched packing on.
        if greeting?.isDeaf ?? false { write(bytes: (0xFF, 0xFF, 0xF9)) }
        // The line break ends whatever the board may have got from somebody else.
        write("\nM115\n")
    }

    /// Past the engine, which does not speak before the greeting is over.
    func write(_ before: StaticString = "", bytes: (UInt8, UInt8, UInt8)? = nil, _ behind: StaticString = "") {
        _ = cserial_write(port.descriptor, before.utf8Start, before.utf8CodeUnitCount)
        if let bytes {
            withUnsafeBytes(of: bytes) { raw in
                _ = cserial_write(port.descriptor, raw.baseAddress?.assumingMemoryBound(to: UInt8.self), raw.count)
            }
        }
        _ = cserial_write(port.descriptor, behind.utf8Start, behind.utf8CodeUnitCount)
    }

    private mutating func greetAgain(now: UInt64) {
        pollsTemperature = false
        pollPending = false
        packingQuestion = nil
        greeting = Greeting(now: now, limit: configuration.greetingLimit, isBooting: true)
    }

    /// Firmware without auto-reports is asked, one question at a time.
    mutating func pollTemperature(now: UInt64) {
        guard pollsTemperature, now >= nextPoll else { return }
        nextPoll = now &+ configuration.pollInterval
        guard !pollPending, !snapshot.readings.isHeating else { return }
        pollPending = submit("M105")
    }

    private mutating func submit(_ text: StaticString) -> Bool {
        var query = CommandBuffer()
        for index in 0..<text.utf8CodeUnitCount { query.append(text.utf8Start[index]) }
        return query.withBytes { engine.submit($0, tag: Self.queryTag) }
    }

    // MARK: Orders

    mutating func obey(_ order: LinkOrder, now: UInt64) {
        isStale = true
        switch order {
        case .none: break
        case .beginJob(let number): beginJob(number, now: now)
        case .replaceReader(let number): replaceReader(number)
        case .pause: _ = engine.pause()
        case .resume: _ = engine.resume()
        case .cancel:
            endReader()
            engine.cancel()
        case .emergencyStop: engine.emergencyStop(now: now)
        case .interruptHeating: engine.interruptHeating(now: now)
        case .answerPrompt(let button): engine.answerPrompt(button, now: now)
        case .reset: reset(now: now)
        case .submit(let command, let tag):
            let taken = command.withBytes { engine.submit($0, tag: tag) }
            if !taken { tell(.report(.dropped(tag: tag), errorText: CommandBuffer(), job: job)) }
        }
    }

    private mutating func beginJob(_ number: UInt32, now: UInt64) {
        guard let next = shared.takeReader() else { return }
        job = number
        guard !isAsking,
            engine.begin(after: next.start.commands, now: now)
        else {
            // The printer restarted or halted in the moment of the order.
            next.cancel()
            let failure: StreamFailure = engine.status == .halted ? .printerHalted : .printerReset
            tell(.report(.jobFailed(failure), errorText: engine.errorText, job: job))
            return
        }
        reader = next
        jobEnd = 0
        snapshot.layer = next.start.layer
        snapshot.jobTaken = next.start.commands
        notedLine = 0
        snapshot.readings.progress = -1
        snapshot.readings.minutesLeft = -1
    }

    private mutating func replaceReader(_ number: UInt32) {
        guard let next = shared.takeReader() else { return }
        guard number == job, engine.status == .paused, next.start.commands == snapshot.jobTaken else {
            next.cancel()
            return
        }
        endReader()
        reader = next
        // It counts from the file's beginning.
        jobEnd = 0
    }

    mutating func endReader() {
        reader?.cancel()
        reader = nil
        starving = false
    }

    private mutating func reset(now: UInt64) {
        let done = port.pulseReset()
        if done {
            endReader()
            engine = StreamEngine(settings: configuration.stream)
            greetAgain(now: cserial_monotonic_ns())
        }
        tell(.resetDone(done))
    }

    // MARK: News

    mutating func deliverReports(now: UInt64) {
        var isFirst = true
        while let report = engine.nextReport() {
            if report == .acknowledged(tag: Self.queryTag) || report == .dropped(tag: Self.queryTag) {
                pollPending = false
                continue
            }
            react(to: report, now: now)
            // Who hears the news finds the figures that belong to it.
            if isFirst { publish() }
            isFirst = false
            tell(.report(report, errorText: engine.errorText, job: job))
        }
        if let wanted = shared.takePolling() {
            pollsTemperature = wanted
            nextPoll = now
        }
    }

    /// Does what a report demands of this thread.
    private mutating func react(to report: StreamReport, now: UInt64) {
        switch report {
        case .jobFailed(let failure), .linkFailed(let failure):
            // A query that was on the wire is not settled any more.
            pollPending = false
            endReader()
            if failure == .printerReset { greetAgain(now: now) }
        default: break
        }
    }
}
