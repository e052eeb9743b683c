/// A fixed ring of bytes: the receive buffer of the firmware's serial port.
struct ByteRing: Sendable {
    private var bytes: [UInt8]
    private var head = 0
    private(set) var count = 0

    /// How many bytes fit. One place stays free on a real AVR ring, so 128 gives 127.
    let capacity: Int

    /// The most bytes that ever waited.
    private(set) var peak = 0

    init(size: Int) {
        bytes = [UInt8](repeating: 0, count: size)
        capacity = size - 1
    }

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count >= capacity }
    var space: Int { capacity - count }

    /// Takes as many of `source[range]` as fit; returns how many.
    mutating func push(_ source: [UInt8], _ range: Range<Int>) -> Int {
        let start = range.lowerBound
        let taken = min(space, range.count)
        var place = head + count
        if place >= bytes.count { place -= bytes.count }
        for index in start..<start + taken {
            bytes[place] = source[index]
            place += 1
            if place == bytes.count { place = 0 }
        }
        count += taken
        if count > peak { peak = count }
        return taken
    }

    mutating func pop() -> UInt8? {
        guard count > 0 else { return nil }
        let byte = bytes[head]
        head += 1
        if head == bytes.count { head = 0 }
        count -= 1
        return byte
    }

    mutating func removeAll() {
        head = 0
        count = 0
    }
}
