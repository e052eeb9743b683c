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
        case .takeUp where state == .paused:
            try resume()
            return "The print of \(print.record.path) goes on with the very next command."
        case .takeUp: throw .wrongState(try plan(for: print))
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
        let (file, problem) = print.open()
        core.withLock { $0.interrupted = print }
        guard let file else {
            return explain(
                "The print of \(print.record.path) was interrupted and cannot go on now: \(problem) Put the file back and "
                    + "say `gantry resume`.")
        }
        let place = place(of: print, in: file)
        guard case .continues = print.way else {
            return explain(
                "The print of \(print.record.path) was interrupted at \(place), and the printer has lost its place. "
                    + "`gantry resume` shows how it can be recovered.")
        }
        let job = Job(
            id: print.record.id, file: file, path: print.record.path, interruptedAfter: Double(print.progress.seconds))
        change(
            .interrupted,
            reason: "The print was interrupted at \(place). Resume or stop it: the printer kept its place.",
            job: job)
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
        do throws(LinkError) { try link.run(["M114"], limit: Self.patience) } catch { throw .link(error) }
        let readings = link.snapshot.readings
        if let displacement = Self.displacement(state, readings), !print.progress.isPaused {
            throw .wrongState(displacement)
        }
        do throws(LinkError) {
            try link.run(Self.reheating(state, readings), limit: Self.patience)
        } catch {
            throw .link(error)
        }
        if print.progress.isPaused { send(scripts.resume, to: link) }
        let start = JobStart(commands: commands, layer: state.layer)
        let (isBegun, problem) = begin(job, from: start, as: .resumed, on: link, command: command)
        try require(isBegun, "Cannot resume: the print has just ended.")
        if let problem {
            change(.failed, reason: problem.description, command: command)
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

    /// Targets that the printer gave up meanwhile, a safety timer's work for example.
    static func reheating(_ state: JobState, _ readings: PrinterReadings) -> [String] {
        var list: [String] = []
        func isCold(_ wanted: Double?, _ target: Float) -> Bool {
            guard let wanted, wanted > 0 else { return false }
            return target.isFinite && Double(target) < wanted - 0.5
        }
        if isCold(state.bed, readings.bed.target), let bed = state.bed {
            list += ["M140 S\(bed.gcode())", "M190 S\(bed.gcode())"]
        }
        if isCold(state.hotend, readings.hotend.target), let hotend = state.hotend {
            list.append("M109 S\(hotend.gcode())")
        }
        return list
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

    /// What recovering would do, for somebody who has to confirm it.
    private func plan(for print: InterruptedPrint) throws(MachineError) -> String {
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
            core.withLock { $0.cancelScript != .running }, "The last print is still being ended: heaters go off.")
        core.withLock { $0.isRecovering = true }
        let job = Job(
            id: print.record.id, file: file, path: print.record.path, interruptedAfter: Double(print.progress.seconds))
        guard change(.jobStarted, reason: "The printer is being prepared.", job: job) else {
            core.withLock { $0.isRecovering = false }
            throw .wrongState("Cannot print now.")
        }
        let started = startThread { [self] in prepare(link, prelude, then: job, from: start) }
        if !started { prepare(link, prelude, then: job, from: start) }
        return "The printer is being prepared; the print of \(print.record.path) follows."
    }

    private func prepare(_ link: PrinterLink, _ prelude: RecoveryPrelude, then job: Job, from start: JobStart) {
        do throws(LinkError) {
            for command in prelude.commands {
                // Cancelled meanwhile: whoever did that runs the cancel script.
                guard core.withLock({ $0.isRecovering }) else { return }
                try link.run([command], limit: Self.patience)
            }
            let goesOn = core.withLock { core in
                defer { core.isRecovering = false }
                return core.isRecovering
            }
            guard goesOn else { return }
            core.withLock { core in
                core.interrupted = nil
                core.commandsNoted = start.commands
            }
            journal?.begin(job, after: start.commands)
            try link.print(job.file, from: start)
            explain(nil)
        } catch {
            core.withLock { $0.isRecovering = false }
            if change(.failed, reason: "The printer could not be prepared: \(error)") {
                runCancelScriptBeside(on: link)
            }
        }
    }

    // MARK: The journal

    /// Called four times a second.
    func noteProgress(of link: PrinterLink) {
        guard let journal, let commands = link.jobCommands else { return }
        let job = core.withLock { core -> Job? in
            guard core.state.hasJob, core.interrupted == nil, !core.isRecovering else { return nil }
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
                core.isRecovering = false
                guard core.interrupted == nil, let job = core.job, journal != nil else { return }
                core.interrupted = InterruptedPrint(job, commands: core.commandsNoted)
            }
            journal?.forgetLines()
        }
    }
}
