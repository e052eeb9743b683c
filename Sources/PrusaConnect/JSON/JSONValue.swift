// A JSON value of the library's own. Foundation's JSONEncoder would cost megabytes of resident memory, loses the
// order of keys and prints numbers differently from the Python package whose requests the server is used to.

/// A JSON value. Objects keep the order of their keys.
public enum JSONValue: Sendable, Hashable {
    /// `null`; left out wherever a request is written.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction.
    case int(Int64)
    /// A number without fraction above `Int64.max`. Make ids with ``init(_:)-(UInt64)``, which picks the case.
    case unsigned(UInt64)
    /// A number with fraction. NaN and infinities are left out wherever a request is written.
    case double(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// An object.
    case object(JSONObject)
    /// A value that is written when it is sent: a tree of thousands of files would be large in any other form.
    case encoded(EncodedJSON)

    /// A number without fraction, of any size up to `UInt64.max`.
    public init(_ number: UInt64) {
        self = Int64(exactly: number).map(JSONValue.int) ?? .unsigned(number)
    }
}

/// JSON that the library writes itself, when it is needed. `JSONValue(parsing: json.bytes)` takes it apart.
public struct EncodedJSON: Sendable, Hashable {
    /// Bytes that it will take, about.
    let size: Int
    let write: @Sendable (inout JSONWriter) -> Void

    /// JSON of about `size` bytes. `write` appends one JSON value without `null`, the same each time.
    init(size: Int, write: @escaping @Sendable (inout JSONWriter) -> Void) {
        self.size = size
        self.write = write
    }

    /// JSON that is there already.
    init(bytes: [UInt8]) {
        self.init(size: bytes.count) { $0.bytes.append(contentsOf: bytes) }
    }

    /// The bytes of one JSON value as they travel.
    public var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(size)
        write(&writer)
        return writer.bytes
    }

    /// Whether both write the same bytes.
    public static func == (left: EncodedJSON, right: EncodedJSON) -> Bool { left.bytes == right.bytes }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

extension JSONValue {
    /// The text, when it is one.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The truth value, when it is one.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number, when it has no fraction and fits.
    public var int: Int64? {
        switch self {
        case .int(let number): number
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }

    /// The number, when it is not negative, has no fraction and fits.
    public var unsigned: UInt64? {
        switch self {
        case .int(let number): UInt64(exactly: number)
        case .unsigned(let number): number
        case .double(let number): UInt64(exactly: number)
        default: nil
        }
    }

    /// The number, with or without fraction.
    public var double: Double? {
        switch self {
        case .int(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// The list, when it is one.
    public var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The object, when it is one.
    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The value under `key`, when this is an object that has it.
    public subscript(key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number without fraction.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A number with fraction.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// An object; a key given twice keeps the last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

/// A JSON object that keeps the order in which its keys came.
///
/// Looking up is linear: the protocol's objects have at most some thirty keys.
public struct JSONObject: Sendable, Hashable {
    /// A key and its value.
    public struct Member: Sendable, Hashable {
        /// The key.
        public let key: String
        /// The value.
        public var value: JSONValue
    }

    /// The members in their order.
    public private(set) var members: [Member] = []

    /// An empty object.
    public init() {}

    /// An object of `members`; a key given twice keeps its first place and its last value.
    public init(_ members: [(String, JSONValue)]) {
        self.members.reserveCapacity(members.count)
        for (key, value) in members { self[key] = value }
    }

    /// The keys in their order.
    public var keys: [String] { members.map(\.key) }

    /// Whether there are no keys.
    public var isEmpty: Bool { members.isEmpty }

    /// The value of `key`. A new key goes to the end; `nil` removes the key, `JSONValue.null` stays as a value.
    public subscript(key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Sets each key of `other`: known keys keep their place, new ones go to the end.
    public mutating func merge(_ other: JSONObject) {
        for member in other.members { self[member.key] = member.value }
    }

    /// Whether both have the same keys with the same values, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }

    /// Equal objects have equal hashes whatever the order of their keys.
    public func hash(into hasher: inout Hasher) {
        var combined = 0
        for member in members { combined ^= member.hashValue }
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object; a key given twice keeps the last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

extension JSONObject {
    // Optional values make the lists of fields of telemetry and events readable: an unknown value is no member.

    mutating func set(_ key: String, _ value: Double?) { if let value { self[key] = .double(value) } }
    mutating func set(_ key: String, _ value: Int?) { if let value { self[key] = .int(Int64(value)) } }
    mutating func set(_ key: String, _ value: UInt64?) { if let value { self[key] = JSONValue(value) } }
    mutating func set(_ key: String, _ value: Bool?) { if let value { self[key] = .bool(value) } }
    mutating func set(_ key: String, _ value: String?) { if let value { self[key] = .string(value) } }
    mutating func set(_ key: String, _ value: JSONObject?) { if let value { self[key] = .object(value) } }
}
