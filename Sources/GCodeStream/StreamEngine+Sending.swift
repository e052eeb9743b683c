// What goes out: the choice of the next line, probes, timers.

extension StreamEngine {
    /// Fills the output as far as window and state allow.
    mutating func compose(now: UInt64) {
        guard resync == nil else { return }
        switch synchronisation {
        case .none, .renumbering:
            return
        case .wanted:
            if inFlight.isEmpty, cursor == sent.next {
                renumber(now: now)
                return
            }
        case .verifying, .done:
            break
        }
        // While a probe is out nothing follows it: its answer then tells where everything before it stands, and an
        // MK3S 3.13 that has a command queued behind an M105 gives an ok too many.
        guard inFlight.probes == 0 else { return }
        if isDrainDue {
            guard inFlight.isEmpty else { return }
            lastCheck = cursor
        }
        while output.free > Limits.longestOnWire, sendOne(now: now) {}
    }

    /// Sends one line if there is one and it fits.
    private mutating func sendOne(now: UInt64) -> Bool {
        guard inFlight.isEmpty || inFlight.count < window else { return false }
        if cursor < sent.next {
            guard hasRoom(for: sent.length(of: cursor)) else { return false }
            send(cursor, now: now)
            return true
        }
        guard synchronisation == .done else { return false }
        guard sent.next < Limits.lineNumber else {
            fail(.lineNumbersExhausted, now: now)
            return false
        }
        if isCheckDue {
            var command = CommandBuffer()
            command.set("M105")
            guard hasRoom(for: wireLength(of: command)) else { return false }
            lastCheck = cursor
            sent.add(command, origin: .engine)
        } else if !lane.isEmpty {
            let length = lane.firstWireLength(number: sent.next, packing: sent.packing)
            guard hasRoom(for: length) else { return false }
            lane.moveFirst(to: &sent)
        } else if hasStaged, job != .paused, job != .none {
            guard hasRoom(for: wireLength(of: staged)) else { return false }
            sent.add(staged, origin: .job(sourceEnd: stagedEnd))
            hasStaged = false
        } else if !addEndStep() {
            return false
        }
        send(cursor, now: now)
        return true
    }

    /// Plain oks tell nothing about what they answer, and surplus ones let the engine run ahead further and further: an
    /// M105 among the lines shows now and then where the printer really stands, well before the lines that it may ask
    /// for are forgotten.
    @inline(__always)
    private var isCheckDue: Bool { temperatureOks > 0 && lacksProof }

    /// On firmware that puts neither a number nor temperatures on an ok, all that shows is an empty window: a line whose
    /// ok got lost keeps its place in there, until nothing is sent for a moment and a probe clears it out.
    @inline(__always)
    private var isDrainDue: Bool { temperatureOks == 0 && lacksProof }

    @inline(__always)
    private var lacksProof: Bool {
        job == .streaming && cursor > lastCheck &+ Limits.linesBetweenChecks
            && cursor > provenThrough &+ Limits.linesBetweenChecks
    }

    /// Adds the command that comes next behind the last of a job; false when it is not its time.
    private mutating func addEndStep() -> Bool {
        guard case .ending(let step) = job, inFlight.isEmpty, graceUntil == nil else { return false }
        var command = CommandBuffer()
        switch step {
        case .sendingLast:
            job = .ending(.motion(line: sent.next))
            command.set("M400")
        case .motion, .verify:
            job = .ending(.verify(line: sent.next))
            command.set("M105")
        }
        sent.add(command, origin: .engine)
        return true
    }

    private mutating func send(_ number: UInt32, isProbe: Bool = false, now: UInt64) {
        var length = sent.length(of: number)
        if endsLineFirst {
            endsLineFirst = false
            length += lineEndLength
            endLine()
        }
        guard sent.copy(number, to: &output) else { return }
        cursor = number + 1
        if number < firstUnsent {
            counters.linesResent += 1
        } else {
            firstUnsent = cursor
            if countedLine == nil, sent.isMarker(number) { owedAnswers += 1 }
        }
        ignoresNextOk = false
        track(
            InFlight.Entry(
                number: number, bytes: UInt8(truncatingIfNeeded: length), isMarker: sent.isMarker(number),
                isProbe: isProbe),
            now: now)
    }

