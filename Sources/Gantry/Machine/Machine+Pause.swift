import MarlinLink

/// What is done about a pause, beside feeding no more.
enum PauseWork: Sendable {
    /// Nothing: the print was never at rest.
    case none
    /// The printer paused by itself and comes back by itself: at its own display, or by an M601 of the file.
    case byPrinter
    /// The printer is asked to come to rest.
    case settling(UInt64)
    /// The pause script is executed.
    case scripted
    /// Done; `isTouched` tells that commands were sent since, which may have changed anything.
    case settled(PausePoint, isTouched: Bool)
    /// The way back has begun.
    case resuming
}

// Pausing and going on.
extension Machine {
    /// Pauses the job: feeding stops before this returns. Then, on a thread of its own, the printer comes to rest, its
    /// place is noted and the pause script executed; where the firmware is to pause by its own command, that is sent in place
    /// of all this. `runsScript` is false when the printer has paused by itself.
    public func pause(command: UInt64? = nil, runsScript: Bool = true) throws(MachineError) {
        try require(state == .printing, "Cannot pause when not printing.")
        try require(!core.withLock { $0.isPreparing }, "Cannot pause: the printer is being prepared for the print.")
        let link = try readyLink()
        // All of the file is at the printer: there is nothing left that could be held back.
        try require(link.snapshot.phase != .finishing, "Cannot pause: the print makes its last moves.")
        do { try link.pause() } catch { throw .link(error) }
        let order = runsScript ? identity.dialect.pause : nil
        let number = core.withLock { core in
            core.pauseNumber += 1
            core.pauseWork = runsScript && order == nil ? .settling(core.pauseNumber) : .byPrinter
            return core.pauseNumber
        }
        try require(change(.paused, command: command), "Cannot pause: the print has just ended.")
        if let order {
            // Behind what the printer has already; it comes to rest, parks and comes back by its own rules.
            send([order], to: link)
        } else if runsScript {
            _ = startThread { [self] in settle(link, number) }
        }
    }

    /// Goes on with a paused job: the resume script, then what the pause, a script or anybody else has changed since is brought back
    /// (see ``PausePoint``), then the job's next command. Waits for all of that, for temperatures too. `runsScript`
    /// is false when the printer has gone on by itself.
    public func resume(command: UInt64? = nil, runsScript: Bool = true) throws(MachineError) {
        if try answerPrinter() { return }
        try require(state == .paused, "Cannot resume when not paused.")
        let link = try readyLink()
        if let print = core.withLock({ $0.interrupted }) { return try takeUp(print, on: link, command: command) }
        try findFile()
        let work = try beginResuming()
        if runsScript {
            do throws(MachineError) {
                switch work {
                case .settled(let point, let isTouched): try goBack(to: point, isTouched: isTouched, on: link)
                case .byPrinter: try restore([identity.dialect.resume].compactMap { $0 }, on: link)
                default: break
                }
            } catch {
                core.withLock { core in
                    guard case .resuming = core.pauseWork else { return }
                    // What was done until here may have moved anything.
                    if case .settled(let point, _) = work { core.pauseWork = .settled(point, isTouched: true) }
                    if case .byPrinter = work { core.pauseWork = .byPrinter }
                }
                throw error
            }
        }
        do {
            try link.resume()
        } catch {
            core.withLock { $0.pauseWork = work }
            throw .link(error)
        }
        // Resuming until it prints: the printer's own "resumed" that comes meanwhile is no order. Unless it was paused anew.
        defer { core.withLock { core in if case .resuming = core.pauseWork { core.pauseWork = .none } } }
        try require(change(.resumed, command: command), "Cannot resume: the print has just ended.")
    }

    /// A printer that waits for its user in the midst of a print (M0, M600) is told to go on (M108), where it hears that.
    /// False when it does not wait, or cannot be told: then its button has to be pressed.
    private func answerPrinter() throws(MachineError) -> Bool {
        guard state == .printing, identity.hearsM108 else { return false }
        let link = try readyLink()
        guard link.snapshot.readings.waitsForUser || prompt != nil else { return false }
        do { try link.interruptHeating() } catch { throw .link(error) }
        core.withLock { $0.prompt = nil }
        return true
    }

    /// True while the way back to the print is under way: what the printer says of it is no news.
    var isResuming: Bool { core.withLock { if case .resuming = $0.pauseWork { true } else { false } } }

    /// Commands of somebody else go to the printer: it is in use, and a pause has more to restore than it knows.
    func noteForeignCommands() {
        tell(.used)
        core.withLock { core in
            if case .settled(let point, _) = core.pauseWork { core.pauseWork = .settled(point, isTouched: true) }
        }
    }

