import GCodeStream
import Synchronization

/// The job's next commands between the thread that reads the file and the thread that feeds the printer.
///
/// A byte ring of fixed size: a slow stick is waited for by the reader, not by the wire. 256 KiB hold about 8,000
/// commands, which is 20 s at 115200 baud.
final class CommandRing: @unchecked Sendable {
    // Sendable by the protocol of its two indices, as FixedRing.
    private let bytes: UnsafeMutablePointer<UInt8>
    private let mask: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    private let ended = Atomic<Int32>(CommandRing.open)
    private let readerWaits = Atomic<Bool>(false)
    private let writerWaits = Atomic<Bool>(false)

    /// Tells the reader of the file that there is room again.
    let room: WakeSignal

    private static let open: Int32 = -1
    /// In place of an errno: the file ended before its time.
    static let fileCut: Int32 = 10_000
    /// In place of an errno: a command is too long that was not there when the file was checked.
    static let fileChanged: Int32 = 10_001
    /// Length, flags, four bytes of offset.
    private static let header = 6

    /// What the consumer finds.
    enum Next: Equatable {
        /// A command that ends `advance` bytes behind the one before it in the file; `newLayer` tells that a layer mark stood before it.
        case command(advance: UInt32, newLayer: Bool)
        /// Nothing now; more will come.
        case empty
        /// All was taken; `failure` is an errno, or 0 at the file's end.
        case end(failure: Int32)
    }

    init(room: WakeSignal, capacity: Int = 256 * 1024) {
        var size = 1
        while size < capacity { size *= 2 }
        mask = size - 1
        bytes = .allocate(capacity: size)
        self.room = room
    }

    deinit { bytes.deallocate() }

    // MARK: The file's side

    /// Adds a command that ends `advance` bytes behind the one before; false when the ring is full.
    func push(_ command: borrowing CommandBuffer, advance: UInt32, newLayer: Bool) -> Bool {
        let tail = tail.load(ordering: .relaxed)
        let size = Self.header + command.count
        guard tail + size - head.load(ordering: .acquiring) <= mask + 1 else { return false }
        bytes[tail & mask] = UInt8(truncatingIfNeeded: command.count)
        bytes[(tail + 1) & mask] = newLayer ? 1 : 0
        for index in 0..<4 {
            bytes[(tail + 2 + index) & mask] = UInt8(truncatingIfNeeded: advance >> UInt32(8 * index))
        }
        command.withBytes { put($0, at: tail + Self.header) }
        // Sequentially consistent, and so are `takeHunger` and `announceHunger`: of a writer that publishes a command
        // and a reader that announces its sleep at the same moment, one sees the other.
        self.tail.store(tail + size, ordering: .sequentiallyConsistent)
        return true
    }

    private func put(_ source: Span<UInt8>, at position: Int) {
        let start = position & mask
        let first = min(source.count, mask + 1 - start)
        source.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            (bytes + start).update(from: base, count: first)
            bytes.update(from: base + first, count: source.count - first)
        }
    }

    /// Nothing more comes: `failure` is an errno, or 0 at the file's end.
    func end(failure: Int32) { ended.store(failure, ordering: .releasing) }

    /// Announces a wait for room; `room` is signalled once half of the ring is free.
    func announceWait() { writerWaits.store(true, ordering: .sequentiallyConsistent) }

    /// True once at least half of the ring is free.
    var hasRoom: Bool {
        tail.load(ordering: .relaxed) - head.load(ordering: .sequentiallyConsistent) <= (mask + 1) / 2
    }

    /// True when the consumer found nothing and sleeps: it must be woken. True once.
    func takeHunger() -> Bool {
        readerWaits.load(ordering: .sequentiallyConsistent)
            && readerWaits.exchange(false, ordering: .sequentiallyConsistent)
    }

    // MARK: The wire's side

    /// Takes the next command into `command`.
    func pop(into command: inout CommandBuffer) -> Next {
        let head = head.load(ordering: .relaxed)
        // Read in this order: what was pushed before the end was announced is visible then.
        let failure = ended.load(ordering: .acquiring)
        guard head < tail.load(ordering: .sequentiallyConsistent) else {
            return failure == Self.open ? .empty : .end(failure: failure)
        }
        let length = Int(bytes[head & mask])
        let newLayer = bytes[(head + 1) & mask] != 0
        var advance: UInt32 = 0
        for index in 0..<4 { advance |= UInt32(bytes[(head + 2 + index) & mask]) << UInt32(8 * index) }
        take(length, at: head + Self.header, into: &command)
        self.head.store(head + Self.header + length, ordering: .releasing)
        if writerWaits.load(ordering: .relaxed), hasRoom, writerWaits.exchange(false, ordering: .sequentiallyConsistent)
        {
            room.signal()
        }
        return .command(advance: advance, newLayer: newLayer)
    }

    private func take(_ count: Int, at position: Int, into command: inout CommandBuffer) {
        let start = position & mask
        let first = min(count, mask + 1 - start)
        command.removeAll()
        command.append(contentsOf: Span(_unsafeStart: bytes + start, count: first))
        command.append(contentsOf: Span(_unsafeStart: bytes, count: count - first))
    }

    /// Announces that the consumer goes to sleep for want of commands. Call `pop` once more after it.
    func announceHunger() { readerWaits.store(true, ordering: .sequentiallyConsistent) }
}
