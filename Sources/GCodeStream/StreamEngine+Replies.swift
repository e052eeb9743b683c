// What comes in: acknowledgements, resends, trouble.

extension StreamEngine {
    mutating func handle(_ reply: Reply, now: UInt64) {
        // After a kill only a restart is news.
        guard !halted || reply == .start else { return }
        switch reply {
        case .ok, .resend, .busy, .busyForUser: lastSign = now
        default: break
        }
        switch reply {
        case .ok(let fields):
            acknowledge(fields, now: now)
        case .resend(let line):
            resend(line, now: now)
        case .busy, .busyForUser:
            busyUntil = now &+ settings.busyTime
        case .start:
            output.removeAll()
            fail(.printerReset, now: now)
        case .halted:
            output.removeAll()
            fail(.printerHalted, now: now)
            halted = true
        case .fatalError:
            fail(.firmwareError, now: now)
        case .wait:
            // Nothing to do at the printer, something unacknowledged here: ask soon, and let it settle first.
            if !inFlight.isEmpty, inFlight.probes == 0, now > lastProgress &+ settings.settleTime {
                lastProgress = now &- settings.probeTime
            }
        case .lineError, .otherError, .foreignError, .other:
            break
        }
    }

    // MARK: Acknowledgements

    /// How it is known that a line is settled.
    enum Evidence {
        /// The printer took it: its own ok, or that of a numbered line behind it, or a Resend for a later line.
        case proven
        /// A plain ok came and it was the oldest.
        case assumed
    }

    private mutating func acknowledge(_ fields: OkFields, now: UInt64) {
        learn(fields)
        if fields.hasTemperature, temperatureOks < 3 { temperatureOks += 1 }
        // What is answered now belongs to a count that is not the printer's.
        if let resync, resync.line == 0, !ignoresNextOk { return }
        if ignoresNextOk {
            ignoresNextOk = false
            // The ok of a Resend; nothing else can come of what was on the wire: no need to wait any longer.
            if let resync, resync.echoes <= 0, now >= quickResyncFrom { self.resync?.until = now }
            return
        }
        if fields.hasTemperature {
            acknowledgeMarker(now: now)
        } else if let line = fields.line, line > 0, let index = inFlight.index(of: line) {
            owedAnswers = 0
            release(through: index, as: .proven, now: now)
        } else if inFlight.isEmpty || (fields.line ?? .max) < (inFlight.first?.number ?? 0) {
            counters.oksSurplus += 1
        } else {
            release(through: 0, as: .assumed, now: now)
        }
    }

    /// An ok with temperatures: the oldest M105 that may still be answered, and everything before it, is settled.
    private mutating func acknowledgeMarker(now: UInt64) {
        if countedLine == nil, owedAnswers > 0 { owedAnswers -= 1 }
        let index = inFlight.firstMarker
        let marker = index.map { inFlight[$0].number } ?? .max
        if let early = earlyMarkers.oldest, index == nil {
            acknowledgeEarly(early)
        } else if let probe = givenUpProbes.oldest, probe < marker {
            acknowledgeLate(probe, now: now)
        } else if let index {
            if index > 0 {
                counters.oksLost += UInt64(index)
                reports.push(.oksLost(count: UInt32(truncatingIfNeeded: index)))
            }
            release(through: index, as: .proven, now: now)
        } else {
            counters.oksSurplus += 1
        }
    }

    /// The answer of an M105 that had been settled by somebody else's ok: what is really unacknowledged is all that was
    /// sent behind it.
    private mutating func acknowledgeEarly(_ number: UInt32) {
        earlyMarkers.remove(through: number)
        counters.oksSurplus += 1
        rebuildInFlight(from: number + 1)
        if graceUntil != nil, countedLine == number {
            graceUntil = nil
            countAnswer()
        }
    }

    /// An answer that may be a late one, of a probe that was given up: what was sent behind it is not settled by it. If it
    /// was not, the next answer makes up for that.
    private mutating func acknowledgeLate(_ probe: UInt32, now: UInt64) {
        givenUpProbes.remove(through: probe)
        tookLateAnswer = true
        lastProgress = now
        if let index = inFlight.lastIndex(below: probe) { release(through: index, as: .proven, now: now) }
        prove(through: probe, now: now)
    }

    private mutating func rebuildInFlight(from first: UInt32) {
        guard synchronisation == .done, sent.contains(first) || first == sent.next else { return }
        inFlight.removeAll()
        var number = first
        while number < cursor, !inFlight.isFull {
            inFlight.append(
                InFlight.Entry(
                    number: number, bytes: UInt8(truncatingIfNeeded: sent.length(of: number)),
                    isMarker: sent.isMarker(number)))
            number += 1
        }
    }