    /// Books a line that was put into the output.
    mutating func track(_ entry: InFlight.Entry, now: UInt64) {
        if inFlight.isEmpty { lastProgress = now }
        if inFlight.isEmpty {
            if lastHeard < now { lastHeard = now }
            lastSign = now
        }
        inFlight.append(entry)
        counters.linesSent += 1
        counters.bytesSent += UInt64(entry.bytes)
    }

    private mutating func hasRoom(for length: Int) -> Bool {
        if inFlight.isEmpty { return true }
        let extra = endsLineFirst ? lineEndLength : 0
        return inFlight.bytes + length + extra <= settings.windowBytes
    }

    /// Bytes that the command takes on the wire as the next line, or a few less.
    @inline(__always)
    private func wireLength(of command: borrowing CommandBuffer) -> Int {
        LineFormat.wireLength(number: sent.next, command: command, packing: sent.packing)
    }

    /// Ends whatever line may be open at the printer; where lines are packed, with that its decoder is brought into order, too.
    private mutating func endLine() {
        if sent.packing == .none {
            output.append(UInt8(ascii: "\n"))
        } else {
            output.beginPacking(sent.packing)
        }
    }

    @inline(__always)
    private var lineEndLength: Int { sent.packing == .none ? 1 : MeatPack.beginning }

    // MARK: Agreeing on the count

    mutating func requestSynchronisation(now: UInt64) {
        synchronisation = .wanted
        earlyMarkers.removeAll()
        graceUntil = nil
        repeatedResends = 0
        probeAttempts = 0
    }

    /// Sends `N0 M110`, which all firmware takes, whatever its count was. With the number behind it as well (`M110 N0`)
    /// Marlin sets its count a second time when it executes the command, behind whatever is queued, and takes back
    /// the lines that came in meanwhile.
    private mutating func renumber(now: UInt64) {
        synchronisationAttempts += 1
        guard synchronisationAttempts <= 10 else {
            synchronisation = .none
            fail(.notSynchronised, now: now)
            return
        }
        synchronisation = .renumbering
        sendRenumbering(now: now)
    }

    private mutating func sendRenumbering(now: UInt64) {
        var line = CommandBuffer()
        line.set("N0 M110*35\n")
        var length = line.count
        if sent.packing != .none || endsLineFirst {
            length += lineEndLength
            endLine()
        }
        endsLineFirst = false
        if sent.packing == .none {
            for index in 0..<line.count { output.append(line[index]) }
        } else {
            MeatPack.write(line, sent.packing, to: &output)
            length = lineEndLength + MeatPack.length(of: line, sent.packing)
        }
        track(InFlight.Entry(number: 0, bytes: UInt8(truncatingIfNeeded: length), isMarker: false), now: now)
    }

    /// The M110 was acknowledged: prove the count with a line that fits no other.
    mutating func verifyCount(now: UInt64) {
        sent.restart()
        cursor = 1
        firstUnsent = 1
        resentThrough = 0
        provenThrough = 0
        lastCheck = 0
        owedAnswers = 0
        givenUpProbes.removeAll()
        tookLateAnswer = false
        strayRequests = 0
        highestSettled = 0
        var command = CommandBuffer()
        command.set("M105")
        sent.add(command, origin: .engine)
        synchronisation = .verifying
    }

    // MARK: Time

    // Inlined, or the engine would be copied to be asked.
    @inline(__always)
    var nextDeadline: UInt64 {
        var result = UInt64.max
        if let resync { result = resync.until }
        if let graceUntil { result = Swift.min(result, graceUntil) }
        if !inFlight.isEmpty {
            result = Swift.min(result, probeAt)
            result = Swift.min(result, lastHeard &+ settings.silenceLimit)
            result = Swift.min(result, lastSign &+ settings.chatterLimit)
        }
        return result
    }

