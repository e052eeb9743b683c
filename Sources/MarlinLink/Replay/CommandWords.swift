import GCodeStream

/// One command taken apart as Marlin does it: letter and number, then letters with or without a value.
struct CommandWords {
    /// `G`, `M` or `T`; 0 when the text is no command.
    private(set) var letter: UInt8 = 0
    /// The number behind the letter.
    private(set) var code: UInt16 = 0

    private var values = InlineArray<26, Double>(repeating: 0)
    private var present: UInt32 = 0
    private var valued: UInt32 = 0

    init(_ command: borrowing CommandBuffer) {
        var index = 0
        skipBlanks(of: command, &index)
        guard index < command.count, let first = Self.commandLetter(command[index]) else { return }
        index += 1
        skipBlanks(of: command, &index)
        // "T?" and "Tx" of Prusa's MMU leave the tool to the firmware.
        guard index < command.count, command[index].isDigit else { return }
        var number: UInt32 = 0
        while index < command.count, command[index].isDigit {
            number = min(number * 10 + UInt32(command[index] - UInt8(ascii: "0")), 65_535)
            index += 1
        }
        // "G92.1" is another command than G92.
        if index < command.count, command[index] == UInt8(ascii: ".") { return }
        letter = first
        code = UInt16(number)
        while index < command.count {
            let byte = command[index] & 0xDF
            index += 1
            guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) else { continue }
            let slot = Int(byte - UInt8(ascii: "A"))
            present |= 1 << UInt32(slot)
            guard let value = Self.number(in: command, &index) else { continue }
            values[slot] = value
            valued |= 1 << UInt32(slot)
        }
    }

    /// True when a word is there, with or without a value.
    func has(_ name: Unicode.Scalar) -> Bool { present & (1 << (name.value - 65)) != 0 }

    /// True when no word is there.
    var isBare: Bool { present == 0 }

    /// The value of a word.
    subscript(name: Unicode.Scalar) -> Double? {
        valued & (1 << (name.value - 65)) != 0 ? values[Int(name.value - 65)] : nil
    }

    /// Calls `body` with each word that has a value.
    func forEachValue(_ body: (Unicode.Scalar, Double) -> Void) {
        for slot in 0..<26 where valued & (1 << UInt32(slot)) != 0 {
            body(Unicode.Scalar(UInt8(ascii: "A") + UInt8(slot)), values[slot])
        }
    }

    private static func commandLetter(_ byte: UInt8) -> UInt8? {
        let upper = byte & 0xDF
        return upper == UInt8(ascii: "G") || upper == UInt8(ascii: "M") || upper == UInt8(ascii: "T") ? upper : nil
    }

    private func skipBlanks(of command: borrowing CommandBuffer, _ index: inout Int) {
        while index < command.count, command[index] == UInt8(ascii: " ") { index += 1 }
    }

    /// A decimal number behind a letter, over blanks. No exponent: `E` begins the next word.
    private static func number(in command: borrowing CommandBuffer, _ index: inout Int) -> Double? {
        var here = index
        while here < command.count, command[here] == UInt8(ascii: " ") { here += 1 }
        var isNegative = false
        let sign = here < command.count ? command[here] : 0
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            here += 1
        }
        var mantissa = 0.0
        var scale = 1.0
        var digits = 0
        var isFraction = false
        while here < command.count {
            let byte = command[here]
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else if byte.isDigit {
                // More digits than a double holds change nothing.
                if digits < 18 {
                    mantissa = mantissa * 10 + Double(byte - UInt8(ascii: "0"))
                    if isFraction { scale *= 10 }
                } else if !isFraction {
                    mantissa *= 10
                }
                digits += 1
            } else {
                break
            }
            here += 1
        }
        guard digits > 0 else { return nil }
        index = here
        return isNegative ? -mantissa / scale : mantissa / scale
    }
}

extension Double {
    /// The number as G-code has it: no exponent, `digits` decimals at most, none that say nothing.
    public func gcode(digits: Int = 5) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (self * scale).rounded()
        // Nothing that a printer is told is that large.
        guard scaled.isFinite, Swift.abs(scaled) < 9e15 else { return "0" }
        var rest = UInt64(Swift.abs(scaled))
        var text: [Character] = []
        for place in 0..<max(digits, 0) {
            let digit = rest % 10
            rest /= 10
            if digit != 0 || !text.isEmpty { text.append(Character(String(digit))) }
            if place == digits - 1, !text.isEmpty { text.append(".") }
        }
        let sign = scaled < 0 ? "-" : ""
        return sign + String(rest) + String(text.reversed())
    }
}
