/// The MeatPack decoder between a firmware's receive buffer and its line reader, written after Marlin's and Prusa's
/// (protocol version PV01). Whatever was damaged, it behaves as theirs: half bytes are taken for whole ones and the other way round
/// until a reset.
struct MeatPackInput: Sendable {
    private static let characters = Array("0123456789. \nGX".utf8)
    private static let mark: UInt8 = 0xFF

    private(set) var isActive = false
    private(set) var isWithoutSpaces = false
    private var marks = 0
    private var orderFollows = false
    /// Whole characters that follow.
    private var wholeDue = 0
    /// The second character of a pair whose first one follows whole.
    private var second: UInt8?
    /// Characters that are ready: two at most.
    private var ready: [UInt8] = []
    private var readyHead = 0

    /// True when a report of the state is to be sent.
    private(set) var owesReport = false

    /// The next character, if one is ready.
    mutating func next() -> UInt8? {
        guard readyHead < ready.count else { return nil }
        readyHead += 1
        return ready[readyHead - 1]
    }

    /// Takes the next byte of the line.
    mutating func take(_ byte: UInt8) {
        ready.removeAll(keepingCapacity: true)
        readyHead = 0
        if byte == Self.mark {
            marks += 1
            if marks == 2 {
                marks = 0
                orderFollows = true
            }
            return
        }
        if orderFollows {
            orderFollows = false
            obey(byte)
            return
        }
        if marks > 0 {
            marks = 0
            unpack(Self.mark)
        }
        unpack(byte)
    }

    /// The report that is due, once.
    mutating func report() -> String? {
        guard owesReport else { return nil }
        owesReport = false
        return "[MP] PV01 \(isActive ? "ON" : "OFF") \(isWithoutSpaces ? "NSP" : "ESP")"
    }

    private mutating func obey(_ order: UInt8) {
        switch order {
        case 0xFB: isActive = true
        case 0xFA: isActive = false
        case 0xFD: isActive.toggle()
        case 0xF9:
            isActive = false
            isWithoutSpaces = false
            marks = 0
            wholeDue = 0
            second = nil
        case 0xF7: isWithoutSpaces = true
        case 0xF6: isWithoutSpaces = false
        default: break
        }
        owesReport = true
    }

    private mutating func unpack(_ byte: UInt8) {
        guard isActive else {
            ready.append(byte)
            return
        }
        if wholeDue > 0 {
            wholeDue -= 1
            ready.append(byte)
            if let second { ready.append(second) }
            second = nil
            return
        }
        let low = byte & 0x0F
        let high = byte >> 4
        if low == 0x0F {
            wholeDue = high == 0x0F ? 2 : 1
            if high != 0x0F { second = character(high) }
            return
        }
        ready.append(character(low))
        // What shares a byte with a line break is not looked at.
        guard character(low) != UInt8(ascii: "\n") else { return }
        if high == 0x0F { wholeDue = 1 } else { ready.append(character(high)) }
    }

    private func character(_ code: UInt8) -> UInt8 {
        code == 0x0B && isWithoutSpaces ? UInt8(ascii: "E") : Self.characters[Int(code)]
    }
}
