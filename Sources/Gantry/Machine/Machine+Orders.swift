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
            core.withLock { $0.cancelScript == .done }, "The last print is still being ended: heaters go off.")
        let job = Job(id: nextJobID(), file: jobFile, path: path, startCommand: command, now: .now)
        guard scripts.start.isEmpty else {
            return try require(
                prepare(
                    job, from: JobStart(), by: { self.scripts.start.rendered(self.values) }, on: link, command: command),
                refusal(state))
        }
        let (isBegun, problem) = begin(job, on: link, command: command)
        try require(isBegun, refusal(state))
        if let problem {
            change(.failed, reason: problem.description, command: command)
            // Nothing of it was sent.
            core.withLock { $0.cancelScript = .done }
            throw .link(problem)
        }
    }

    /// Begins a job behind commands that prepare the printer for it; those are executed on a thread of their own. False
    /// when no job may begin now.
    func prepare(
        _ job: Job, from start: JobStart, by commands: @escaping @Sendable () -> [String], on link: PrinterLink,
        command: UInt64?
    ) -> Bool {
        core.withLock { $0.isPreparing = true }
        guard change(.jobStarted, command: command, job: job) else {
            core.withLock { $0.isPreparing = false }
            return false
        }
        let body: @Sendable () -> Void = { [self] in prepare(link, commands(), then: job, from: start) }
        if !startThread(body) { body() }
        return true
    }

    private func prepare(_ link: PrinterLink, _ commands: [String], then job: Job, from start: JobStart) {
        do throws(LinkError) {
            for command in commands {
                // Cancelled meanwhile: whoever did that runs the cancel script.
                guard core.withLock({ $0.isPreparing }) else { return }
                try link.run([command], limit: Self.patience)
            }
            try handOver(job, from: start, to: link)
        } catch {
            core.withLock { $0.isPreparing = false }
            if change(.failed, reason: "The printer could not be prepared: \(error)") {
                runCancelScriptBeside(on: link)
            }
        }
    }

    /// Ends the job and switches the heaters off; waits for the printer to take that, a quarter of an hour at most.
    public func cancel(command: UInt64? = nil) throws(MachineError) {
        let link = try cancelJob(command: command)
        do { try runCancelScript(on: link, limit: Self.patience) } catch { throw .link(error) }
    }

    /// Executes commands one after the other and waits for each, a quarter of an hour at most.
    public func execute(_ commands: [String]) throws(MachineError) {
        let link = try readyLink()
        noteForeignCommands()
        do { try link.run(commands, limit: Self.patience) } catch { throw .link(error) }
    }

    /// Puts commands into the stream, before what of the job was not sent yet, and does not wait for them.
    func insert(_ commands: [String]) throws(MachineError) {
        let link = try readyLink()
        noteForeignCommands()
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

    func openLink() throws(MachineError) -> PrinterLink {
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
            defer { core.isPreparing = false }
            return core.interrupted == nil && !core.isPreparing
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
            try CancelSequence(link: link, script: cancelCommands, hearsM108: hearsM108).run(limit: limit)
            core.withLock { $0.cancelScript = .done }
        } catch {
            core.withLock { core in
                // A printer that restarted meanwhile needs it no more.
                if core.cancelScript == .running { core.cancelScript = .owed }
            }
            throw error
        }
    }

    /// A print that the printer itself paused is ended there as well, before anything else.
    private var cancelCommands: [String] {
        let ending = core.withLock { core -> String? in
            guard case .byPrinter = core.pauseWork else { return nil }
            core.pauseWork = .none
            return core.identity.dialect.cancel
        }
        return [ending].compactMap { $0 } + scripts.cancel.rendered(values)
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
        send(cancelCommands, to: link)
    }
}
