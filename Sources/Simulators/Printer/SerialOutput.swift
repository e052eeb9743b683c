/// The printer's transmitter: bytes leave at the line's speed, or at once.
struct SerialOutput: Sendable {
    private var bytes: [UInt8] = []
    private var head = 0
    /// When the byte at `head` has left completely.
    private var headLeavesAt: UInt64 = 0

    private static let compactAbove = 1 << 16

    let nanosecondsPerByte: UInt64
    var damage: DamagedLine

    init(nanosecondsPerByte: UInt64, damage: DamagedLine) {
        self.nanosecondsPerByte = nanosecondsPerByte
        self.damage = damage
    }

    /// When the transmitter will be idle.
    var freeAt: UInt64 {
        head < bytes.count ? headLeavesAt + UInt64(bytes.count - head - 1) * nanosecondsPerByte : 0
    }

    mutating func send(_ text: [UInt8], at now: UInt64) {
        if head == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            head = 0
            headLeavesAt = now + nanosecondsPerByte
        } else if head > Self.compactAbove {
            bytes.removeFirst(head)
            head = 0
        }
        if damage.isActive {
            for byte in text { damage.pass(byte, into: &bytes) }
        } else {
            bytes.append(contentsOf: text)
        }
    }

    /// Appends what has left the printer by `now`.
    mutating func take(at now: UInt64, into result: inout [UInt8]) {
        guard head < bytes.count, headLeavesAt <= now else { return }
        var ready = bytes.count - head
        if nanosecondsPerByte > 0 {
            ready = min(ready, Int((now - headLeavesAt) / nanosecondsPerByte) + 1)
            headLeavesAt += UInt64(ready) * nanosecondsPerByte
        }
        result.append(contentsOf: bytes[head..<head + ready])
        head += ready
    }

    /// When the next complete line, or else everything, has left; nil when nothing waits.
    var nextLineAt: UInt64? {
        guard head < bytes.count else { return nil }
        let end = bytes[head...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count - 1
        return headLeavesAt + UInt64(end - head) * nanosecondsPerByte
    }

    mutating func discard() {
        bytes.removeAll(keepingCapacity: true)
        head = 0
    }
}
