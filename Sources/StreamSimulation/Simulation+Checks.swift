import GCodeStream

// What must hold at every step of a simulation, and at its end.

extension Simulation {
    /// How long nothing may be executed while a job runs and nothing is in its way any more, in nanoseconds.
    private static var patience: UInt64 { 240_000_000_000 }

    /// What the engine asks of its owner and of the printer's buffers, after each `advance`.
    mutating func checkEngine() -> Bool {
        let bytes = engine.unacknowledgedBytes
        outcome.mostBytes = max(outcome.mostBytes, bytes)
        outcome.mostLines = max(outcome.mostLines, engine.unacknowledgedLines)
        let sent = engine.counters.linesSent
        if sent != linesSentBefore {
            linesSentBefore = sent
            // The oldest line is being executed and has left the receive buffer.
            let isPacked = scenario.packing != .none
            let probe = isPacked ? Limits.packedProbeAllowance : Limits.probeAllowance
            let interrupt = isPacked ? Limits.interruptAllowance : 6
            if engine.unacknowledgedBytesWaiting > scenario.settings.windowBytes + interrupt + probe {
                return violate("\(engine.unacknowledgedBytesWaiting) bytes wait at the printer")
            }
            // Until the first probe the window holds to the letter; M108 goes past it on purpose.
            if engine.counters.probes == 0, !usesInterrupt {
                if engine.unacknowledgedLines > engine.windowLines {
                    return violate("\(engine.unacknowledgedLines) lines in a window of \(engine.windowLines)")
                }
                if engine.unacknowledgedLines > 1, bytes > scenario.settings.windowBytes {
                    return violate("\(bytes) bytes in a window of \(scenario.settings.windowBytes)")
                }
            }
        }
        if engine.unacknowledgedBytes == 0 && engine.unacknowledgedLines > 0 { return violate("lost track of bytes") }
        if engine.outputCount == 0, engine.deadline <= now { return violate("a deadline that is over: busy loop") }
        return true
    }

    /// Whether each ok answers one line and all of them arrive: then the engine cannot be mistaken about what the printer
    /// has.
    static func answersAreClear(_ scenario: Scenario) -> Bool {
        let faults = scenario.faults
        return scenario.profile.answersEachCommandOnce && !faults.hasAnswerFaults && faults.miscountAfterCommands == nil
            && faults.resetAfterCommands == nil && scenario.wire.deafFrom == .max
    }

    /// Whether a host can know that all was executed. Where an ok says nothing about what it answers, doubled ones can make
    /// a long last command look as if it was over.
    var canTellTheEnd: Bool { scenario.profile.answersWhatWasExecuted && scenario.profile.tellsOksApart }

    /// Where the answers are clear: everything in the printer's queue is something that the engine waits for. What it
    /// has given up, a probe for example, it may be mistaken about.
    mutating func checkCount() -> Bool {
        guard hasClearAnswers else { return true }
        if engine.counters.probes > 0 || !outcome.failures.isEmpty || printer.hasStrayAnswers {
            hasClearAnswers = false
            return true
        }
        if printer.queuedNumberedCommands > engine.unacknowledgedLines {
            return violate(
                "the printer has \(printer.queuedNumberedCommands) commands, the engine waits for "
                    + "\(engine.unacknowledgedLines)")
        }
        return true
    }

    /// What the printer has executed since the last step, and whether anything goes on at all.
    mutating func checkExecution() -> Bool {
        if let problem = check.check(printer.executedCommands) { return judge(problem) }
        if check.executed != executedBefore || phase != .running || engine.status == .paused {
            executedBefore = check.executed
            lastProgress = now
            bytesAtProgress = engine.counters.bytesSent
            return true
        }
        if engine.counters.bytesSent - bytesAtProgress > 200_000 {
            return violate("sends and sends, and nothing is executed")
        }
        var since = max(lastProgress, start + (scenario.faultsEnd ?? 0))
        if scenario.wire.deafFrom != .max { since = max(since, start + scenario.wire.deafUntil) }
        // A printer that is dead is given up after the silence limit, and not before.
        if scenario.faults.silentAfterCommands != nil { since += scenario.settings.silenceLimit }
        if now > since + Self.patience + scenario.faults.stallMilliseconds * 1_000_000 {
            return violate("no progress for \(seconds(now - since)) s")
        }
        return true
    }

    /// A checksum of eight bits passes one in 256 of what a broken wire or a full receive buffer makes of two lines: no engine
    /// can help that. The run ends there. False always.
    private mutating func judge(_ problem: ExecutionCheck.Problem) -> Bool {
        let mayBeDamaged =
            !scenario.faults.toPrinter.isNone || scenario.wire.deafFrom != .max
            || printer.currentStatistics.bytesOverflowed > 0
        guard problem.isMangled, mayBeDamaged else { return violate(problem.text) }
        outcome.hasPassedDamage = true
        trace.event("damage that the checksum does not show: \(problem.text)", at: now)
        return false
    }

    /// Whether the printer may forget what it has answered: where it answers before it executes, nobody learns of that.
    private var mayForgetWhatItHas: Bool {
        let faults = scenario.faults
        return !scenario.profile.answersWhatWasExecuted
            && (faults.resetAfterCommands != nil || faults.silentAfterCommands != nil
                || faults.miscountAfterCommands != nil)
    }

    /// Lets the printer execute what it has, and looks whether everything that was promised came true.
    mutating func finalCheck() {
        for second in 1...200 + scenario.faults.stallMilliseconds / 1000 as ClosedRange<UInt64> {
            printer.advance(to: now + second * 1_000_000_000)
            if printer.isWaitingForUser { printer.pressButton(at: now + second * 1_000_000_000) }
        }
        guard outcome.violation == nil, !outcome.hasPassedDamage else { return }
        if let problem = check.check(printer.executedCommands) {
            _ = judge(problem)
            return
        }
        if outcome.finishedJobs == scenario.jobs.count, !check.isComplete {
            if mayForgetWhatItHas { return }
            outcome.violation = "finished, but executed \(check.progress)"
        } else if outcome.failures.isEmpty, scenario.faults.miscountAfterCommands == nil {
            if let command = acknowledged.first(where: { !check.wasExecuted($0) }) {
                outcome.violation = "\"\(command)\" was acknowledged and never executed"
            } else if let left = pending.values.min() {
                outcome.violation = "nothing was ever heard of \"\(left)\""
            }
        }
    }
}
