/// Where events wait until the server has them: in memory (``MemoryOutbox``) or on disk (``JournalOutbox``).
///
/// Used by one thread at a time, under the printer's lock: it must not block for long.
protocol EventOutbox: Sendable {
    /// The event to send next; it stays until ``remove(_:)``.
    var first: OutboxItem? { get }
    /// Whether an answer to a further command has room.
    var hasRoomForAnswer: Bool { get }
    var count: Int { get }
    /// Appends an event, folding older ones when there is no room. Returns the kinds of those that were lost.
    mutating func append(_ event: StoredEvent) -> [EventKind]
    /// Removes a delivered or refused event; an unknown number is one that was folded meanwhile.
    mutating func remove(_ number: UInt64)
    /// What brings the waiting events to the medium; for another thread, it may take seconds. `nil` when there is
    /// nothing to do.
    mutating func makeSync() -> DiskSync?
    /// Takes what went wrong or came right again since the last call, for the log.
    mutating func takeNotes() -> [OutboxNote]
}

extension EventOutbox {
    mutating func makeSync() -> DiskSync? { nil }
    mutating func takeNotes() -> [OutboxNote] { [] }
}

/// Brings files to the medium. Returns what went wrong.
typealias DiskSync = @Sendable () -> FileError?

/// A line for the log from where events wait.
struct OutboxNote: Sendable, Hashable {
    let level: LogLevel
    let text: String
}

/// A waiting event and the number by which the outbox knows it.
struct OutboxItem: Sendable {
    let number: UInt64
    let event: StoredEvent
}

/// How much may wait. A small board shall survive a week without network.
struct OutboxLimits: Sendable {
    var events = 256
    var bytes = 1 << 20
}

/// The order of waiting events and the rules of who goes when there is no room. It does not look at the events
/// themselves: `Place` is wherever they are.
///
/// When there is no room, the oldest of these goes first: FILE_CHANGED (a later INFO carries the whole tree), and
/// STATE_CHANGED that a later STATE_CHANGED outdates. When there is none of these, the oldest event that answers no
/// command goes. Answers to commands never go: the server would wait for them for ever. They cannot fill the memory,
/// because without ``hasRoomForAnswer(limits:)`` no further command is taken.
struct EventQueue<Place: Sendable>: Sendable {
    struct Entry: Sendable {
        fileprivate(set) var number: UInt64 = 0
        let kind: EventKind
        let answers: UInt64?
        /// Length of the body.
        let size: Int
        fileprivate(set) var place: Place

        init(_ event: StoredEvent, at place: Place) {
            kind = event.kind
            answers = event.answers
            size = event.body.count
            self.place = place
        }
    }

    private(set) var entries: [Entry] = []
    private(set) var bytes = 0
    private var nextNumber: UInt64 = 0

    func hasRoomForAnswer(limits: OutboxLimits) -> Bool {
        let answers = entries.lazy.filter { $0.answers != nil }
        let size = answers.reduce(0) { $0 + $1.size }
        // A command has two answers: ACCEPTED and its end.
        return answers.count + 2 <= limits.events && size < limits.bytes
    }

    /// The server repeats a command until it has the answer; the answer that waits already is enough.
    func contains(answerLike event: StoredEvent) -> Bool {
        guard let id = event.answers else { return false }
        return entries.contains { $0.answers == id && $0.kind == event.kind }
    }

    mutating func append(_ event: StoredEvent, at place: Place) {
        entries.append(numbered(Entry(event, at: place)))
    }

    /// Puts events from an earlier life before all others, with new numbers.
    mutating func prepend(_ older: [Entry]) {
        var new: [Entry] = []
        for entry in older { new.append(numbered(entry)) }
        entries.insert(contentsOf: new, at: 0)
    }

    mutating func remove(_ number: UInt64) -> Entry? {
        guard let index = entries.firstIndex(where: { $0.number == number }) else { return nil }
        bytes -= entries[index].size
        return entries.remove(at: index)
    }

    mutating func move(at index: Int, to place: Place) { entries[index].place = place }

    /// Removes events until the rest is within `limits`. Only those for which `counts` is true are counted and go.
    mutating func fold(to limits: OutboxLimits, counting counts: (Place) -> Bool = { _ in true }) -> [Entry] {
        guard entries.count > limits.events || bytes > limits.bytes else { return [] }
        var (count, size) = (0, 0)
        for entry in entries where counts(entry.place) {
            count += 1
            size += entry.size
        }
        var lost: [Entry] = []
        while count > limits.events || size > limits.bytes, let index = indexToFold(counts) {
            let entry = entries.remove(at: index)
            bytes -= entry.size
            count -= 1
            size -= entry.size
            lost.append(entry)
        }
        return lost
    }

    private mutating func numbered(_ entry: Entry) -> Entry {
        defer { nextNumber += 1 }
        bytes += entry.size
        var entry = entry
        entry.number = nextNumber
        return entry
    }

    /// The newest event is not a candidate: a limit smaller than one event must not silence the printer.
    private func indexToFold(_ counts: (Place) -> Bool) -> Int? {
        let lastState = entries.lastIndex { $0.kind == .stateChanged }
        var oldest: Int?
        for index in entries.indices.dropLast() where entries[index].answers == nil && counts(entries[index].place) {
            switch entries[index].kind {
            case .fileChanged: return index
            case .stateChanged where index != lastState: return index
            default: oldest = oldest ?? index
            }
        }
        return oldest
    }
}

/// Events in memory, in order, bounded; they are forgotten when the process ends.
struct MemoryOutbox: EventOutbox {
    private let limits: OutboxLimits
    private var queue = EventQueue<StoredEvent>()

    init(limits: OutboxLimits = OutboxLimits()) { self.limits = limits }

    var first: OutboxItem? { queue.entries.first.map { OutboxItem(number: $0.number, event: $0.place) } }
    var count: Int { queue.entries.count }
    var hasRoomForAnswer: Bool { queue.hasRoomForAnswer(limits: limits) }

    mutating func append(_ event: StoredEvent) -> [EventKind] {
        guard !queue.contains(answerLike: event) else { return [] }
        queue.append(event, at: event)
        return queue.fold(to: limits).map(\.kind)
    }

    mutating func remove(_ number: UInt64) { _ = queue.remove(number) }
}
