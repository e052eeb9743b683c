/// Why a text is no JSON.
public struct JSONError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong.
    public let message: String
    /// At which byte.
    public let offset: Int

    /// What was wrong and where.
    public var description: String { "\(message) at byte \(offset)" }
}

extension PlainJSON {
    /// Reads JSON text strictly: RFC 8259, UTF-8, one value, at most 64 levels.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(bytes)
        self = try reader.document()
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var index = 0

    private static let deepest = 64

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> PlainJSON {
        let value = try value(depth: 0)
        skipBlanks()
        if index < bytes.count { throw error("text behind the value") }
        return value
    }

    private func error(_ message: String) -> JSONError { JSONError(message: message, offset: index) }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func skip(_ wanted: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard current == UInt8(ascii: wanted) else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> PlainJSON {
        guard depth < Self.deepest else { throw error("too deep") }
        skipBlanks()
        guard let byte = current else { throw error("text ends where a value is expected") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(_ text: String, _ value: PlainJSON) throws(JSONError) -> PlainJSON {
        guard bytes[index...].starts(with: text.utf8) else { throw error("no value") }
        index += text.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONError) -> PlainJSON {
        index += 1
        var members: [PlainJSON.Member] = []
        if skip("}") { return .object([]) }
        repeat {
            skipBlanks()
            guard current == UInt8(ascii: "\"") else { throw error("no key") }
            let key = try string()
            guard skip(":") else { throw error("no colon behind the key \(key)") }
            if members.contains(where: { $0.key == key }) { throw error("key \(key) twice") }
            members.append(.init(key, try value(depth: depth + 1)))
        } while skip(",")
        guard skip("}") else { throw error("object is not closed") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(JSONError) -> PlainJSON {
        index += 1
        var elements: [PlainJSON] = []
        if skip("]") { return .array([]) }
        repeat { elements.append(try value(depth: depth + 1)) } while skip(",")
        guard skip("]") else { throw error("array is not closed") }
        return .array(elements)
    }

    private mutating func string() throws(JSONError) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = current {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let result = String(validating: text, as: UTF8.self) else { throw error("not UTF-8") }
                return result
            case UInt8(ascii: "\\"): text += try escape()
            case 0..<0x20: throw error("control character in a string")
            default: text.append(byte)
            }
        }
        throw error("string is not closed")
    }

    private mutating func escape() throws(JSONError) -> [UInt8] {
        guard let byte = current else { throw error("string is not closed") }
        index += 1
        switch byte {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "u"): break
        default: throw error("unknown escape")
        }
        var value = try hexadecimal()
        if value >= 0xD800, value < 0xDC00 {
            guard bytes[index...].starts(with: "\\u".utf8) else { throw error("half a surrogate pair") }
            index += 2
            let low = try hexadecimal()
            guard low >= 0xDC00, low < 0xE000 else { throw error("half a surrogate pair") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw error("half a surrogate pair") }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        guard index + 4 <= bytes.count,
            let value = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
        else { throw error("broken \\u escape") }
        index += 4
        return value
    }

    private mutating func number() throws(JSONError) -> PlainJSON {
        let start = index
        var isInteger = true
        if current == UInt8(ascii: "-") { index += 1 }
        let firstDigit = index
        let whole = digits()
        guard whole > 0 else { throw error("no value") }
        if whole > 1, bytes[firstDigit] == UInt8(ascii: "0") { throw error("number begins with 0") }
        if current == UInt8(ascii: ".") {
            isInteger = false
            index += 1
            guard digits() > 0 else { throw error("no digit behind the point") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isInteger = false
            index += 1
            if current == UInt8(ascii: "-") || current == UInt8(ascii: "+") { index += 1 }
            guard digits() > 0 else { throw error("no digit in the exponent") }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw error("number is too large") }
        return .number(value)
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
        return index - start
    }
}