    /// Takes entries 0...index off.
    private mutating func release(through index: Int, as evidence: Evidence, now: UInt64) {
        for _ in 0...index {
            guard let entry = inFlight.removeFirst() else { break }
            if evidence == .proven {
                earlyMarkers.remove(through: entry.number)
            } else if entry.isMarker {
                earlyMarkers.remove(through: sent.oldest - 1)
                earlyMarkers.append(entry.number)
            }
            if entry.number > 0 {
                givenUpProbes.remove(through: entry.number)
                if evidence == .proven { prove(through: entry.number - 1, now: now) }
                settle(entry.number, as: evidence, now: now)
            } else if synchronisation == .renumbering {
                verifyCount(now: now)
            }
        }
        lastProgress = now
        probeAttempts = 0
        // What it was busy with is done.
        busyUntil = Swift.min(busyUntil, now)
    }

    /// Lines up to `number` that went without an answer of their own have arrived.
    private mutating func prove(through number: UInt32, now: UInt64) {
        guard number > provenThrough else { return }
        var line = Swift.max(provenThrough + 1, sent.oldest)
        provenThrough = number
        while line <= number {
            if inFlight.index(of: line) == nil { settle(line, as: .proven, now: now) }
            line += 1
        }
    }

    private mutating func settle(_ number: UInt32, as evidence: Evidence, now: UInt64) {
        if evidence == .proven {
            if number > provenThrough { provenThrough = number }
            strayRequests = 0
        }
        if number > highestSettled {
            highestSettled = number
            resendsWithoutProgress = 0
            repeatedResends = 0
        }
        switch sent.acknowledge(number) {
        case .job(let end):
            // Before the count of a new job is agreed on, these are the last lines of one that was cancelled.
            guard synchronisation == .done else { return }
            counters.jobCommands += 1
            if end > completedOffset { completedOffset = end }
        case .priority(let tag):
            reports.push(.acknowledged(tag: tag))
        case .engine:
            settleOwn(number, as: evidence, now: now)
        case nil:
            break
        }
    }

    /// Acknowledgement of the engine's own M105 and M400.
    private mutating func settleOwn(_ number: UInt32, as evidence: Evidence, now: UInt64) {
        guard synchronisation == .verifying || number == countedLine else { return }
        switch evidence {
        case .proven:
            countAnswer()
        case .assumed:
            // Firmware that puts its temperatures on a line of their own, or somebody else's ok: wait for a protest.
            graceUntil = now &+ settings.probeTime
        }
    }

    /// The M105 that counts: the first of a new count, or the one behind a job.
    var countedLine: UInt32? {
        if synchronisation == .verifying { return 1 }
        if case .ending(.verify(let line)) = job { return line }
        return nil
    }

    /// Something that looks like the answer of the M105 that counts. Behind a job it may be that of an earlier M105 for
    /// each that has gone without: so many more are sent and answered before the end is believed.
    private mutating func countAnswer() {
        if synchronisation == .done, owedAnswers > 0 {
            owedAnswers = Swift.min(owedAnswers, Self.mostAnswersAwaited) - 1
        } else {
            confirmMarker()
        }
    }

    /// A printer that owes more than that has never sent them.
    private static var mostAnswersAwaited: UInt32 { 8 }

    /// The M105 that counts was answered.
    mutating func confirmMarker() {
        if synchronisation == .verifying {
            synchronisation = .done
            synchronisationAttempts = 0
            reports.push(.synchronised)
        } else if case .ending(.verify) = job {
            job = .none
            mayHaveHeated = false
            reports.push(.jobFinished)
        }
    }

    private mutating func learn(_ fields: OkFields) {
        if let free = fields.queueFree, settings.followsAdvancedOk, settings.windowLines > 1 {
            // The command being executed still has its place in the queue: B is one less than its size.
            queueSize = Swift.max(Int(free) + 1, queueSize)
            window = Swift.min(queueSize, Limits.windowLines)
        }
        guard let free = fields.plannerFree else { return }
        if free > plannerSize { plannerSize = free }
        if job == .streaming, free == plannerSize, fields.line ?? 0 > 16 { counters.plannerEmpty += 1 }
    }

    // MARK: Resends