    // MARK: Pausing

    private func settle(_ link: PrinterLink, _ number: UInt64) {
        do throws(LinkError) {
            // Behind the M400 all that the printer had taken is executed.
            try link.run(["M400"], limit: Self.patience)
            guard core.withLock({ $0.state == .paused && $0.pauseNumber == number }) else { return }
            let readings = try link.inquire(limit: Self.patience)
            let isWanted = core.withLock { core in
                guard core.state == .paused, case .settling(number) = core.pauseWork else { return false }
                core.pauseWork = .scripted
                return true
            }
            guard isWanted, let commands = link.jobCommands else { return }
            let point = PausePoint(commands: commands, readings: readings)
            try runPauseScript(on: link, at: point)
            core.withLock { core in
                guard case .scripted = core.pauseWork else { return }
                core.pauseWork = .settled(point, isTouched: !scripts.pause.isEmpty)
            }
        } catch {
            core.withLock { core in
                switch core.pauseWork {
                case .settling(number), .scripted: core.pauseWork = .none
                default: break
                }
            }
            if state == .paused { tell(.warning("The pause script was not executed to its end: \(error)")) }
        }
    }

    private func runPauseScript(on link: PrinterLink, at point: PausePoint) throws(LinkError) {
        guard !scripts.pause.isEmpty else { return }
        var values = values
        if scripts.pause.needsState { values.state = try? jobState(after: point.commands) }
        for command in scripts.pause.rendered(values) {
            guard state == .paused else { return }
            try link.run([command], limit: Self.patience)
        }
    }

    // MARK: Going on

    /// Takes the pause over from whoever works at it; what there is to restore.
    private func beginResuming() throws(MachineError) -> PauseWork {
        let end = MonotonicTime.now + Self.patience
        while true {
            let work: PauseWork? = core.withLock { core in
                switch core.pauseWork {
                case .scripted: return nil
                case .resuming: return .resuming
                // Before the printer has come to rest nothing was done to it.
                case .none, .settling:
                    core.pauseWork = .resuming
                    return PauseWork.none
                case .settled, .byPrinter:
                    defer { core.pauseWork = .resuming }
                    return core.pauseWork
                }
            }
            if case .resuming = work { throw .wrongState("The print is going on already.") }
            if let work { return work }
            try require(state == .paused && MonotonicTime.now < end, "Cannot resume: the pause script does not end.")
            sleepBriefly()
        }
    }

    private func goBack(to point: PausePoint, isTouched: Bool, on link: PrinterLink) throws(MachineError) {
        var readings = try inquire(link)
        var isTouched = isTouched || point.isDisplaced(readings) || point.isCooler(readings)
        var values = values
        if !scripts.resume.isEmpty {
            if scripts.resume.needsState { values.state = try jobState(after: point.commands) }
            try restore(scripts.resume.rendered(values) + ["M400"], on: link)
            readings = try inquire(link)
            isTouched = true
        }
        guard isTouched else { return }
        var state = try jobState(after: point.commands)
        // Where the file leaves it open, as behind a home, the printer itself told where it was.
        if state.x == nil, point.readings.x.isFinite { state.x = Double(point.readings.x) }
        if state.y == nil, point.readings.y.isFinite { state.y = Double(point.readings.y) }
        if state.z == nil, point.readings.z.isFinite { state.z = Double(point.readings.z) }
        try restore(PausePoint.restoring(state, readings), on: link)
    }

    /// Executes commands while the job is paused, and no longer.
    func restore(_ commands: [String], on link: PrinterLink) throws(MachineError) {
        for command in commands {
            try require(state == .paused, "Cannot resume: the print has just ended.")
            do { try link.run([command], limit: Self.patience) } catch { throw .link(error) }
        }
    }

    func inquire(_ link: PrinterLink) throws(MachineError) -> PrinterReadings {
        do { return try link.inquire(limit: Self.patience) } catch { throw .link(error) }
    }

    /// What the job has set up; reads its file.
    private func jobState(after commands: UInt64) throws(MachineError) -> JobState {
        guard let job else { throw .wrongState("There is no job.") }
        do { return try JobReplay(file: job.file).state(after: commands) } catch { throw .file(error) }
    }

    /// Variables for scripts.
    var values: ScriptValues {
        var values = ScriptValues()
        guard let job else { return values }
        let snapshot = snapshot
        values.file = job.path.split(separator: "/").last.map(String.init)
        values.layer = snapshot.layer
        values.percent = JobProgress(snapshot: snapshot, size: job.file.size, elapsed: 0).percent
        return values
    }
}
