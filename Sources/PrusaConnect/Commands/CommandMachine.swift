/// Decides what happens to commands: one at a time, each id once, an urgent one before the one that runs.
/// Knows neither threads nor the network; its effects are carried out by the printer.
struct CommandMachine: Sendable {
    enum Effect: Sendable {
        /// Tell the server ACCEPTED.
        case accept(UInt64)
        /// Tell the server REJECTED "Another command is running", with the id of the one that runs.
        case rejectBusy(UInt64, running: UInt64)
        /// Tell the server again how a command ended.
        case repeatAnswer(StoredEvent)
        /// Run the handler. `besideAbandoned`: the thread of the one before may never come back.
        case run(Command, besideAbandoned: Bool)
        /// Ask the handler that runs to give up.
        case interrupt(Command)
    }

    /// How long an urgent command lets the one before it end (Python SDK 0.8.1).
    static let interruptionGrace: Duration = .seconds(1)

    private(set) var running: Command?
    /// An urgent command that lets the one before it end.
    private var waiting: (command: Command, until: Duration)?
    /// Interrupted commands whose handlers have not ended in time. Their answers are still sent when they come.
    private var abandoned: Set<UInt64> = []
    private var history = CommandHistory()

    /// When ``tick(now:)`` must be called at the latest.
    var deadline: Duration? { waiting?.until }

    mutating func arrive(_ command: Command, now: Duration) -> [Effect] {
        if command.id == running?.id || abandoned.contains(command.id) { return [.accept(command.id)] }
        // It is accepted as soon as the one before it has ended.
        if command.id == waiting?.command.id { return [] }
        if let answer = history.answer(to: command.id) { return [.repeatAnswer(answer)] }
        if let other = waiting?.command, command.urgency <= other.urgency {
            return [.rejectBusy(command.id, running: other.id)]
        }
        guard let running else { return start(command) }
        // A second reset while one runs would only pile up threads.
        guard command.urgency > running.urgency else { return [.rejectBusy(command.id, running: running.id)] }
        let refused = waiting.map { [Effect.rejectBusy($0.command.id, running: command.id)] } ?? []
        // An emergency waits for nobody.
        waiting = (command, command.urgency == .emergency ? now : now + Self.interruptionGrace)
        return refused + [.interrupt(running)] + tick(now: now)
    }

    /// A handler ended. Only the command that runs gives up its place: a late end of an abandoned one must not
    /// clear away the command that came after it.
    mutating func finish(_ id: UInt64, answer: StoredEvent) -> [Effect] {
        history.remember(answer, of: id)
        abandoned.remove(id)
        guard running?.id == id else { return [] }
        running = nil
        guard let next = waiting else { return [] }
        waiting = nil
        return start(next.command)
    }

    /// Takes up what an earlier life of the process has answered.
    mutating func restore(_ answer: StoredEvent, of id: UInt64) { history.remember(answer, of: id) }

    /// Another registration has other ids.
    mutating func forgetHistory() { history = CommandHistory() }

    mutating func tick(now: Duration) -> [Effect] {
        guard let next = waiting, now >= next.until else { return [] }
        waiting = nil
        if let running { abandoned.insert(running.id) }
        return start(next.command)
    }

    private mutating func start(_ command: Command) -> [Effect] {
        running = command
        return [.accept(command.id), .run(command, besideAbandoned: !abandoned.isEmpty)]
    }
}

/// How the last commands ended, so that a repeat is answered and not carried out again.
struct CommandHistory: Sendable {
    static let capacity = 32
    /// An INFO with a large tree of files can be long; 32 of them must not fill the memory.
    static let bytes = 256 * 1024

    private var answers: [(id: UInt64, answer: StoredEvent)] = []
    private var size = 0

    func answer(to id: UInt64) -> StoredEvent? { answers.first { $0.id == id }?.answer }

    /// Keeps the last 32 answers. Beyond 256 KiB the longest of the older ones goes: that is an INFO, which can be
    /// made again without harm.
    mutating func remember(_ answer: StoredEvent, of id: UInt64) {
        if let index = answers.firstIndex(where: { $0.id == id }) { remove(at: index) }
        answers.append((id, answer))
        size += answer.body.count
        if answers.count > Self.capacity { remove(at: 0) }
        while size > Self.bytes, let longest = indexOfLongest() { remove(at: longest) }
    }

    private func indexOfLongest() -> Int? {
        answers.indices.dropLast().max { answers[$0].answer.body.count < answers[$1].answer.body.count }
    }

    private mutating func remove(at index: Int) { size -= answers.remove(at: index).answer.body.count }
}
