/// One command taken apart: its letter and number, and the parameters with their values.
struct GCodeWords: Sendable {
    /// `G`, `M`, `T`, or 0 when the text is no command.
    private(set) var letter: UInt8 = 0
    /// The number behind the letter.
    private(set) var code = 0

    private var values = [26 of Double](repeating: 0)
    private var seen: UInt32 = 0
    private var valued: UInt32 = 0

    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12]

    /// Codes whose parameter is text: M16, M23, M28, M30, M32, M117, M118, M486, M862.
    private static func takesText(_ code: Int) -> Bool {
        switch code {
        case 16, 23, 28, 30, 32, 117, 118, 486, 862: true
        default: false
        }
    }

    /// Takes `text` apart. With `anywhere`, the first G, M or T in it counts even behind other characters. With `exponents`
    /// a number is what `strtod` takes for one, `20E5` too.
    mutating func parse(_ text: ArraySlice<UInt8>, anywhere: Bool, exponents: Bool = false) {
        letter = 0
        code = 0
        seen = 0
        valued = 0
        var index = text.startIndex
        if anywhere, let start = text.firstIndex(where: { Self.isCommandLetter($0) }) { index = start }
        guard index < text.endIndex, Self.isCommandLetter(text[index]) else { return }
        let first = text[index]
        index += 1
        while index < text.endIndex, text[index] == UInt8(ascii: " ") { index += 1 }
        guard index < text.endIndex, Self.isDigit(text[index]) else { return }
        letter = first
        while index < text.endIndex, Self.isDigit(text[index]), code < 1_000_000 {
            code = code * 10 + Int(text[index] - UInt8(ascii: "0"))
            index += 1
        }
        if first == UInt8(ascii: "M"), Self.takesText(code) { return }
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            guard byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") else { continue }
            let slot = Int(byte - UInt8(ascii: "A"))
            seen |= 1 << UInt32(slot)
            if let value = Self.number(in: text, at: &index, exponents: exponents) {
                values[slot] = value
                valued |= 1 << UInt32(slot)
            }
        }
    }

    /// True when the parameter is there, with or without a value.
    func has(_ name: Unicode.Scalar) -> Bool { seen & (1 << (name.value - 65)) != 0 }

    /// The value of a parameter.
    subscript(name: Unicode.Scalar) -> Double? {
        let slot = name.value - 65
        return valued & (1 << slot) != 0 ? values[Int(slot)] : nil
    }

    private static func number(in text: ArraySlice<UInt8>, at index: inout Int, exponents: Bool) -> Double? {
        var place = index
        let end = text.endIndex
        var negative = false
        if place < end, text[place] == UInt8(ascii: "-") || text[place] == UInt8(ascii: "+") {
            negative = text[place] == UInt8(ascii: "-")
            place += 1
        }
        var mantissa: Int64 = 0
        var digits = 0
        var decimals = 0
        var afterPoint = false
        while place < end {
            let byte = text[place]
            if isDigit(byte) {
                if digits < 17 {
                    mantissa = mantissa * 10 + Int64(byte - UInt8(ascii: "0"))
                    if afterPoint, decimals < 12 { decimals += 1 }
                }
                digits += 1
            } else if byte == UInt8(ascii: "."), !afterPoint {
                afterPoint = true
            } else {
                break
            }
            place += 1
        }
        guard digits > 0 else { return nil }
        index = place
        var value = Double(mantissa) / powers[decimals]
        if exponents, place + 1 < end, text[place] == UInt8(ascii: "E"), isDigit(text[place + 1]) {
            // The E itself is found as a parameter all the same.
            for _ in 0..<min(Int(text[place + 1] - UInt8(ascii: "0")), 9) { value *= 10 }
        }
        return negative ? -value : value
    }

    private static func isCommandLetter(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "G") || byte == UInt8(ascii: "M") || byte == UInt8(ascii: "T")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
