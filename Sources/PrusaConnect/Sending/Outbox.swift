/// Where events wait until the server has them. The one in memory forgets at exit; one on disk can take its place.
///
/// Used by one thread at a time, under the printer's lock: it must not block for long.
protocol EventOutbox: Sendable {
    /// The event to send next; it stays until ``remove(_:)``.
    var first: OutboxItem? { get }
    /// Whether an answer to a further command has room.
    var hasRoomForAnswer: Bool { get }
    var count: Int { get }
    /// Appends an event, folding older ones when there is no room. Returns what was lost.
    mutating func append(_ event: StoredEvent) -> [StoredEvent]
    /// Removes a delivered or refused event; an unknown number is one that was folded meanwhile.
    mutating func remove(_ number: UInt64)
}

/// A waiting event and the number by which the outbox knows it.
struct OutboxItem: Sendable {
    let number: UInt64
    let event: StoredEvent
}

/// How much may wait in memory. A small board shall survive a week without network.
struct OutboxLimits: Sendable {
    var events = 256
    var bytes = 1 << 20
}

/// Events in memory, in order, bounded.
///
/// When there is no room, the oldest of these goes first: FILE_CHANGED (a later INFO carries the whole tree), and
/// STATE_CHANGED that a later STATE_CHANGED outdates. When there is none of these, the oldest event that answers no
/// command goes. Answers to commands never go: the server would wait for them for ever. They cannot fill the memory,
/// because without ``hasRoomForAnswer`` no further command is taken.
struct MemoryOutbox: EventOutbox {
    private let limits: OutboxLimits
    private var items: [OutboxItem] = []
    private var bytes = 0
    private var nextNumber: UInt64 = 0

    init(limits: OutboxLimits = OutboxLimits()) { self.limits = limits }

    var first: OutboxItem? { items.first }
    var count: Int { items.count }

    var hasRoomForAnswer: Bool {
        let answers = items.lazy.filter { $0.event.answers != nil }
        let size = answers.reduce(0) { $0 + $1.event.body.count }
        // A command has two answers: ACCEPTED and its end.
        return answers.count + 2 <= limits.events && size < limits.bytes
    }

    mutating func append(_ event: StoredEvent) -> [StoredEvent] {
        // The server repeats a command until it has the answer; the answer that waits already is enough.
        if let id = event.answers, items.contains(where: { $0.event.answers == id && $0.event.kind == event.kind }) {
            return []
        }
        items.append(OutboxItem(number: nextNumber, event: event))
        nextNumber += 1
        bytes += event.body.count
        var lost: [StoredEvent] = []
        while items.count > limits.events || bytes > limits.bytes, let index = indexToFold() {
            bytes -= items[index].event.body.count
            lost.append(items.remove(at: index).event)
        }
        return lost
    }

    mutating func remove(_ number: UInt64) {
        guard let index = items.firstIndex(where: { $0.number == number }) else { return }
        bytes -= items[index].event.body.count
        items.remove(at: index)
    }

    /// The newest event is not a candidate: a limit smaller than one event must not silence the printer.
    private func indexToFold() -> Int? {
        let lastState = items.lastIndex { $0.event.kind == .stateChanged }
        let candidates = items.indices.dropLast().filter { items[$0].event.answers == nil }
        let foldable = candidates.first { index in
            switch items[index].event.kind {
            case .fileChanged: true
            case .stateChanged: index != lastState
            default: false
            }
        }
        return foldable ?? candidates.first
    }
}
