/// What the firmware makes of one received line before it goes to the queue.
enum LineVerdict: Equatable {
    /// `line[range]` is the command; `number` its line number, `last` the new last line number.
    case accept(range: Range<Int>, number: Int32?, last: Int32?)
    /// The line is dropped without an answer (Marlin 2.1.2, a line it already has).
    case drop
    /// The same with `skip` and an `ok` (Repetier).
    case skip(Int32)
    case refuse(LineError)
}

/// Why a line has to be sent again.
enum LineError: Equatable {
    case notNext(Int32)
    case checksumMismatch
    case noChecksum
    case noLineNumber
}

/// The check of number and checksum, as a pure function of the line and the last number.
struct LineCheck {
    let rules: LineRules

    func verdict(on line: [UInt8], last: Int32) -> LineVerdict {
        var start = 0
        // The Marlins skip blanks before they look for N; the MK3S looks at the first character only.
        if rules.comment != .swallowsLines {
            while start < line.count, line[start] == UInt8(ascii: " ") { start += 1 }
        }
        guard start < line.count, line[start] == UInt8(ascii: "N") else {
            let star = line.firstIndex(of: UInt8(ascii: "*"))
            if star != nil, rules.refusesChecksumWithoutNumber { return .refuse(.noLineNumber) }
            return .accept(range: trim(line, start..<(star ?? line.count)), number: nil, last: nil)
        }
        return numbered(line, start: start, last: last)
    }

    private func numbered(_ line: [UInt8], start: Int, last: Int32) -> LineVerdict {
        let (prefix, bodyStart) = integer(in: line, from: start + 1)
        let renumbers = contains(line, "M110", from: bodyStart)
        var number = prefix
        if renumbers, rules.renumbering == .prefixThenParameter,
            let second = line[bodyStart...].firstIndex(of: UInt8(ascii: "N"))
        {
            number = integer(in: line, from: second + 1).value
        }
        let sum = checksum(of: line, from: start)
        if rules.checksChecksumFirst, sum == .wrong { return .refuse(.checksumMismatch) }
        if number != last &+ 1, !renumbers {
            let isRepeat = number == last || number == last &- 1
            if rules.repeated == .skipped, number <= last, number > last &- 40 { return .skip(number) }
            return isRepeat && rules.repeated == .dropped ? .drop : .refuse(.notNext(number))
        }
        switch sum {
        case .wrong: return .refuse(.checksumMismatch)
        case .missing where rules.refusesNumberWithoutChecksum: return .refuse(.noChecksum)
        case .missing: return .accept(range: trim(line, bodyStart..<line.count), number: prefix, last: number)
        case .right(let star):
            return .accept(range: trim(line, min(bodyStart, star)..<star), number: prefix, last: number)
        }
    }

    private enum Checksum: Equatable { case missing, wrong, right(star: Int) }

    private func checksum(of line: [UInt8], from start: Int) -> Checksum {
        // The MK3S takes the first star, the Marlins the last one.
        let isPrusa = rules.comment == .swallowsLines
        let found = isPrusa ? line.firstIndex(of: UInt8(ascii: "*")) : line.lastIndex(of: UInt8(ascii: "*"))
        guard let star = found else { return .missing }
        var sum: UInt8 = 0
        for index in start..<star { sum ^= line[index] }
        return integer(in: line, from: star + 1).value == Int32(sum) ? .right(star: star) : .wrong
    }

    /// `strtol` on a 32-bit machine: blanks, a sign, digits; saturates; 0 without digits. Also where it stopped.
    private func integer(in line: [UInt8], from start: Int) -> (value: Int32, end: Int) {
        var index = start
        while index < line.count, line[index] == UInt8(ascii: " ") { index += 1 }
        var negative = false
        if index < line.count, line[index] == UInt8(ascii: "-") || line[index] == UInt8(ascii: "+") {
            negative = line[index] == UInt8(ascii: "-")
            index += 1
        }
        let digits = index
        var value: Int64 = 0
        while index < line.count, line[index] >= UInt8(ascii: "0"), line[index] <= UInt8(ascii: "9") {
            value = min(value * 10 + Int64(line[index] - UInt8(ascii: "0")), 1 << 40)
            index += 1
        }
        guard index > digits else { return (0, start) }
        return (Int32(clamping: negative ? -value : value), index)
    }

    private func trim(_ line: [UInt8], _ range: Range<Int>) -> Range<Int> {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high, isBlank(line[low]) { low += 1 }
        while high > low, isBlank(line[high - 1]) { high -= 1 }
        return low..<high
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private func contains(_ line: [UInt8], _ text: StaticString, from start: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard line.count - start >= length else { return false }
        return text.withUTF8Buffer { wanted in
            for place in start...(line.count - length) where line[place] == wanted[0] {
                if (1..<length).allSatisfy({ line[place + $0] == wanted[$0] }) { return true }
            }
            return false
        }
    }
}
