/// What a command that blocks is waiting for. The firmware reads its line meanwhile, as far as its queue has room.
enum Activity: Sendable {
    case none
    /// For the planner to run empty; then `next`.
    case waitingForMoves(then: AfterMoves)
    /// For a free place in the planner, for this move.
    case waitingForRoom(target: SIMD4<Double>, duration: UInt64)
    /// Until a moment (G4, G28, G29).
    case busyUntil(UInt64, then: AfterTime)
    case heating(HeatWait)
    /// For the button; `acknowledges` when a command waits for its `ok`.
    case waitingForUser(acknowledges: Bool)
    /// An `ok` that the fault plan delays.
    case lateOk(at: UInt64)
    /// For a while without a word, before the command that is due (a fault).
    case stalled(until: UInt64)

    var isNone: Bool {
        if case .none = self { return true }
        return false
    }
}

/// What follows when all moves are done.
enum AfterMoves: Sendable { case nothing, dwell(UInt64), home, mesh, user, position }

/// What follows when the time has come.
enum AfterTime: Sendable { case nothing, homed }

/// A wait for a temperature (M109, M190).
struct HeatWait: Sendable {
    var isBed: Bool
    var nextReport: UInt64
    /// When the temperature will be within the window.
    var reachedAt: UInt64
    /// When it will have held long enough.
    var doneAt: UInt64
}

/// Moments at which the firmware speaks without being asked.
struct Timers: Sendable {
    var busyInterval: UInt64 = 0
    var nextBusy: UInt64 = 0
    var temperatureInterval: UInt64 = 0
    var nextTemperature: UInt64 = 0
    var positionInterval: UInt64 = 0
    var nextPosition: UInt64 = 0
    var nextWait: UInt64 = 0
    /// Remaining lines of a homing, at their moments.
    var homing: [(at: UInt64, text: String)] = []
}

extension MarlinPrinter {
    /// The next moment at which something happens by itself.
    var nextEvent: UInt64? {
        var next = input.nextLineAt(isPacked: meatPack?.isActive ?? false)
        switch condition {
        case .silent: return next
        case .halted(let rebootAt): return earliest(next, rebootAt)
        case .booting(let start, let step, let afterKill):
            return earliest(next, bootStepTime(start: start, step: step, afterKill: afterKill))
        case .running: break
        }
        if processorFreeAt > now { return earliest(next, processorFreeAt) }
        next = earliest(next, timerEvent)
        next = earliest(next, activityEvent)
        if let timeout = unfinishedLineTimeout { next = earliest(next, timeout) }
        return next
    }

    private var timerEvent: UInt64? {
        var next: UInt64?
        if timers.temperatureInterval > 0 { next = earliest(next, timers.nextTemperature) }
        if timers.positionInterval > 0 { next = earliest(next, timers.nextPosition) }
        if isSayingBusy { next = earliest(next, timers.nextBusy) }
        if let line = timers.homing.first { next = earliest(next, line.at) }
        if profile.capabilities.waitText != nil, activity.isNone { next = earliest(next, timers.nextWait) }
        return next
    }

    private var activityEvent: UInt64? {
        switch activity {
        case .none, .waitingForUser: nil
        case .waitingForMoves: max(planner.lastEnd, now)
        case .waitingForRoom: max(planner.firstEnd, now)
        case .busyUntil(let time, _): time
        case .heating(let wait): min(wait.nextReport, wait.doneAt)
        case .lateOk(let time), .stalled(let time): time
        }
    }

    var isSayingBusy: Bool {
        guard timers.busyInterval > 0 else { return false }
        switch activity {
        case .none, .lateOk, .stalled: return false
        case .heating: return profile.capabilities.busyWhileHeating
        default: return true
        }
    }

    /// Starts to wait; the first busy message comes one interval later.
    mutating func begin(_ activity: Activity) {
        self.activity = activity
        timers.nextBusy = now + timers.busyInterval
    }

    /// Does everything that is due now, until only time or the host can bring more.
    mutating func settle() {
        takeArrivedBytes()
        switch condition {
        case .silent: return
        case .halted(let rebootAt):
            if let rebootAt, rebootAt <= now { restart(afterKill: true) }
            return
        case .booting: continueBoot()
        case .running: break
        }
        while condition == .running, processorFreeAt <= now {
            if sayWhatIsDue() { continue }
            guard step() else { break }
        }
    }

    /// Unpaced: moves what the host sent into the receive buffer, piece by piece, as fast as the firmware takes it.
    mutating func takeInEverything() {
        if condition != .running {
            settle()
            return
        }
        repeat {
            takeArrivedBytes(losing: false)
            if !input.isEmpty, condition == .running, step() { continue }
            // The buffer is full and the firmware does not read: the rest is lost.
            takeArrivedBytes()
        } while !input.isEmpty && condition == .running
        settle()
    }

    /// Moves arrived bytes into the receive buffer; what does not fit is lost.
    private mutating func takeArrivedBytes(losing: Bool = true) {
        let arrived = input.arrived(at: now)
        guard arrived > 0 else { return }
        let range = input.move(arrived, into: &receiveBuffer)
        statistics.bytesReceived += range.count
        if profile.capabilities.emergencyParser { seeEmergencies(in: range) }
        guard losing, range.count < arrived else { return }
        input.drop(arrived - range.count)
        statistics.bytesReceived += arrived - range.count
        guard condition == .running else { return }
        overran = true
        statistics.bytesOverflowed += arrived - range.count
        statistics.overflows += 1
    }

