/// The firmware's queue of accepted commands, in fixed storage. The first one stays in it while it is executed.
struct CommandQueue: Sendable {
    /// Longer than the longest line of any profile.
    static let slotSize = 320
    private static let slots = 64
    /// What the MK3S keeps free for the next line: its longest text, header and terminator.
    static let prusaReserve = 99

    private var bytes = [UInt8](repeating: 0, count: slots * slotSize)
    private var lengths = [Int](repeating: 0, count: slots)
    private var numbers = [Int32?](repeating: nil, count: slots)
    private var head = 0
    private(set) var count = 0

    /// How many of the commands came with a line number.
    private(set) var numberedCount = 0

    /// Bytes of command text in the queue.
    private(set) var textBytes = 0

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count == Self.slots }

    mutating func push(_ line: [UInt8], _ range: Range<Int>, number: Int32?) {
        let slot = (head + count) % Self.slots
        var place = slot * Self.slotSize
        for index in range {
            bytes[place] = line[index]
            place += 1
        }
        lengths[slot] = range.count
        numbers[slot] = number
        count += 1
        if number != nil { numberedCount += 1 }
        textBytes += range.count
    }

    /// The text of the first command; empty without one.
    var front: ArraySlice<UInt8> { bytes[head * Self.slotSize..<head * Self.slotSize + lengths[head]] }

    /// The line number of the first command, if it came with one.
    var frontNumber: Int32? { numbers[head] }

    mutating func removeFirst() {
        textBytes -= lengths[head]
        if numbers[head] != nil { numberedCount -= 1 }
        head = (head + 1) % Self.slots
        count -= 1
    }

    mutating func removeAll() {
        head = 0
        count = 0
        numberedCount = 0
        textBytes = 0
    }
}
