/// What a printer's line means for the flow of commands. Content (temperatures, positions, capabilities) is not
/// the engine's business; whoever owns it sees every line as well.
public enum Reply: Sendable, Equatable {
    /// A command was taken (`ok`).
    case ok(OkFields)
    /// The printer wants that line again (`Resend: 12`, `Resend:12`, `rs 12`, `rs N12`); nil when the number is unreadable.
    case resend(UInt32?)
    /// The printer has thrown a line away because it counts it as a repeated one (Repetier, `skip 12`); an ok follows.
    case skipped(UInt32?)
    /// Work is going on (`echo:busy: processing`, temperatures of an M109 that waits).
    case busy
    /// A user has to act at the printer (`echo:busy: paused for user`, `paused for input`).
    case busyForUser
    /// The firmware started (`start`, `Smoothie`): a reset.
    case start
    /// The printer has nothing to do (Repetier and OctoPrint's virtual printer).
    case wait
    /// An error that a Resend mends: checksum or line number.
    case lineError
    /// An error that ends a print: temperature protection.
    case fatalError
    /// The firmware halted (`kill() called`, Repetier's `fatal:`).
    case halted
    /// `!!`: the firmware halted or a command failed, see `StreamSettings.Alarm`.
    case alarm
    /// Another error: told to the user, the print goes on.
    case otherError
    /// What no Marlin says: GRBL's `error:20` and its greeting.
    case foreignError
    /// Anything else.
    case other
}

/// What an `ok` says besides.
public struct OkFields: Sendable, Equatable {
    /// `N`: number of the line that is acknowledged (ADVANCED_OK, `ok N5`; Repetier, `ok 5`).
    public var line: UInt32?
    /// `P`: free places in the planner (ADVANCED_OK).
    public var plannerFree: UInt8?
    /// `B`: free places in the command queue (ADVANCED_OK).
    public var queueFree: UInt8?
    /// True when temperatures follow: the answer to an M105.
    public var hasTemperature = false

    /// A plain `ok`.
    public init() {}
}

extension Reply {
    /// Reads one line, without its line break. Never fails: what is not understood is `.other`.
    ///
    /// Forms seen on Marlin 1.1.9 and 2.1.2, Prusa MK3S 3.9.0 and 3.13.3 and OctoPrint's virtual printer; the forms
    /// of Repetier (`rs`, `wait`) and Smoothie (`!!`) are as hosts know them.
    public static func parse(_ line: Span<UInt8>) -> Reply {
        let start = line.firstNonBlank
        guard start < line.count else { return .other }
        switch line[start] {
        case UInt8(ascii: "o") where line.hasWord("ok", at: start):
            return .ok(okFields(line, from: start + 2))
        case UInt8(ascii: "R") where line.has("Resend", at: start):
            return .resend(firstNumber(line, from: start + 6))
        case UInt8(ascii: "r") where line.hasWord("rs", at: start):
            return .resend(firstNumber(line, from: start + 2))
        case UInt8(ascii: "s") where line.hasWord("skip", at: start):
            return .skipped(firstNumber(line, from: start + 4))
        case UInt8(ascii: "s") where line.count - start == 5 && line.has("start", at: start):
            return .start
        // What Smoothieware says when it starts.
        case UInt8(ascii: "S") where line.count - start == 8 && line.has("Smoothie", at: start):
            return .start
        case UInt8(ascii: "w") where line.count - start == 4 && line.has("wait", at: start):
            return .wait
        case UInt8(ascii: "!") where line.has("!!", at: start):
            return .alarm
        case UInt8(ascii: "f") where line.has("fatal:", at: start):
            return .halted
        case UInt8(ascii: "e") where line.has("error:", at: start):
            return .foreignError
        case UInt8(ascii: "G") where line.has("Grbl ", at: start):
            return .foreignError
        case UInt8(ascii: "E") where line.has("Error:", at: start):
            return parseError(line, from: start + 6)
        case UInt8(ascii: "T") where line.contains(" W:", from: start) && !line.has("start", at: line.count - 5):
            return .busy
        default:
            return parseRest(line, from: start)
        }
    }

    private static func parseRest(_ line: Span<UInt8>, from start: Int) -> Reply {
        if line.has("echo:busy:", at: start) || line.has("busy:", at: start) {
            return line.contains("paused for", from: start) ? .busyForUser : .busy
        }
        // MK3S 3.13.3 answers T0 with "echo:Active Extruder: 0ok": the ok has no line of its own, nor has the one of the next
        // command should this one get lost.
        if line.has("echo:", at: start), let end = behindJoinedOk(line, from: start + 5) {
            return .ok(okFields(line, from: end))
        }
        // A reset in the midst of a number, or the noise of a bootloader before it: "T:205.3 /205.0 B:6start". Not words
        // that somebody chose: "echo:start", "layer-start", "//action:start".
        let end = line.count
        if end > 5, line.has("start", at: end - 5), line[end - 6].isDigit || !line[end - 6].isPrintable {
            return .start
        }
        return .other
    }

