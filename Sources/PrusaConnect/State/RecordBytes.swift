// How records are written: whole numbers in little-endian order, texts behind their length.

/// The checksum of a record: CRC-32 as Ethernet and zip use it (reflected polynomial EDB88320).
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var value = UInt32.max
        for byte in bytes { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
        return ~value
    }
}

extension [UInt8] {
    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}

/// Takes a record apart from its start; `nil` when there is not enough of it.
struct RecordReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
        let size = MemoryLayout<Number>.size
        guard rest.count >= size else { return nil }
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size).reversed().reduce(Number(0)) { value, byte in
            value << 8 | Number(truncatingIfNeeded: byte)
        }
    }

    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func all() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }
}

extension StoredEvent {
    /// The event as part of a record: timestamp, the command that it answers, its kind, and its body to the end.
    func append(to record: inout [UInt8]) {
        record.append(littleEndian: timestamp.tenths)
        record.append(answers == nil ? 0 : 1)
        record.append(littleEndian: answers ?? 0)
        record.append(UInt8(kind.rawValue.utf8.count))
        record.append(contentsOf: kind.rawValue.utf8)
        record.append(contentsOf: body)
    }

    init?(_ reader: inout RecordReader) {
        guard let tenths = reader.number(Int64.self), let isAnswer = reader.number(UInt8.self),
            let answers = reader.number(UInt64.self), let length = reader.number(UInt8.self),
            let name = reader.bytes(Int(length)), let kind = EventKind(rawValue: String(decoding: name, as: UTF8.self))
        else { return nil }
        self.init(
            kind: kind, answers: isAnswer == 1 ? answers : nil, timestamp: Timestamp(tenths: tenths),
            body: reader.all())
    }
}
