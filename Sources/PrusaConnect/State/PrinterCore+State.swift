// What survives a restart.

extension PrinterCore {
    /// Asks for a sync when one is due.
    mutating func syncIfDue(now: Duration) {
        guard let dueAt = diskTimer.dueAt, dueAt <= now else { return }
        diskTimer.began(now: now)
        if let sync = outbox.makeSync() { effects.append(.sync(sync)) }
    }

    /// A sync has ended. Its failure costs what a loss of power would cost, so it is only told, once.
    mutating func synced(_ error: FileError?) {
        if let error, syncError == nil { log(.warning, "waiting events may not survive a loss of power: \(error)") }
        syncError = error
    }

    /// Takes up the commands of the life before. One that had begun and never ended gets its end now: it is not
    /// carried out a second time, because nobody knows how far it came.
    mutating func restoreCommands(now: Duration, wall: Duration) {
        guard let commandJournal else { return }
        for (id, answer) in commandJournal.ended { machine.restore(answer, of: id) }
        for id in commandJournal.interrupted {
            let failure = CommandResult.failed("The printer's software was restarted before the command ended")
            let event = Event(
                kind: failure.event, source: failure.source, data: failure.data, commandID: id, reason: failure.reason,
                state: state, timestamp: Timestamp(sinceEpoch: wall))
            let answer = StoredEvent(event, isAnswer: true)
            commandJournal.end(id, answer: answer)
            machine.restore(answer, of: id)
            enqueue(answer, now: now)
        }
    }

    /// Another registration has other ids.
    mutating func forgetCommands() {
        machine.forgetHistory()
        commandJournal?.changeRegistration(to: settings?.registration ?? 0)
    }
}
