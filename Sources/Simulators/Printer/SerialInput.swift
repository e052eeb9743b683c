/// Bytes on their way to the printer's receive buffer, at the line's speed or all at once.
struct SerialInput: Sendable {
    private(set) var bytes: [UInt8] = []
    private var head = 0
    /// When the byte at `head` has arrived completely.
    private var headArrivesAt: UInt64 = 0

    private static let compactAbove = 1 << 16

    let nanosecondsPerByte: UInt64
    var damage: DamagedLine

    init(nanosecondsPerByte: UInt64, damage: DamagedLine) {
        self.nanosecondsPerByte = nanosecondsPerByte
        self.damage = damage
    }

    var isEmpty: Bool { head == bytes.count }

    mutating func add(_ more: some Sequence<UInt8>, at now: UInt64) {
        if isEmpty {
            bytes.removeAll(keepingCapacity: true)
            head = 0
            headArrivesAt = now + nanosecondsPerByte
        } else if head > Self.compactAbove {
            bytes.removeFirst(head)
            head = 0
        }
        if damage.isActive {
            for byte in more { damage.pass(byte, into: &bytes) }
        } else {
            bytes.append(contentsOf: more)
        }
    }

    /// How many bytes have arrived by `now` and were not taken.
    func arrived(at now: UInt64) -> Int {
        guard !isEmpty, headArrivesAt <= now else { return 0 }
        let waiting = bytes.count - head
        return nanosecondsPerByte == 0 ? waiting : min(waiting, Int((now - headArrivesAt) / nanosecondsPerByte) + 1)
    }

    /// Moves up to `limit` bytes into the receive buffer; returns the range of `bytes` that fitted.
    mutating func move(_ limit: Int, into ring: inout ByteRing) -> Range<Int> {
        let taken = ring.push(bytes, head..<head + limit)
        let range = head..<head + taken
        drop(taken)
        return range
    }

    /// Loses bytes that arrived at a full buffer.
    mutating func drop(_ count: Int) {
        head += count
        headArrivesAt += UInt64(count) * nanosecondsPerByte
    }

    /// When the next line end, or else the last byte, arrives; nil when nothing is on its way. Where lines are packed, some
    /// bytes look like one that are none.
    func nextLineAt(isPacked: Bool) -> UInt64? {
        guard !isEmpty else { return nil }
        let found = bytes[head...].firstIndex { byte in
            byte == UInt8(ascii: "\n") || isPacked && (byte & 0x0F == 0x0C || byte >> 4 == 0x0C)
        }
        let end = found ?? bytes.count - 1
        return headArrivesAt + UInt64(end - head) * nanosecondsPerByte
    }

    mutating func discard() {
        bytes.removeAll(keepingCapacity: true)
        head = 0
    }
}