    /// When the next probe is due: later and later while none is answered. The first goes out whether the printer is busy
    /// or not: it waits there, and its answer comes right behind that of the command which takes so long, should that
    /// one get lost.
    @inline(__always)
    private var probeAt: UInt64 {
        if probeAttempts == 0, inFlight.probes == 0 { return lastProgress &+ settings.probeTime }
        // What is left is the probe alone: an M105 is answered at once.
        if inFlight.first?.isProbe ?? false { return Swift.max(lastProgress &+ settings.probeTime / 4, busyUntil) }
        // More lines than a window are only waited for after a mistake about what was acknowledged; they may leave no room for
        // a probe, and then nothing is heard before some of them are given up.
        if inFlight.probes == 0, inFlight.count > window, probeAttempts < 4 {
            return lastProgress &+ settings.probeTime
        }
        let interval = probeAttempts < 5 ? settings.probeTime << UInt64(probeAttempts) : settings.probeTime * 60
        return Swift.max(lastProgress &+ interval, busyUntil)
    }

    mutating func stepTimers(now: UInt64) {
        if let resync, now >= resync.until { finishResync(now: now) }
        if let graceUntil, now >= graceUntil { endGrace(now: now) }
        guard !inFlight.isEmpty, resync == nil else { return }
        if now >= lastHeard &+ settings.silenceLimit || now >= lastSign &+ settings.chatterLimit {
            fail(.printerSilent, now: now)
        } else if now >= probeAt {
            probe(now: now)
        }
    }

    /// The M105 that counts went with a plain ok, and its time is over.
    private mutating func endGrace(now: UInt64) {
        guard busyUntil <= now else {
            graceUntil = busyUntil
            return
        }
        graceUntil = nil
        // A printer that puts temperatures on the ok has not answered it: that ok was another's. Ask again: behind a
        // job `addEndStep` does.
        if temperatureOks == 0 {
            confirmMarker()
        } else {
            temperatureOks -= 1
            if synchronisation == .verifying { requestSynchronisation(now: now) }
        }
    }

    /// Asks where the printer stands, with the next line in order: an M105 of its own number, or the next of those that
    /// have to be sent again; while the count is agreed on, the M110 once more, which may come twice. The line break in
    /// front ends a line that lost its own.
    private mutating func probe(now: UInt64) {
        lastProgress = now
        // Only probes are left, and their time is over: their answers got lost, or they did, which the next line tells.
        if let first = inFlight.first, first.isProbe {
            giveUpProbes()
            inFlight.removeAll()
            endsLineFirst = true
            probeAttempts = 0
            return
        }
        probeAttempts += 1
        guard output.free >= Limits.longestOnWire else { return }
        let isRepeat = cursor < sent.next
        var command = CommandBuffer()
        command.set("M105")
        let length = lineEndLength + (isRepeat ? sent.length(of: cursor) : wireLength(of: command))
        if !hasRoom(forProbe: length) {
            // Earlier ones had their time.
            giveUpProbes()
            inFlight.removeProbes()
            // A line that is sent again may be longer than what is kept free for an M105. After some silence the newest lines
            // make room for it: if they did arrive, an answer behind them tells.
            while probeAttempts > 3, inFlight.count > 1, !hasRoom(forProbe: length) { inFlight.removeLast() }
            guard hasRoom(forProbe: length) else { return }
        }
        guard synchronisation == .renumbering || isRepeat || sent.next < Limits.lineNumber else { return }
        counters.probes += 1
        if synchronisation == .renumbering {
            endsLineFirst = true
            sendRenumbering(now: now)
            return
        }
        endsLineFirst = true
        if !isRepeat { sent.add(command, origin: .engine) }
        send(cursor, isProbe: !isRepeat, now: now)
        // The probe may be what gets lost.
        endsLineFirst = true
    }

    /// Their answers may be late. They are lost where one has just come that was taken for a late one: it was not, or the
    /// printer would have answered these too.
    private mutating func giveUpProbes() {
        defer { tookLateAnswer = false }
        guard !tookLateAnswer else { return }
        for index in 0..<inFlight.count where inFlight[index].isProbe { givenUpProbes.append(inFlight[index].number) }
    }

    private func hasRoom(forProbe length: Int) -> Bool {
        !inFlight.isFull && unacknowledgedBytesWaiting + length <= settings.windowBytes + probeAllowance
    }

    @inline(__always)
    private var probeAllowance: Int {
        sent.packing == .none ? Limits.probeAllowance : Limits.packedProbeAllowance
    }
}
