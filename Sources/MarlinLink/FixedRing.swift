import Synchronization

/// A queue of fixed size between exactly two threads: one pushes, one pops, neither ever waits for the other.
///
/// `Element` is plain bytes, so that a slot can be overwritten without touching the heap.
final class FixedRing<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    // Sendable by the protocol of its two indices: a slot belongs to the pushing thread until `tail` is published past it,
    // and to the popping thread until `head` is.
    private let slots: UnsafeMutablePointer<Element>
    private let mask: Int
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)

    /// A ring of at least `capacity` slots, each filled with `filler`.
    init(capacity: Int, filler: Element) {
        var size = 1
        while size < capacity { size *= 2 }
        mask = size - 1
        slots = .allocate(capacity: size)
        slots.initialize(repeating: filler, count: size)
    }

    deinit { slots.deallocate() }

    /// How many were refused for want of room.
    var refused: Int { lost.load(ordering: .relaxed) }

    /// Adds an element; false when fewer than `reserve` places besides would stay free.
    func push(_ element: Element, keeping reserve: Int = 0) -> Bool {
        let tail = tail.load(ordering: .relaxed)
        guard tail - head.load(ordering: .acquiring) + reserve <= mask else {
            lost.wrappingAdd(1, ordering: .relaxed)
            return false
        }
        slots[tail & mask] = element
        self.tail.store(tail + 1, ordering: .releasing)
        return true
    }

    /// Takes the oldest element.
    func pop() -> Element? {
        let head = head.load(ordering: .relaxed)
        guard head < tail.load(ordering: .acquiring) else { return nil }
        let element = slots[head & mask]
        self.head.store(head + 1, ordering: .releasing)
        return element
    }
}
