import GCodeStream

/// A temperature and what it is meant to become, in °C.
public struct Temperature: Sendable, Equatable, BitwiseCopyable {
    /// Measured, in °C; NaN when unknown.
    public var current: Float = .nan
    /// Wanted, in °C; 0 is off, NaN when unknown.
    public var target: Float = .nan

    /// An unknown temperature.
    public init() {}
}

/// What the printer told of itself, as it stands in its lines. Plain bytes: copied without touching the heap.
public struct PrinterReadings: Sendable, BitwiseCopyable {
    /// The hotend in use.
    public var hotend = Temperature()
    /// The heated bed.
    public var bed = Temperature()
    /// The enclosure, `C:` in Marlin's reports.
    public var chamber = Temperature()
    /// Position in mm; NaN when unknown.
    public var x: Float = .nan
    /// Position in mm; NaN when unknown.
    public var y: Float = .nan
    /// Position in mm; NaN when unknown.
    public var z: Float = .nan
    /// Extruder position in mm; NaN when unknown.
    public var e: Float = .nan
    /// Hotend fan in rpm, from `E0:`/`RPM` reports of Prusa firmware; negative when unknown.
    public var hotendFan: Int32 = -1
    /// Print fan in rpm; negative when unknown.
    public var printFan: Int32 = -1
    /// Progress in percent that an M73 of the job set; negative when none did.
    public var progress: Int32 = -1
    /// Remaining minutes that an M73 of the job set; negative when none did.
    public var minutesLeft: Int32 = -1
    /// Bytes printed from the printer's own SD card and their total; negative when none.
    public var sdPosition: Int64 = -1
    /// Total bytes of the file on the SD card; negative when none.
    public var sdTotal: Int64 = -1
    /// True while an M109 or M190 waits (a temperature line without ok that carries `W:`).
    public var isHeating = false
    /// True while the firmware says that a user must act.
    public var waitsForUser = false
    /// Counts temperature reports, so that a reader sees whether one is new.
    public var temperatureReports: UInt32 = 0
    /// Counts reports of the position.
    public var positionReports: UInt32 = 0

    /// Nothing known.
    public init() {}
}

extension PrinterReadings {
    /// Takes what a line of the printer says; true when it was temperatures, a position, fans or SD progress.
    ///
    /// Forms: `ok T:25.00 /0.00 B:25.00 /0.00 @:0` (M105), ` T:… /… B:… /…` (M155), `T:28.0 E:0 W:?` (M109 of Prusa),
    /// `T:21.30/ 0.00` (OctoPrint's virtual printer), `T0:… T1:…`, `X:0.00 Y:0.00 Z:0.15 E:0.00 Count …` (M114),
    /// `E0:4800 RPM PRN1:0 RPM E0@:255 PRN1@:0` (fans of Prusa), `SD printing byte 12/345` (M27).
    public mutating func update(from line: Span<UInt8>, reply: Reply) -> Bool {
        switch reply {
        case .busyForUser:
            waitsForUser = true
            return false
        case .ok:
            waitsForUser = false
            isHeating = false
            // A plain ok, of which there are thousands a second.
            if line.count < 5 { return false }
        case .busy where !line.contains("busy", from: 0):
            isHeating = true
        case .busy:
            waitsForUser = false
            return false
        case .other:
            break
        default:
            return false
        }
        if readTemperatures(line) { return true }
        if line.contains(" RPM", from: 0) { return readFans(line) }
        if line.contains("SD printing byte", from: 0) { return readCard(line) }
        return readPosition(line)
    }

    private mutating func readTemperatures(_ line: Span<UInt8>) -> Bool {
        var found = false
        if let value = line.temperature("T:") ?? line.temperature("T0:") {
            hotend.merge(value)
            found = true
        }
        guard found else { return false }
        if let value = line.temperature("B:") { bed.merge(value) }
        if let value = line.temperature("C:") { chamber.merge(value) }
        temperatureReports &+= 1
        return true
    }

    private mutating func readPosition(_ line: Span<UInt8>) -> Bool {
        guard let newX = line.value("X:"), let newY = line.value("Y:"), let newZ = line.value("Z:") else {
            return false
        }
        x = Float(newX)
        y = Float(newY)
        z = Float(newZ)
        positionReports &+= 1
        if let newE = line.value("E:") { e = Float(newE) }
        return true
    }