    private mutating func seeEmergencies(in range: Range<Int>) {
        for index in range {
            guard let command = emergency.see(input.bytes[index]), condition == .running else { continue }
            switch command {
            case .kill: kill()
            case .quickStop: quickStop()
            case .breakWaiting: breakWaiting(userToo: true)
            case .answer: if case .waitingForUser(true) = activity { finish() }
            }
        }
    }

    /// One visit to the firmware's main loop. False when it has nothing to do now.
    private mutating func step() -> Bool {
        if flushWhenFree {
            flushWhenFree = false
            receiveBuffer.removeAll()
        }
        if !activity.isNone {
            let read = readSerial(blocked: true)
            guard processorFreeAt <= now, condition == .running else { return read }
            return continueActivity() || read
        }
        let read = readSerial(blocked: false)
        guard processorFreeAt <= now, condition == .running, !queue.isEmpty else { return read }
        executeFront()
        return true
    }

    /// Messages of timers. True when one was sent.
    private mutating func sayWhatIsDue() -> Bool {
        if let line = timers.homing.first, line.at <= now {
            timers.homing.removeFirst()
            send(Array(line.text.utf8))
            return true
        }
        if isSayingBusy, timers.nextBusy <= now {
            timers.nextBusy = now + timers.busyInterval
            if case .waitingForUser = activity { say(profile.text.busyForUser) } else { say(profile.text.busy) }
            return true
        }
        if timers.temperatureInterval > 0, timers.nextTemperature <= now {
            timers.nextTemperature += timers.temperatureInterval
            reportTemperatures(automatic: true)
            return true
        }
        if timers.positionInterval > 0, timers.nextPosition <= now {
            timers.nextPosition += timers.positionInterval
            reportPosition()
            return true
        }
        if let wait = profile.capabilities.waitText, activity.isNone, timers.nextWait <= now {
            timers.nextWait = now + 1_000_000_000
            say(wait)
            return true
        }
        return false
    }

    // MARK: Start, stop, restart

    private func bootStepTime(start: UInt64, step: Int, afterKill: Bool) -> UInt64 {
        let lines = bootLines(afterKill: afterKill)
        return start + 1_000_000 * (step < lines.count ? lines[step].milliseconds : readyMilliseconds(afterKill))
    }

    private func bootLines(afterKill: Bool) -> [(milliseconds: UInt64, text: String)] {
        let script = profile.boot
        return afterKill && !script.afterKill.isEmpty ? script.afterKill : script.lines
    }

    private func readyMilliseconds(_ afterKill: Bool) -> UInt64 {
        let last = bootLines(afterKill: afterKill).last?.milliseconds ?? 0
        return afterKill ? last + 500 : max(last, profile.boot.readyMilliseconds)
    }

    private mutating func continueBoot() {
        while case .booting(let start, let step, let afterKill) = condition {
            guard bootStepTime(start: start, step: step, afterKill: afterKill) <= now else { return }
            let lines = bootLines(afterKill: afterKill)
            if step < lines.count {
                condition = .booting(start: start, step: step + 1, afterKill: afterKill)
                send(Array(lines[step].text.utf8))
            } else {
                condition = .running
                processorFreeAt = max(processorFreeAt, now)
                if afterKill {
                    // MK3S 3.13.3 shows the reason of the kill and waits for the button.
                    timers.busyInterval = 500_000_000
                    begin(.waitingForUser(acknowledges: false))
                }
            }
        }
    }

    /// The firmware starts anew and has forgotten everything.
    mutating func restart(afterKill: Bool) {
        statistics = currentStatistics
        statistics.faults -= input.damage.faults + output.damage.faults
        statistics.resets += 1
        input.discard()
        receiveBuffer = ByteRing(size: profile.queue.receiveBuffer)
        if meatPack != nil { meatPack = MeatPackInput() }
        partialLine.removeAll(keepingCapacity: true)
        inComment = false
        lastNumber = 0
        queue.removeAll()
        flushWhenFree = false
        overran = false
        readsOneMore = false
        emergency = EmergencyParser()
        activity = .none
        processorFreeAt = 0
        state = MachineState(profile.machine)
        planner = Planner(
            profile.machine, origin: profile.machine.startPosition, isInstant: configuration.timeScale.isInfinite)
        hotend.set(0, at: now)
        bed.set(0, at: now)
        timers = Timers()
        timers.busyInterval = profile.capabilities.busySeconds * 1_000_000_000
        let start = now + (afterKill ? 0 : configuration.bootloaderMilliseconds * 1_000_000)
        condition = .booting(start: start, step: 0, afterKill: afterKill)
        continueBoot()
    }

    /// M112: heaters off, message, dead until a reset (or until the firmware restarts itself).
    mutating func kill() {
        hotend.set(0, at: now)
        bed.set(0, at: now)
        for line in profile.text.kill {
            if line.hasSuffix("\n") { send(Array(line.utf8)) } else { say(line) }
        }
        activity = .none
        condition = .halted(rebootAt: profile.capabilities.rebootAfterKill.map { now + $0 })
    }

    mutating func quickStop() {
        state.position = planner.stop(at: now)
    }

    /// M108: ends waiting for a temperature, with the emergency parser for the user too.
    mutating func breakWaiting(userToo: Bool) {
        switch activity {
        case .heating: finish()
        case .waitingForUser(true) where userToo: finish()
        default: break
        }
    }
}
