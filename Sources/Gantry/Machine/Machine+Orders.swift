import Glibc
import MarlinLink

// What the machine can be told to do.
extension Machine {
    /// Begins to print a file. Checks it on the calling thread.
    ///
    /// - Parameters:
    ///   - file: the file on this machine.
    ///   - path: its path as Connect knows it.
    ///   - command: the command of Connect that wants it.
    public func startJob(file: String, path: String, command: UInt64?) throws(MachineError) {
        let refusal = { (state: MachineState) in "Cannot print in \(state.rawValue.uppercased()) state." }
        try require(state.after(.jobStarted) != nil, refusal(state))
        let jobFile: JobFile
        do { jobFile = try JobFile(path: file) } catch { throw .file(error) }
        let link = try readyLink()
        try require(
            core.withLock { $0.cancelScript != .running }, "The last print is still being ended: heaters go off.")
        let job = Job(id: nextJobID(), file: jobFile, path: path, startCommand: command, now: .now)
        let (isBegun, problem) = begin(job, on: link, command: command)
        try require(isBegun, refusal(state))
        if let problem {
            change(.failed, reason: problem.description, command: command)
            throw .link(problem)
        }
    }

    /// Pauses the job.
    public func pause(command: UInt64? = nil, runsScript: Bool = true) throws(MachineError) {
        try require(state == .printing, "Cannot pause when not printing.")
        try require(!core.withLock { $0.isRecovering }, "Cannot pause: the printer is being prepared for the print.")
        let link = try readyLink()
        // All of the file is at the printer: there is nothing left that could be held back.
        try require(link.snapshot.phase != .finishing, "Cannot pause: the print makes its last moves.")
        do { try link.pause() } catch { throw .link(error) }
        try require(change(.paused, command: command), "Cannot pause: the print has just ended.")
        if runsScript { send(scripts.pause, to: link) }
    }

    /// Goes on with a paused job.
    public func resume(command: UInt64? = nil, runsScript: Bool = true) throws(MachineError) {
        try require(state == .paused, "Cannot resume when not paused.")
        let link = try readyLink()
        if let print = core.withLock({ $0.interrupted }) { return try takeUp(print, on: link, command: command) }
        if runsScript { send(scripts.resume, to: link) }
        do { try link.resume() } catch { throw .link(error) }
        try require(change(.resumed, command: command), "Cannot resume: the print has just ended.")
    }

    /// Ends the job and switches the heaters off; waits for the printer to take that, a quarter of an hour at most.
    public func cancel(command: UInt64? = nil) throws(MachineError) {
        let link = try cancelJob(command: command)
        do { try runCancelScript(on: link, limit: Self.patience) } catch { throw .link(error) }
    }

    /// Executes commands one after the other and waits for each, a quarter of an hour at most.
    public func execute(_ commands: [String]) throws(MachineError) {
        let link = try readyLink()
        do { try link.run(commands, limit: Self.patience) } catch { throw .link(error) }
    }

    /// Puts commands into the stream, before what of the job was not sent yet, and does not wait for them.
    func insert(_ commands: [String]) throws(MachineError) {
        let link = try readyLink()
        for command in commands {
            do { try link.send(command) } catch { throw .link(error) }
        }
    }

    /// Stops the firmware at once (M112), past everything that waits. It takes no commands until it is reset.
    public func emergencyStop(command: UInt64? = nil) throws(MachineError) {
        let link = try openLink()
        do { try link.emergencyStop() } catch { throw .link(error) }
        change(.halted, reason: "Emergency stop. Reset the printer.", command: command)
    }

    /// Restarts the printer by its reset line. A running job ends.
    public func reset(command: UInt64? = nil) throws(MachineError) {
        let link = try openLink()
        do { try link.reset() } catch { throw .link(error) }
        change(.restarting, reason: "The printer was reset", command: command)
    }

    /// Says that a print may start.
    public func setReady(command: UInt64? = nil) throws(MachineError) {
        if state == .ready { return }
        try require(change(.setReady, command: command), "Cannot get into READY from \(state.rawValue.uppercased())")
    }

    /// Takes that back.
    public func cancelReady(command: UInt64? = nil) throws(MachineError) {
        try require(change(.cancelReady, command: command), "Cannot cancel READY when not actually ready.")
    }

    /// Seconds that a command may take: heating a large bed is the longest there is.
    static let patience = 900.0

    private func nextJobID() -> UInt64 {
        core.withLock { core in
            core.lastJobID = max(core.lastJobID + 1, UInt64(max(time(nil), 0)))
            return core.lastJobID
        }
    }

    func send(_ script: [String], to link: PrinterLink) {
        for command in script {
            do { try link.send(command) } catch { tell(.warning("\(command): \(error)")) }
        }
    }

    func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(MachineError) {
        if !condition { throw .wrongState(text()) }
    }

    private func openLink() throws(MachineError) -> PrinterLink {
        guard let link = core.withLock({ $0.link }) else { throw .link(.notReady) }
        return link
    }

    func readyLink() throws(MachineError) -> PrinterLink {
        let link = try openLink()
        guard link.isReady else { throw .link(.notReady) }
        return link
    }
}

// Ending a job early.
extension Machine {
    /// Stops feeding the job; the cancel script has to follow.
    func cancelJob(command: UInt64?) throws(MachineError) -> PrinterLink {
        try require(state.hasJob, "No print to stop")
        let link = try readyLink()
        // Of a print that was not taken up, or is being prepared, the link knows nothing.
        let isWithLink = core.withLock { core in
            defer { core.isRecovering = false }
            return core.interrupted == nil && !core.isRecovering
        }
        if isWithLink { do { try link.cancel() } catch { throw .link(error) } }
        change(.stopped, command: command)
        return link
    }

    /// Runs the cancel script and waits for it.
    func runCancelScript(on link: PrinterLink, limit: Double) throws(LinkError) {
        let hearsM108 = core.withLock { core in
            core.cancelScript = .running
            return core.identity.hearsM108
        }
        do throws(LinkError) {
            try CancelSequence(link: link, script: scripts.cancel, hearsM108: hearsM108).run(limit: limit)
            core.withLock { $0.cancelScript = .done }
        } catch {
            core.withLock { core in
                // A printer that restarted meanwhile needs it no more.
                if core.cancelScript == .running { core.cancelScript = .owed }
            }
            throw error
        }
    }

    /// The same without waiting: for the thread that the printer's own news arrive on.
    func runCancelScriptBeside(on link: PrinterLink) {
        core.withLock { $0.cancelScript = .running }
        let started = startThread { [self] in
            do {
                try runCancelScript(on: link, limit: Self.patience)
            } catch {
                tell(.warning("Heaters could not be switched off: \(error)"))
            }
        }
        guard !started else { return }
        core.withLock { $0.cancelScript = .owed }
        send(scripts.cancel, to: link)
    }
}
