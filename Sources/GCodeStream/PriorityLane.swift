/// Commands that go before the job's: queries, scripts, commands from Connect.
struct PriorityLane: Sendable {
    private struct Slot {
        var command = CommandBuffer()
        var tag: UInt32 = 0
    }

    private var slots = InlineArray<32, Slot>(repeating: Slot())
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Bytes that the first command takes on the wire as line `number`.
    mutating func firstWireLength(number: UInt32, packing: Packing) -> Int {
        LineFormat.wireLength(number: number, command: slots[head].command, packing: packing)
    }

    mutating func push(_ command: Span<UInt8>, tag: UInt32) -> Bool {
        guard count < Limits.priorityLane, command.count > 0,
            LineFormat.fits(number: Limits.lineNumber, commandLength: command.count)
        else { return false }
        let index = (head + count) % Limits.priorityLane
        slots[index].command.set(command)
        guard !slots[index].command.changesLineCount else { return false }
        slots[index].tag = tag
        count += 1
        return true
    }

    /// Moves the first command into `sent`.
    mutating func moveFirst(to sent: inout SentLines) {
        guard count > 0 else { return }
        sent.add(slots[head].command, origin: .priority(tag: slots[head].tag))
        head = (head + 1) % Limits.priorityLane
        count -= 1
    }

    /// Drops the first command; its tag, or nil when there is none.
    mutating func dropFirst() -> UInt32? {
        guard count > 0 else { return nil }
        let tag = slots[head].tag
        head = (head + 1) % Limits.priorityLane
        count -= 1
        return tag
    }
}
