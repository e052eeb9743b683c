extension MarlinPrinter {
    /// When an unfinished line will be forgotten (MK3S 3.13.3 only).
    var unfinishedLineTimeout: UInt64? {
        guard let timeout = profile.line.unfinishedLineTimeout, !partialLine.isEmpty else { return nil }
        return queueHasRoom(blocked: !activity.isNone) ? lastByteAt + timeout : nil
    }

    /// Takes lines out of the receive buffer while the queue has room. True when something happened.
    mutating func readSerial(blocked: Bool) -> Bool {
        guard queueHasRoom(blocked: blocked) else { return readsOneMore && overread() }
        readsOneMore = false
        if overran {
            overran = false
            if let text = profile.line.fullBufferText {
                receiveBuffer.removeAll()
                say(text)
                return true
            }
        }
        var progressed = false
        let maximum = profile.line.maximumLength
        let splits = profile.line.long == .split
        while let byte = nextCharacter() {
            progressed = true
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || (splits && partialLine.count >= maximum) {
                // A line that is too long on MK3S ends here, and the byte that was too much is lost.
                guard endLine() else { break }
                guard queueHasRoom(blocked: blocked) else {
                    readsOneMore = profile.family == .prusa && blocked
                    break
                }
            } else if byte == UInt8(ascii: ";"), !inComment {
                inComment = true
            } else if !inComment, partialLine.count < maximum {
                partialLine.append(byte)
            }
        }
        if progressed { lastByteAt = now }
        if !progressed, let timeout = unfinishedLineTimeout, timeout <= now {
            partialLine.removeAll(keepingCapacity: true)
            inComment = false
            say("RX timeout")
            return true
        }
        return progressed
    }

    /// The MK3S notices that its queue is full only one byte later: the next line's first byte is taken already when
    /// an overflow throws the rest of it away.
    private mutating func overread() -> Bool {
        guard let byte = nextCharacter() else { return false }
        readsOneMore = false
        lastByteAt = now
        if byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r"), byte != UInt8(ascii: ";") {
            partialLine.append(byte)
        }
        return true
    }

    /// The next character of what has arrived, unpacked.
    private mutating func nextCharacter() -> UInt8? {
        guard meatPack != nil else { return receiveBuffer.pop() }
        while true {
            if let character = meatPack?.next() { return character }
            guard let byte = receiveBuffer.pop() else { return nil }
            meatPack?.take(byte)
            if let report = meatPack?.report() { say(profile.family == .prusa ? " " + report : report) }
        }
    }

    private func queueHasRoom(blocked: Bool) -> Bool {
        let rules = profile.queue
        guard queue.count < (blocked ? rules.commandsWhileBlocked : rules.commands) else { return false }
        guard let bytes = rules.bytes else { return true }
        // MK3S: each command has a header of three bytes and a zero; a longest line must still fit.
        return queue.textBytes + 4 * queue.count + CommandQueue.prusaReserve <= bytes
    }

    /// Handles the line that is complete; false when the rest of the buffer shall not be read now.
    private mutating func endLine() -> Bool {
        defer { partialLine.removeAll(keepingCapacity: true) }
        let wasComment = inComment
        if profile.line.comment != .swallowsLines || partialLine.isEmpty { inComment = false }
        guard !partialLine.isEmpty else {
            if wasComment, profile.line.comment == .acknowledged { sendOk(number: nil) }
            return true
        }
        guard !wasComment || profile.line.comment != .swallowsLines else { return true }
        statistics.linesReceived += 1
        switch lineCheck.verdict(on: partialLine, last: lastNumber) {
        case .accept(let range, let number, let last):
            if let last { lastNumber = last }
            if number == nil, actAtOnce(range) { return condition == .running }
            queue.push(partialLine, range, number: number)
            if profile.answers.onReceipt { sendOk(number: number) }
            return true
        case .skip(let number):
            statistics.repeatsDropped += 1
            say("skip \(number)")
            sendOk(number: nil)
            return true
        case .drop:
            statistics.repeatsDropped += 1
            return true
        case .refuse(let error):
            refuse(error)
            return false
        }
    }

    /// M112 and M108 without a line number act while they are read; M112 then never gets to the queue.
    private mutating func actAtOnce(_ range: Range<Int>) -> Bool {
        guard range.count == 4, partialLine[range.lowerBound] == UInt8(ascii: "M"),
            partialLine[range.lowerBound + 1] == UInt8(ascii: "1")
        else { return false }
        switch (partialLine[range.lowerBound + 2], partialLine[range.lowerBound + 3]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "2")):
            kill()
            return true
        case (UInt8(ascii: "0"), UInt8(ascii: "8")):
            if profile.family != .prusa { breakWaiting(userToo: false) }
            return false
        default: return false
        }
    }

    private mutating func refuse(_ error: LineError) {
        statistics.resendsRequested += 1
        let resendEnd = profile.text.resendEnd
        text.set(reason(for: error))
        text.append("\(profile.text.resend)\(lastNumber &+ 1)\(resendEnd)")
        send(text)
        for _ in 0..<profile.answers.oksAfterResend {
            if profile.family == .octoPrint {
                sendOk(number: nil)
            } else {
                statistics.oksSent += 1
                send(Array("ok\(resendEnd)".utf8))
            }
        }
        guard profile.line.errorFlushesBuffer else { return }
        // While it printed, more has arrived; all of it goes, the beginning of a line maybe whose end comes later.
        if configuration.baud == nil { receiveBuffer.removeAll() } else { flushWhenFree = true }
    }

    /// The firmware's words for a line that it refuses, with their line end.
    private func reason(for error: LineError) -> String {
        let end = profile.text.end
        switch (profile.answers.refusal, error) {
        case (.none, _): return ""
        case (.octoPrint, .notNext(let got)): return "Error: expected line \(lastNumber &+ 1) got \(got)\(end)"
        case (.octoPrint, _): return "Error: Missing checksum\(end)"
        case (.repetier, .notNext(let got)): return "Error:expected line \(lastNumber &+ 1) got \(got)\(end)"
        case (.repetier, _): return "Error:Wrong checksum\(end)"
        case (.marlin, .notNext): return "Error:Line Number is not Last Line Number+1, Last Line: \(lastNumber)\(end)"
        case (.marlin, .checksumMismatch): return "Error:checksum mismatch, Last Line: \(lastNumber)\(end)"
        case (.marlin, .noChecksum): return "Error:No Checksum with line number, Last Line: \(lastNumber)\(end)"
        case (.marlin, .noLineNumber): return "Error:No Line Number with checksum, Last Line: \(lastNumber)\(end)"
        }
    }

    // MARK: Sending

    /// Sends bytes as they are; on a paced line the processor waits for its transmitter, as an AVR without a
    /// transmit buffer does.
    mutating func send(_ bytes: [UInt8]) {
        output.send(bytes, at: max(now, processorFreeAt))
        if configuration.baud != nil { processorFreeAt = max(processorFreeAt, output.freeAt) }
    }

    /// Sends a line with the firmware's line end.
    mutating func say(_ line: String) {
        send(Array((line + profile.text.end).utf8))
    }

    /// The processor works for so long; free on an unpaced line.
    mutating func spend(_ nanoseconds: UInt64) {
        guard configuration.baud != nil else { return }
        processorFreeAt = max(processorFreeAt, now) + nanoseconds
    }

    // MARK: Acknowledging

    /// Ends the first command: `ok`, and out of the queue.
    mutating func finish() {
        activity = .none
        if faultsAreOn, configuration.faults.hasOkFaults, !profile.answers.onReceipt {
            let plan = configuration.faults
            if okFaults.chance(plan.lateOk) {
                statistics.faults += 1
                activity = .lateOk(at: now + plan.lateOkMilliseconds * 1_000_000)
                return
            }
        }
        finishNow()
    }

    mutating func finishNow() {
        if !profile.answers.onReceipt { sendOk(number: queue.frontNumber) }
        endCommand()
    }

    /// The first command is done without (more) `ok`.
    mutating func endCommand() {
        activity = .none
        if !queue.isEmpty { queue.removeFirst() }
    }

    /// Sends `ok`, with what ADVANCED_OK adds.
    mutating func sendOk(number: Int32?) {
        if losesOk() { return }
        if faultsAreOn, configuration.faults.hasOkFaults {
            if okFaults.chance(configuration.faults.doubledOk) {
                statistics.faults += 1
                sendOkOnce(number: number)
            }
        }
        sendOkOnce(number: number)
    }

    private mutating func sendOkOnce(number: Int32?) {
        statistics.oksSent += 1
        timers.nextWait = now + 1_000_000_000
        if profile.answers.lineNumber, let number {
            text.set("ok \(number)\(profile.text.end)")
            send(text)
            return
        }
        guard profile.capabilities.advancedOk else {
            send(okLine)
            return
        }
        text.removeAll(keepingCapacity: true)
        appendAdvancedOk(number: number)
        text.append(profile.text.end)
        send(text)
    }

    /// `ok N1 P14 B3`: line number if it had one, free places in planner and queue.
    mutating func appendAdvancedOk(number: Int32?) {
        text.append("ok")
        if profile.family == .octoPrint {
            text.append(" N")
            text.append(integer: Int(lastNumber))
        } else if let number {
            text.append(" N")
            text.append(integer: Int(number))
        }
        planner.retire(at: now)
        text.append(" P")
        text.append(integer: planner.free)
        text.append(" B")
        let room = profile.family == .octoPrint ? planner.free : profile.queue.commands - max(1, queue.count)
        text.append(integer: max(0, room))
    }

    /// Counts an `ok` or what stands for one; true when the plan has it lost.
    mutating func losesOk() -> Bool {
        oksDue += 1
        guard faultsAreOn else { return false }
        let isLost = configuration.faults.lostOkNumber == oksDue || okFaults.chance(configuration.faults.lostOk)
        if isLost { statistics.faults += 1 }
        return isLost
    }

    /// Byte and `ok` faults may be limited to the first commands.
    var faultsAreOn: Bool {
        guard !faultsAreOver else { return false }
        guard let end = configuration.faults.endAfterCommands else { return true }
        return statistics.commandsExecuted < end
    }
}
