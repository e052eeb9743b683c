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
        case .skipped(let line):
            skipped(line, now: now)
        case .busy, .busyForUser:
            busyUntil = now &+ settings.busyTime
        case .start:
            output.removeAll()
            fail(.printerReset, now: now)
        case .alarm where settings.alarm == .commandFailed:
            fail(.firmwareError, now: now)
        case .halted, .alarm:
            output.removeAll()
            fail(.printerHalted, now: now)
            halted = true
        case .fatalError:
            fail(.firmwareError, now: now)
        case .wait:
            // Nothing to do at the printer, something unacknowledged here: ask soon, and let it settle first.
            if !inFlight.isEmpty, inFlight.probes == 0, now > lastProgress &+ settings.settleTime {
                // Sooner, never later: it says so every second.
                lastProgress = Swift.min(lastProgress, now &- settings.probeTime)
            }
        case .lineError, .otherError, .foreignError, .other:
            break
        }
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
            startSettling(line: oldestUnsettled, isAsked: false, now: now)
        } else {
            fail(line == 1 ? .printerReset : .resendOutOfRange(line: line), now: now)
        }
    }

    /// A line that was sent once cannot be a repeated one: the printer counts further than it should, and what it throws away
    /// is lost. Two such lines in a row, as a number may have been damaged on its way.
    private mutating func skipped(_ line: UInt32?, now: UInt64) {
        guard synchronisation == .done, let line, line > resentThrough, line < firstUnsent else { return }
        strayRequests += 1
        if strayRequests > 1 { fail(.resendOutOfRange(line: line), now: now) }
    }

    /// Line 1 was proved when the count was agreed on: a printer that wants it again has restarted, or the number was
    /// damaged. Where it was only taken for granted, from a plain ok, it may be asked for in the very beginning; and as long as
    /// nothing behind it is acknowledged, for it may have been executed as a command without a number.
    private var isFirstLineOpen: Bool {
        if synchronisation == .verifying { return true }
        guard firstUnsent <= UInt32(Limits.windowLines) else { return false }
        return provenThrough == 0 || provenThrough == 1 && highestSettled <= 1
    }

    private var oldestUnsettled: UInt32 {
        // What is about to be sent again has left the list.
        if let resync, resync.line > 0 { return resync.line }
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

    private mutating func startSettling(line: UInt32, isAsked: Bool = true, now: UInt64) {
        graceUntil = nil
        earlyMarkers.removeAll()
        resync = Resync(
            line: line, until: now &+ settings.settleTime, isAsked: isAsked,
            echoes: line == 0 ? 1 : inFlight.linesAbove(line))
        // Asked again for the same: a printer that empties its receive buffer with each error may have thrown away the
        // order to read packed lines, with the end of the line before it. That end goes alone, ahead of the pause.
        if sent.packing != .none, repeatedResends > 1 || synchronisationAttempts > 1 { output.endPacking() }
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
        if resync.isAsked { prove(through: resync.line - 1, now: now) }
        provenThrough = Swift.min(provenThrough, resync.line - 1)
        resentThrough = firstUnsent - 1
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
        appendPlain("M104 S0\nM140 S0\n")
        sent.packing = .none
    }
}