    private mutating func readFans(_ line: Span<UInt8>) -> Bool {
        guard let hotend = line.value("E0:") else { return false }
        hotendFan = Int32(hotend, atMost: 1_000_000)
        if let print = line.value("PRN1:") ?? line.value("PRN0:") { printFan = Int32(print, atMost: 1_000_000) }
        return true
    }

    private mutating func readCard(_ line: Span<UInt8>) -> Bool {
        guard let position = line.value("byte "), let slash = line.position(of: UInt8(ascii: "/"), from: 0),
            let total = line.number(at: slash + 1)?.value
        else { return false }
        sdPosition = Int64(position, atMost: 1 << 50)
        sdTotal = Int64(total, atMost: 1 << 50)
        return true
    }

    /// Takes an M73 of the job: `P` percent and `R` minutes, the values of normal mode.
    mutating func noteProgress(_ command: borrowing CommandBuffer) {
        guard command.count > 4 else { return }
        command.withBytes { span in
            guard span.has("M73", at: 0), span[3] == UInt8(ascii: " ") else { return }
            if let percent = span.value(" P") { progress = Int32(percent, atMost: 100) }
            if let minutes = span.value(" R") { minutesLeft = Int32(minutes, atMost: 1_000_000) }
        }
    }
}

extension Temperature {
    fileprivate mutating func merge(_ other: Temperature) {
        current = other.current
        if !other.target.isNaN { target = other.target }
    }
}

extension Span<UInt8> {
    /// `KEY value /target` with `key` at a word's beginning.
    fileprivate func temperature(_ key: StaticString) -> Temperature? {
        guard let start = wordPosition(of: key), let current = number(at: start + key.utf8CodeUnitCount) else {
            return nil
        }
        var result = Temperature()
        result.current = Float(current.value)
        var index = current.end
        while index < count, self[index] == UInt8(ascii: " ") { index += 1 }
        if index < count, self[index] == UInt8(ascii: "/"), let target = number(at: index + 1) {
            result.target = Float(target.value)
        }
        return result
    }

    /// The number behind `key`.
    fileprivate func value(_ key: StaticString) -> Double? {
        guard let start = wordPosition(of: key) else { return nil }
        return number(at: start + key.utf8CodeUnitCount)?.value
    }

    /// Where `key` begins a word; a key with a leading blank may stand anywhere.
    fileprivate func wordPosition(of key: StaticString) -> Int? {
        var index = 0
        while index + key.utf8CodeUnitCount <= count {
            if has(key, at: index),
                index == 0 || key.startsWithBlank || !(self[index - 1].isLetter || self[index - 1].isDigit)
            {
                return index
            }
            index += 1
        }
        return nil
    }

    fileprivate func position(of byte: UInt8, from start: Int) -> Int? {
        for index in start..<count where self[index] == byte { return index }
        return nil
    }

    /// A decimal number at `start`, over blanks; the index behind it.
    fileprivate func number(at start: Int) -> (value: Double, end: Int)? {
        var index = start
        while index < count, self[index] == UInt8(ascii: " ") { index += 1 }
        var negative = false
        if index < count, self[index] == UInt8(ascii: "-") {
            negative = true
            index += 1
        }
        var mantissa: Double = 0
        var scale: Double = 1
        var digits = 0
        var inFraction = false
        while index < count, digits < 18 {
            let byte = self[index]
            if byte == UInt8(ascii: "."), !inFraction {
                inFraction = true
            } else if byte.isDigit {
                mantissa = mantissa * 10 + Double(byte - UInt8(ascii: "0"))
                if inFraction { scale *= 10 }
                digits += 1
            } else {
                break
            }
            index += 1
        }
        guard digits > 0 else { return nil }
        return (negative ? -mantissa / scale : mantissa / scale, index)
    }
}

extension FixedWidthInteger {
    /// What a damaged line says may be any number: nothing below 0 and nothing above `limit` comes out.
    fileprivate init(_ value: Double, atMost limit: Self) {
        self = Self(Swift.min(Swift.max(value, 0), Double(limit)))
    }
}

extension StaticString {
    fileprivate var startsWithBlank: Bool { utf8Start[0] == UInt8(ascii: " ") }
}
