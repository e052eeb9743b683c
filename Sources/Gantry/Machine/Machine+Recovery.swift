import MarlinLink

/// A print that ended without anybody's will: with the process, the printer's power or the connection.
struct InterruptedPrint: Sendable, Equatable {
    /// How it can go on.
    enum Way: Sendable, Equatable {
        /// Not known before the printer is asked.
        case unknown
        /// The printer kept everything and has taken exactly these commands.
        case continues(after: UInt64)
        /// The printer has lost its place: it has to be prepared, and the print begins again behind these commands.
        case recovers(after: UInt64)
    }

    var record: JobRecord
    var progress: PrintProgress
    var way: Way

    init(_ interruption: PrintJournal.Interruption) {
        record = interruption.record
        progress = interruption.progress
        way = .unknown
    }

    /// A print that ended in this life.
    init(_ job: Job, commands: UInt64) {
        record = JobRecord(job)
        progress = PrintProgress(commands: commands, seconds: UInt64(max(job.elapsed(at: .now), 0)))
        way = .recovers(after: Self.before(commands))
    }

    /// What was acknowledged last was in the printer's queue and planner and is not executed: printing a little twice does
    /// less harm than leaving it out.
    static func before(_ commands: UInt64) -> UInt64 { commands - min(commands, 24) }

    /// Opens the file; nil with the reason when it is not the one that was printed.
    func open() -> (file: JobFile?, problem: String) {
        let file: JobFile
        do { file = try JobFile(path: record.file) } catch { return (nil, error.description) }
        guard file.size == record.size, file.modified == record.modified else {
            return (nil, "\(record.file) was changed since.")
        }
        return (file, "")
    }
}

/// What somebody wants of an interrupted print.
public enum RecoveryOrder: Sendable, Equatable {
    /// Go on where the printer kept everything; else say what would be done.
    case takeUp
    /// Prepare a printer that lost its place, then go on.
    case recover
    /// Forget the print.
    case discard
}

// Prints that were interrupted.
extension Machine {
    /// Obeys and says what was done.
    public func obey(_ order: RecoveryOrder) throws(MachineError) -> String {
        guard let print = core.withLock({ $0.interrupted }) else {
            if order == .takeUp, state == .paused {
                try resume()
                return "The print goes on."
            }
            throw .wrongState("There is no interrupted print.")
        }
        switch order {
        case .discard: return try discard(print)
        case .takeUp where state == .paused || offer(print) == nil:
            try resume()
            return "The print of \(print.record.path) goes on with the very next command."
        case .takeUp: throw .wrongState(try refusal(of: print))
        case .recover: return try recover(print)
        }
    }

    private func discard(_ print: InterruptedPrint) throws(MachineError) -> String {
        if state == .paused {
            try cancel()
        } else {
            core.withLock { $0.interrupted = nil }
            journal?.end()
        }
        return "The print of \(print.record.path) is forgotten."
    }

    // MARK: Finding

    /// The printer answers: is there a print of an earlier life, and what has the printer taken of it?
    func findInterruptedPrint(on link: PrinterLink) {
        guard var print = core.withLock({ $0.interrupted }), print.way == .unknown, state == .idle else { return }
        let knowsLines = journal?.ledger?.remains?.job == print.record.id
        if knowsLines, case .commands(let commands) = link.continuation {
            print.way = .continues(after: commands)
        } else {
            print.way = .recovers(after: InterruptedPrint.before(print.progress.commands))
            journal?.forgetLines()
        }
        core.withLock { $0.interrupted = print }
        if let problem = offer(print) { explain(problem) }
    }

    /// Shows a print that can go on as a paused one. Nil when that was done, else what is in its way.
    private func offer(_ print: InterruptedPrint) -> String? {
        let (file, problem) = print.open()
        guard let file else {
            return
                "The print of \(print.record.path) was interrupted and cannot go on now: \(problem) Put the file back and "
                + "say `gantry resume`."
        }
        let place = place(of: print, in: file)
        guard case .continues = print.way else {
            return "The print of \(print.record.path) was interrupted at \(place), and the printer has lost its place. "
                + "`gantry resume` shows how it can be recovered."
        }
        let job = Job(
            id: print.record.id, file: file, path: print.record.path, interruptedAfter: Double(print.progress.seconds))
        let reason = "The print was interrupted at \(place). Resume or stop it: the printer kept its place."
        return change(.interrupted, reason: reason, job: job)
            ? nil : "Cannot print in \(state.rawValue.uppercased()) state."
    }

    private func place(of print: InterruptedPrint, in file: JobFile) -> String {
        let commands: UInt64 =
            switch print.way {
            case .continues(let commands), .recovers(let commands): commands
            case .unknown: print.progress.commands
            }
        let percent = Int(Double(commands) / Double(max(file.commands, 1)) * 100)
        return "\(percent) % (command \(commands) of \(file.commands))"
    }

    // MARK: Going on

