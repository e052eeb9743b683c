import MarlinLink

// What an event changes of what the machine knows.
extension Machine.Core {
    enum Effect {
        case none
        /// The event was right but neither state nor reason are different.
        case nothingNew
        case to(MachineState)
    }

    mutating func apply(_ event: MachineState.Event, reason: String?, job: Job?) -> Effect {
        guard let next = state.after(event) else { return .none }
        if event == .lost || event == .halted || event == .restarting { prompt = nil }
        switch event {
        // Whoever cancels runs the script; no job may begin before that.
        case .stopped: cancelScript = .running
        case .failed: cancelScript = .owed
        case .lost: if state.hasJob { cancelScript = .owed }
        // Whoever restarts switches the heaters off itself, if it did restart: a text can look like it, and not every
        // board resets by its reset line. Once more does no harm.
        case .restarting: if state.hasJob || cancelScript != .done { cancelScript = .owed }
        // Whoever halts does so, too; a new job sets them anew.
        case .halted, .jobStarted: cancelScript = .done
        default: break
        }
        if let job { self.job = job }
        if !next.hasJob {
            lostFile = nil
            if state.hasJob { prompt = nil }
            if let file = self.job?.file { self.job?.file = file.closed }
        }
        if next == .printing { self.job?.startClock(at: .now) } else { self.job?.stopClock(at: .now) }
        guard next != state || reason != self.reason else { return .nothingNew }
        state = next
        self.reason = reason
        return .to(next)
    }
}
