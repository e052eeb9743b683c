// What an ok settles.

extension StreamEngine {
    /// How it is known that a line is settled.
    enum Evidence {
        /// The printer took it: its own ok, or that of a numbered line behind it, or a Resend for a later line.
        case proven
        /// A plain ok came and it was the oldest.
        case assumed
    }

    mutating func acknowledge(_ fields: OkFields, now: UInt64) {
        learn(fields)
        if fields.hasTemperature, temperatureOks < Self.mostTemperatureOks { temperatureOks += 1 }
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
        } else if inFlight.isEmpty || (fields.line ?? .max) < (inFlight.first?.number ?? 0) || !isWritten(0) {
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
        } else if let index, isWritten(index) {
            if index > 0 {
                counters.oksLost += UInt64(index)
                reports.push(.oksLost(count: UInt32(truncatingIfNeeded: index)))
            }
            release(through: index, as: .proven, now: now)
        } else {
            counters.oksSurplus += 1
        }
    }

    /// Whether the port has taken all of that line: before it has, no ok can be its.
    @inline(__always)
    private mutating func isWritten(_ index: Int) -> Bool {
        output.count == 0 || output.count <= inFlight.bytes(behind: index)
    }

    /// The answer of an M105 that had been settled by somebody else's ok: what is really unacknowledged is all that was
    /// sent behind it.
    private mutating func acknowledgeEarly(_ number: UInt32) {
        earlyMarkers.remove(through: number)
        counters.oksSurplus += 1
        rebuildInFlight(from: number + 1)
        guard graceUntil != nil, let counted = countedLine, counted >= number else { return }
        graceUntil = nil
        if counted == number { countAnswer() }
    }

    /// An answer that may be a late one, of a probe that was given up: what was sent behind it is not settled by it. If it
    /// was not late, the next answer makes up for that.
    private mutating func acknowledgeLate(_ probe: UInt32, now: UInt64) {
        givenUpProbes.remove(through: probe)
        tookLateAnswer = true
        // An M105 is answered at once: soon it is clear whether this one was late.
        lastProgress = now &- settings.probeTime / 4 * 3
        if let index = inFlight.lastIndex(below: probe) { release(through: index, as: .proven, now: now) }
        prove(through: probe, now: now)
    }

    private mutating func rebuildInFlight(from first: UInt32) {
        guard synchronisation == .done, sent.contains(first) || first == sent.next else { return }
        counters.jobCommands -= Swift.min(sent.withdraw(from: first), counters.jobCommands)
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
    mutating func prove(through number: UInt32, now: UInt64) {
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

    /// So many M105s have to go without temperatures on their ok before a printer counts as one that puts none there:
    /// more than a run of surplus oks brings about.
    private static var mostTemperatureOks: UInt8 { 16 }

    /// The M105 that counts was answered.
    mutating func confirmMarker() {
        if synchronisation == .verifying {
            synchronisation = .done
            synchronisationAttempts = 0
            reports.push(.synchronised)
        } else if case .ending(.verify) = job {
            job = .none
            mayHaveHeated = false
            // Lines that surplus oks made it forget before they were known to have arrived are counted now.
            counters.jobCommands = sent.jobCommands
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
}
