extension JSONValue {
    /// The value as the Python package writes it: ASCII only, `", "` and `": "` between the parts, integers and
    /// floats as Python's `repr` prints them. `null`, NaN and infinities are left out of objects and lists, however
    /// deep, because the server refuses them; at the top they become `null`.
    public var wireText: String { String(decoding: wireBytes, as: UTF8.self) }

    /// The bytes of ``wireText``.
    public var wireBytes: [UInt8] {
        var writer = JSONWriter()
        // Once, in full: a tree of files is large, and doubling it on the way would take as much again.
        let size = encodedSize
        if size > 0 { writer.bytes.reserveCapacity(size + 1024) }
        writer.write(self)
        return writer.bytes
    }

    /// Bytes of the large parts of this value.
    private var encodedSize: Int {
        switch self {
        case .encoded(let json): json.size
        case .array(let values): values.reduce(0) { $0 + $1.encodedSize }
        case .object(let object): object.members.reduce(0) { $0 + $1.value.encodedSize }
        default: 0
        }
    }

    fileprivate var isLeftOut: Bool {
        switch self {
        case .null: true
        case .double(let number): !number.isFinite
        default: false
        }
    }
}

/// Writes JSON piece by piece, for trees that would be too large as a ``JSONValue``.
struct JSONWriter {
    var bytes: [UInt8] = []

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let number): append(number)
        case .unsigned(let number): append(number)
        case .double(let number): append(number.isFinite ? pythonRepr(number) : "null")
        case .string(let text): write(text)
        case .array(let values): write(values)
        case .object(let object): write(object)
        case .encoded(let json): json.write(&self)
        }
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Appends text that is JSON already.
    mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a number without fraction, of at most 64 bits. Digit by digit: a tree has two of them for each file, and
    /// a `String` for each would take its time.
    mutating func append(_ number: some FixedWidthInteger) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = UInt64(number.magnitude)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.mostDigits) { digits in
            var start = digits.count
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: digits[start...])
        }
    }

    /// Of the largest number of 64 bits.
    private static let mostDigits = 20

    private mutating func write(_ values: [JSONValue]) {
        append("[")
        var separator = ""
        for value in values where !value.isLeftOut {
            append(separator)
            write(value)
            separator = ", "
        }
        append("]")
    }

    private mutating func write(_ object: JSONObject) {
        append("{")
        var separator = ""
        for member in object.members where !member.value.isLeftOut {
            append(separator)
            write(member.key)
            append(": ")
            write(member.value)
            separator = ", "
        }
        append("}")
    }

    private mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { writeText($0[...]) }
    }

    /// Appends a text of UTF-8 in quotes. Bytes that are no UTF-8 become U+FFFD.
    mutating func writeText(_ utf8: some Collection<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        if utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
            bytes.append(contentsOf: utf8)
        } else {
            writeEscaped(String(decoding: utf8, as: UTF8.self))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func writeEscaped(_ text: String) {
        for unit in text.utf16 {
            switch unit {
            case 0x22: append("\\\"")
            case 0x5C: append("\\\\")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0x08: append("\\b")
            case 0x0C: append("\\f")
            case 0x20..<0x7F: bytes.append(UInt8(unit))
            default:
                let digits = String(unit, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            }
        }
    }
}

/// A finite number as Python's `repr` prints it: the shortest digits that give the number back, with an exponent
/// below 1e-4 and from 1e16 on. Swift finds the same digits but changes to exponents elsewhere.
func pythonRepr(_ number: Double) -> String {
    let (digits, point) = shortestDigits(number.magnitude)
    let sign = number.sign == .minus ? "-" : ""
    let exponent = point - 1
    if exponent < -4 || exponent >= 16 {
        let fraction = digits.dropFirst()
        let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
        return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + (exponent < 0 ? "e-" : "e+") + size
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
}

/// The significant digits of a number that is not negative, and where the decimal point stands: (`"125"`, 2) is 12.5.
private func shortestDigits(_ number: Double) -> (digits: String, point: Int) {
    guard number != 0 else { return ("0", 1) }
    var digits: [UInt8] = []
    var point: Int?
    var exponent = 0
    let text = Array(number.description.utf8)
    for (index, byte) in text.enumerated() {
        switch byte {
        case UInt8(ascii: "."): point = digits.count
        case UInt8(ascii: "e"):
            exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
        default:
            if isDigit(byte) { digits.append(byte) }
        }
        if byte == UInt8(ascii: "e") { break }
    }
    let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
    let place = (point ?? digits.count) + exponent - leadingZeros
    let significant = digits.dropFirst(leadingZeros)
    let trailingZeros = significant.reversed().prefix { $0 == UInt8(ascii: "0") }.count
    return (String(decoding: significant.dropLast(trailingZeros), as: UTF8.self), place)
}