    private mutating func resend(_ line: UInt32?, now: UInt64) {
        counters.resendRequests += 1
        ignoresNextOk = true
        resendsWithoutProgress += 1
        guard resendsWithoutProgress <= settings.resendLimit * 10 else {
            resendsWithoutProgress = 0
            fail(.tooManyResends(line: line ?? 0), now: now)
            return
        }
        // A number that cannot be read is one that was damaged, or a count that went wrong (an MK3S can ask for line -950):
        // out of range, both.
        let line = line ?? 0
        switch synchronisation {
        case .none:
            return
        case .renumbering:
            startSettling(line: 0, now: now)
            return
        case .verifying where line < 1 || line > 1 && line >= firstUnsent:
            startSettling(line: 0, now: now)
            return
        case .wanted, .verifying, .done:
            break
        }
        if let resync, resync.line == line {
            extendSettling(resync, now: now)
            return
        }
        reports.push(.resend(line: line))
        countRepeats(of: line)
        guard repeatedResends <= settings.resendLimit else {
            fail(.tooManyResends(line: line), now: now)
            return
        }
        if line <= firstUnsent, line >= sent.oldest, line > 1 || isFirstLineOpen {
            strayRequests = 0
            startSettling(line: line, now: now)
            return
        }
        // Perhaps the number was damaged on its way: offer the oldest line that may be missing, and the printer says
        // again what it wants.
        strayRequests += 1
        if strayRequests < 3 {
            startSettling(line: oldestUnsettled, now: now)
        } else {
            fail(line == 1 ? .printerReset : .resendOutOfRange(line: line), now: now)
        }
    }

    /// Line 1 was proved when the count was agreed on: a printer that wants it again has restarted, or the number was
    /// damaged. Where it was only taken for granted, from a plain ok, it may be asked for in the very beginning.
    private var isFirstLineOpen: Bool {
        synchronisation == .verifying || provenThrough == 0 && firstUnsent <= UInt32(Limits.windowLines)
    }

    private var oldestUnsettled: UInt32 {
        for index in 0..<inFlight.count where inFlight[index].number > 0 { return inFlight[index].number }
        return cursor
    }

    private mutating func countRepeats(of line: UInt32) {
        if line == lastResend {
            repeatedResends += 1
        } else {
            repeatedResends = 1
            lastResend = line
        }
    }

    private mutating func startSettling(line: UInt32, now: UInt64) {
        graceUntil = nil
        earlyMarkers.removeAll()
        resync = Resync(
            line: line, until: now &+ settings.settleTime, echoes: line == 0 ? 1 : inFlight.linesAbove(line))
        // Nothing behind the refused line counts any more, and the line itself does not.
        if line > 0 {
            inFlight.truncate(from: line)
            givenUpProbes.remove(from: line)
        }
        probeAttempts = 0
        lastProgress = now
    }

    private mutating func extendSettling(_ current: Resync, now: UInt64) {
        var longer = current
        longer.until = now &+ settings.settleTime
        longer.echoes -= 1
        resync = longer
    }

    /// The wire is quiet: everything from the asked line on goes out again.
    mutating func finishResync(now: UInt64) {
        guard let resync else { return }
        self.resync = nil
        ignoresNextOk = false
        endsLineFirst = true
        quickResyncFrom = now &+ settings.settleTime * 4
        lastProgress = now
        if resync.line == 0 {
            inFlight.removeAll()
            cursor = sent.next
            requestSynchronisation(now: now)
            return
        }
        // The printer has the lines before it: it says so itself. Those it has not executed yet will be answered.
        prove(through: resync.line - 1, now: now)
        provenThrough = resync.line - 1
        counters.jobCommands -= Swift.min(sent.withdraw(from: resync.line), counters.jobCommands)
        cursor = resync.line
    }

    // MARK: Trouble

    /// Ends job and hopes. The reason is reported once.
    mutating func fail(_ failure: StreamFailure, now: UInt64) {
        let hadJob = job != .none
        job = .none
        hasStaged = false
        resync = nil
        graceUntil = nil
        earlyMarkers.removeAll()
        ignoresNextOk = false
        givenUpProbes.removeAll()
        switch failure {
        case .firmwareError, .commandTooLong, .lineNumbersExhausted:
            // The printer still answers what it has; such an ok would pass for that of the M110.
            break
        default:
            inFlight.removeAll()
        }
        cursor = sent.next
        while let tag = lane.dropFirst() { reports.push(.dropped(tag: tag)) }
        reports.push(hadJob ? .jobFailed(failure) : .linkFailed(failure))
        if failure == .notSynchronised || failure == .printerSilent { sayLastWords() }
        switch failure {
        case .printerReset, .printerHalted, .emergencyStopped, .notSynchronised:
            synchronisation = .none
        default:
            // The printer may still listen: agree on a count anew, so that heaters can be switched off.
            synchronisationAttempts = 0
            requestSynchronisation(now: now)
        }
    }

    /// Heaters off, without numbers, to a printer that takes no numbered line any more or is not heard: all that is left
    /// to do for a print that may have heated it. A printer that hears nothing is none the worse for it.
    private mutating func sayLastWords() {
        guard mayHaveHeated else { return }
        mayHaveHeated = false
        output.append("\nM104 S0\nM140 S0\n")
    }
}