    /// The printer kept everything: warms up what was let cool, and goes on with the very next command.
    func takeUp(_ print: InterruptedPrint, on link: PrinterLink, command: UInt64?) throws(MachineError) {
        guard case .continues(let commands) = print.way, let job else {
            throw .wrongState("There is no print to go on with.")
        }
        let state: JobState
        do { state = try JobReplay(file: job.file).state(after: commands) } catch { throw .file(error) }
        let readings = try inquire(link)
        if let displacement = Self.displacement(state, readings), !print.progress.isPaused {
            throw .wrongState(displacement)
        }
        if print.progress.isPaused {
            try restore(scripts.resume.rendered(values) + ["M400"], on: link)
            try restore(PausePoint.restoring(state, try inquire(link)), on: link)
        } else {
            try restore(PausePoint.heating(state, readings), on: link)
        }
        let start = JobStart(commands: commands, layer: state.layer)
        let (isBegun, problem) = begin(job, from: start, as: .resumed, on: link, command: command)
        try require(isBegun, "Cannot resume: the print has just ended.")
        if let problem {
            if change(.failed, reason: problem.description, command: command) { runCancelScriptBeside(on: link) }
            throw .link(problem)
        }
    }

    /// Somebody else moved the printer meanwhile, or switched it off and on and counted lines with it: its place is not
    /// that of the print. Nil where it is, or where one of the two is not known.
    static func displacement(_ state: JobState, _ readings: PrinterReadings) -> String? {
        guard !state.isShifted else { return nil }
        for (axis, wanted, found) in [
            ("X", state.x, readings.x), ("Y", state.y, readings.y), ("Z", state.z, readings.z),
        ] {
            guard let wanted, found.isFinite, abs(Double(found) - wanted) > 0.1 else { continue }
            return "The printer was moved: \(axis) is \(Double(found).gcode(digits: 2)), and the print stands at "
                + "\(wanted.gcode(digits: 2)). Move it back, or stop the print."
        }
        return nil
    }

    // MARK: Recovering

    private func preparation(
        of print: InterruptedPrint
    ) throws(MachineError) -> (file: JobFile, start: JobStart, prelude: RecoveryPrelude) {
        guard case .recovers(let commands) = print.way else { throw .wrongState("The printer has not been asked yet.") }
        let (file, problem) = print.open()
        guard let file else { throw .wrongState(problem) }
        let state: JobState
        do { state = try JobReplay(file: file).state(after: commands) } catch { throw .file(error) }
        do throws(RecoveryPrelude.Refusal) {
            return (file, JobStart(commands: commands, layer: state.layer), try RecoveryPrelude(state))
        } catch {
            throw .wrongState(error.description)
        }
    }

    /// What keeps a print from going on: the printer has to be prepared, which somebody has to confirm, or a file is
    /// missing.
    private func refusal(of print: InterruptedPrint) throws(MachineError) -> String {
        if case .continues = print.way { return offer(print) ?? "" }
        let (file, _, prelude) = try preparation(of: print)
        return """
            The print of \(print.record.path) was interrupted at \(place(of: print, in: file)), and the printer has lost its \
            place. Look at it: the part must stand firmly on the bed, nothing may be in the way of X and Y, and Z must not \
            have been moved. `gantry resume --recover` then does this and goes on:
            \(prelude.commands.joined(separator: "\n"))
            `gantry resume --discard` forgets the print.
            """
    }

    private func recover(_ print: InterruptedPrint) throws(MachineError) -> String {
        try require(state.after(.jobStarted) != nil, "Cannot print in \(state.rawValue.uppercased()) state.")
        let (file, start, prelude) = try preparation(of: print)
        let link = try readyLink()
        try require(
            core.withLock { $0.cancelScript == .done }, "The last print is still being ended: heaters go off.")
        let job = Job(
            id: print.record.id, file: file, path: print.record.path, interruptedAfter: Double(print.progress.seconds))
        try require(prepare(job, from: start, by: { prelude.commands }, on: link, command: nil), "Cannot print now.")
        return "The printer is being prepared; the print of \(print.record.path) follows."
    }

    // MARK: The journal

    /// Called four times a second.
    func noteProgress(of link: PrinterLink) {
        guard let journal, let commands = link.jobCommands else { return }
        let job = core.withLock { core -> Job? in
            guard core.state.hasJob, core.interrupted == nil, !core.isPreparing else { return nil }
            core.commandsNoted = commands
            return core.job
        }
        if let job { journal.note(job, commands: commands, isPaused: state == .paused) }
    }

    /// Called with each change, under the observer's lock.
    func keepJournal(after event: MachineState.Event, from former: MachineState) {
        guard former.hasJob, !state.hasJob else { return }
        switch event {
        // Whoever ends Gantry switches the heaters off; a print that waits to be taken up is not given up by that.
        case .stopped where core.withLock { $0.stopping && $0.interrupted != nil }:
            journal?.forgetLines()
        case .finished, .stopped:
            core.withLock { $0.interrupted = nil }
            journal?.end()
        default:
            // Nobody wanted that: it can be recovered, though not to the very command.
            core.withLock { core in
                core.isPreparing = false
                guard core.interrupted == nil, let job = core.job, journal != nil else { return }
                core.interrupted = InterruptedPrint(job, commands: core.commandsNoted)
            }
            journal?.forgetLines()
        }
    }
}
