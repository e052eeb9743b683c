/// Why a text is no JSON that the library takes.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was expected or exceeded.
    public let problem: String
    /// Where, in bytes from the beginning.
    public let offset: Int

    /// The problem and where it is.
    public var description: String { "\(problem) at byte \(offset)" }
}

/// What a JSON text may cost: it comes from the network.
public struct JSONLimits: Sendable {
    /// Objects and lists inside each other.
    public var depth: Int
    /// Length of the text in bytes.
    public var bytes: Int
    /// Keys of one object: looking them up is linear.
    public var members: Int

    /// Limits far above what the protocol needs: 32 levels, 1 MiB, 1024 keys.
    public init(depth: Int = 32, bytes: Int = 1 << 20, members: Int = 1024) {
        self.depth = depth
        self.bytes = bytes
        self.members = members
    }
}

extension JSONValue {
    /// Reads a JSON text (RFC 8259, UTF-8) strictly: no comments, no trailing commas, no NaN. A key given twice
    /// keeps the last value.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        guard bytes.count <= limits.bytes else {
            throw JSONError(problem: "JSON text longer than \(limits.bytes) bytes", offset: limits.bytes)
        }
        var parser = JSONParser(bytes: bytes, limits: limits)
        self = try parser.parseDocument()
    }

    /// Reads a JSON text; see ``init(parsing:limits:)-([UInt8],_)``.
    public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let limits: JSONLimits
    var position = 0
    var depth = 0

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw error("Expected the end of the text") }
        return value
    }

    private func error(_ problem: String) -> JSONError { JSONError(problem: problem, offset: position) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        switch next {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): return try parseNumber()
        default: throw error("Expected a JSON value")
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let text = Array(word.description.utf8)
        guard bytes[position...].starts(with: text) else { throw error("Expected a JSON value") }
        position += text.count
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= limits.depth else { throw error("JSON nested deeper than \(limits.depth) levels") }
        position += 1
        skipSpace()
    }

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var members: [(String, JSONValue)] = []
        if take(UInt8(ascii: "}")) { return .object(JSONObject()) }
        while true {
            guard next == UInt8(ascii: "\"") else { throw error("Expected a key in double quotes") }
            let key = try parseString()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("Expected ':' after the key") }
            skipSpace()
            guard members.count < limits.members else { throw error("More than \(limits.members) keys in an object") }
            members.append((key, try parseValue()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(JSONObject(members)) }
            guard take(UInt8(ascii: ",")) else { throw error("Expected ',' or '}' after the value") }
            skipSpace()
        }
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var values: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try parseValue())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw error("Expected ',' or ']' after the value") }
            skipSpace()
        }
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = next, isDigit(byte) { position += 1 }
        return position - start
    }

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let leadingZero = next == UInt8(ascii: "0")
        let digits = skipDigits()
        guard digits > 0, !(leadingZero && digits > 1) else { throw error("Expected a number") }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard skipDigits() > 0 else { throw error("Expected digits after the decimal point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw error("Expected digits in the exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole {
            if let number = Int64(text) { return .int(number) }
            if let number = UInt64(text) { return .unsigned(number) }
        }
        guard let number = Double(text), number.isFinite else { throw error("Number out of range") }
        return .double(number)
    }

    private mutating func parseString() throws(JSONError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw error("Text is not UTF-8") }
                return string
            case UInt8(ascii: "\\"): try parseEscape(into: &text)
            case 0..<0x20: throw error("Control character in a text")
            default: text.append(byte)
            }
        }
        throw error("Expected '\"' at the end of the text")
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw error("Expected a character after '\\'") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try parseUnicode()).utf8)
        default: throw error("Unknown escape in a text")
        }
    }

    private mutating func parseUnicode() throws(JSONError) -> Character {
        let first = try parseHex()
        var code = first
        if 0xD800..<0xDC00 ~= first {
            let hasSecond = take(UInt8(ascii: "\\")) && take(UInt8(ascii: "u"))
            let second = hasSecond ? try parseHex() : 0
            guard 0xDC00..<0xE000 ~= second else { throw error("Expected the second surrogate") }
            code = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("Lone surrogate in a text") }
        return Character(scalar)
    }

    private mutating func parseHex() throws(JSONError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw error("Expected four hex digits") }
        var code: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("Expected four hex digits")
            }
            code = code << 4 | UInt32(digit)
        }
        position += 4
        return code
    }
}
