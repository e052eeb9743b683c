import Synchronization

/// What the stream thread shares with the others: two rings, two wake-ups, a slot.
final class LinkShared: Sendable {
    let orders = FixedRing<LinkOrder>(capacity: 64, filler: .none)
    let notes = FixedRing<LinkNote>(capacity: 256, filler: .none)
    let snapshot = SnapshotSlot(LinkSnapshot())

    /// Wakes the stream thread.
    let wake: WakeSignal
    /// Wakes the thread that delivers the news.
    let noteWake: WakeSignal

    /// One at a time pushes orders: the ring has one pushing side.
    private let orderLock = Mutex(())
    private let nextReaders = Mutex<[FileReader]>([])
    private let polling = Atomic<UInt8>(Polling.unchanged.rawValue)
    private let endWanted = Atomic<Bool>(false)
    private let closed = Atomic<Bool>(false)

    private enum Polling: UInt8 { case unchanged, off, on }

    init(wake: WakeSignal, noteWake: WakeSignal) {
        self.wake = wake
        self.noteWake = noteWake
    }

    // MARK: Any thread

    /// Gives the stream thread an order; false when it has not taken the last 64. Commands are at most half of these:
    /// `CommandWaiters` counts them.
    @discardableResult
    func order(_ order: LinkOrder) -> Bool {
        let taken = orderLock.withLock { _ in orders.push(order) }
        wake.signal()
        return taken
    }

    /// Hands over a reader with the order that it is for; false, and nothing handed over, when the order is not taken.
    func order(_ order: LinkOrder, with reader: FileReader) -> Bool {
        // Under one lock, so that readers and orders are in the same order.
        nextReaders.withLock { readers in
            guard self.order(order) else { return false }
            readers.append(reader)
            return true
        }
    }

    func setPolling(_ wanted: Bool) {
        polling.store((wanted ? Polling.on : .off).rawValue, ordering: .releasing)
        wake.signal()
    }

    /// Makes the stream thread end when it has carried out the orders that it has.
    func shutDown() {
        endWanted.store(true, ordering: .releasing)
        wake.signal()
    }

    var isShuttingDown: Bool { endWanted.load(ordering: .acquiring) }

    /// Lets the delivering thread end.
    func close() {
        closed.store(true, ordering: .releasing)
        noteWake.signal()
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    // MARK: The stream thread

    /// Tells the delivering thread. When it falls behind, lines get lost: a quarter of the ring is kept for what ends
    /// a job or a wait, of which there is never more.
    func tell(_ note: LinkNote) {
        _ = notes.push(note, keeping: note.isDispensable ? 64 : 0)
        noteWake.signal()
    }

    func takeReader() -> FileReader? {
        nextReaders.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }

    func takePolling() -> Bool? {
        let value = polling.exchange(Polling.unchanged.rawValue, ordering: .acquiringAndReleasing)
        return value == Polling.unchanged.rawValue ? nil : value == Polling.on.rawValue
    }
}