    /// The index behind an `ok` that follows a digit and ends the line or goes on with temperatures.
    private static func behindJoinedOk(_ line: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        while index + 3 <= line.count {
            let end = index + 3
            if line[index].isDigit, line.has("ok", at: index + 1), end == line.count || line.has(" T:", at: end) {
                return end
            }
            index += 1
        }
        return nil
    }

    private static func parseError(_ line: Span<UInt8>, from start: Int) -> Reply {
        if line.contains("checksum", from: start) || line.contains("Checksum", from: start)
            || line.contains("Line Number", from: start) || line.contains("expected line", from: start)
            || line.contains("line number", from: start)
        {
            return .lineError
        }
        if line.contains("kill()", from: start) || line.contains("halted", from: start) { return .halted }
        if line.contains("Thermal", from: start) || line.contains("THERMAL", from: start)
            || line.contains("eating failed", from: start) || line.contains("MINTEMP", from: start)
            || line.contains("MAXTEMP", from: start) || line.contains("system stopped", from: start)
            || line.contains("stopped due to errors", from: start)
        {
            return .fatalError
        }
        return .otherError
    }

    private static func okFields(_ line: Span<UInt8>, from start: Int) -> OkFields {
        var fields = OkFields()
        var index = start
        // Repetier's `ok 5`.
        if start + 1 < line.count, line[start] == UInt8(ascii: " "), line[start + 1].isDigit {
            fields.line = number(line, from: start + 1)
            return fields
        }
        while index < line.count {
            let key = line[index]
            let atWord = index == 0 || line[index - 1] == UInt8(ascii: " ")
            index += 1
            guard atWord, index < line.count else { continue }
            switch key {
            case UInt8(ascii: "T") where line[index] == UInt8(ascii: ":") || line[index] == UInt8(ascii: "0"):
                fields.hasTemperature = true
                // What follows are temperatures: their P: and B: are no queue lengths.
                return fields
            case UInt8(ascii: "N") where line[index].isDigit:
                fields.line = number(line, from: index)
            case UInt8(ascii: "P") where line[index].isDigit:
                fields.plannerFree = number(line, from: index).map { UInt8(clamping: $0) }
            case UInt8(ascii: "B") where line[index].isDigit:
                fields.queueFree = number(line, from: index).map { UInt8(clamping: $0) }
            default:
                break
            }
        }
        return fields
    }

    /// The first number behind `start`, over colons, blanks and an `N`.
    private static func firstNumber(_ line: Span<UInt8>, from start: Int) -> UInt32? {
        var index = start
        while index < line.count, !line[index].isDigit {
            // A minus sign is a line count gone past 2^31: no number that can be asked for.
            if line[index] == UInt8(ascii: "-") { return nil }
            index += 1
        }
        return number(line, from: index)
    }

    private static func number(_ line: Span<UInt8>, from start: Int) -> UInt32? {
        var index = start
        var value: UInt64 = 0
        while index < line.count, line[index].isDigit {
            value = value * 10 + UInt64(line[index] - UInt8(ascii: "0"))
            if value > UInt64(UInt32.max) { return nil }
            index += 1
        }
        return index > start ? UInt32(truncatingIfNeeded: value) : nil
    }
}

extension UInt8 {
    package var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
    package var isLetter: Bool { (self | 0x20) >= UInt8(ascii: "a") && (self | 0x20) <= UInt8(ascii: "z") }
    var isPrintable: Bool { self >= 0x20 && self < 0x7F }
}

extension Span<UInt8> {
    /// Index of the first byte that is neither blank nor NUL.
    var firstNonBlank: Int {
        var index = 0
        while index < count, self[index] == UInt8(ascii: " ") || self[index] == 0 { index += 1 }
        return index
    }

    /// True when `text` stands at `start`.
    package func has(_ text: StaticString, at start: Int) -> Bool {
        let length = text.utf8CodeUnitCount
        guard start >= 0, start + length <= count else { return false }
        for offset in 0..<length where self[start + offset] != (unsafe text.utf8Start[offset]) { return false }
        return true
    }

    /// True when `text` stands at `start` and no letter or digit follows.
    func hasWord(_ text: StaticString, at start: Int) -> Bool {
        guard has(text, at: start) else { return false }
        let end = start + text.utf8CodeUnitCount
        return end == count || !(self[end].isLetter || self[end].isDigit)
    }

    /// True when `text` stands anywhere at or behind `start`.
    package func contains(_ text: StaticString, from start: Int) -> Bool {
        var index = start
        let last = count - text.utf8CodeUnitCount
        while index <= last {
            if has(text, at: index) { return true }
            index += 1
        }
        return false
    }
}
