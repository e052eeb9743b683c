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
    private let nextReader = Mutex<FileReader?>(nil)
    private let polling = Atomic<UInt8>(Polling.unchanged.rawValue)
    private let closed = Atomic<Bool>(false)

    private enum Polling: UInt8 { case unchanged, off, on }

    init(wake: WakeSignal, noteWake: WakeSignal) {
        self.wake = wake
        self.noteWake = noteWake
    }

    // MARK: Any thread

    /// Gives the stream thread an order; false when it has not taken the last 64.
    @discardableResult
    func order(_ order: LinkOrder) -> Bool {
        let taken = orderLock.withLock { _ in orders.push(order) }
        wake.signal()
        return taken
    }

    /// Hands over the reader that the next `.beginJob` takes.
    func offer(_ reader: FileReader) { nextReader.withLock { $0 = reader } }

    func setPolling(_ wanted: Bool) {
        polling.store((wanted ? Polling.on : .off).rawValue, ordering: .releasing)
        wake.signal()
    }

    /// Lets the delivering thread end.
    func close() {
        closed.store(true, ordering: .releasing)
        noteWake.signal()
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    // MARK: The stream thread

    func tell(_ note: LinkNote) {
        _ = notes.push(note)
        noteWake.signal()
    }

    func takeReader() -> FileReader? {
        nextReader.withLock {
            let reader = $0
            $0 = nil
            return reader
        }
    }

    func takePolling() -> Bool? {
        let value = polling.exchange(Polling.unchanged.rawValue, ordering: .acquiringAndReleasing)
        return value == Polling.unchanged.rawValue ? nil : value == Polling.on.rawValue
    }
}
