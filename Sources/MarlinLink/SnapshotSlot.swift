import Synchronization

/// The newest value of one thread, for any other: three slots change hands by one atomic exchange, so the writer
/// never waits and never allocates.
final class SnapshotSlot<Value: BitwiseCopyable & Sendable>: @unchecked Sendable {
    // Sendable: of the three slots one is the writer's, one the reader's (guarded by `reader`) and one lies in `middle`.
    private let slots: UnsafeMutablePointer<Value>
    private let middle = Atomic<Int>(1)
    private var back = 0
    private let reader = Mutex(2)

    private static var fresh: Int { 4 }

    init(_ value: Value) {
        slots = .allocate(capacity: 3)
        slots.initialize(repeating: value, count: 3)
    }

    deinit { slots.deallocate() }

    /// Publishes a value. One thread only.
    func publish(_ value: Value) {
        slots[back] = value
        back = middle.exchange(back | Self.fresh, ordering: .acquiringAndReleasing) & 3
    }

    /// The value published last. Any thread but the writer's.
    func read() -> Value {
        reader.withLock { front in
            if middle.load(ordering: .relaxed) & Self.fresh != 0 {
                front = middle.exchange(front, ordering: .acquiringAndReleasing) & 3
            }
            return slots[front]
        }
    }
}
