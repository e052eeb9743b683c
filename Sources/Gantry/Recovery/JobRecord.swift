import MarlinLink
import PrusaConnect

/// A print that was begun, as it is kept on disk until it is over: `print.ini` in the state directory.
struct JobRecord: Sendable, Equatable {
    /// The job's number.
    var id: UInt64
    /// Its path as Connect knows it.
    var path: String
    /// The file on this machine.
    var file: String
    /// The file's size in bytes, and when it was last changed, in seconds since 1970: another file of that name is none of
    /// this print's.
    var size: UInt64
    var modified: Int64

    init(_ job: Job) {
        id = job.id
        path = job.path
        file = job.file.path
        size = job.file.size
        modified = job.file.modified
    }

    private static let section = "print"

    /// Nil when something is missing or unreadable.
    init?(_ file: INIFile) {
        func number<T: FixedWidthInteger>(_ key: String) -> T? {
            file.value(of: key, in: Self.section).flatMap { T($0) }
        }
        func path(_ key: String) -> String? {
            file.value(of: key, in: Self.section).flatMap { PercentCoding.decoded($0) }
        }
        guard let id: UInt64 = number("id"), let size: UInt64 = number("size"),
            let modified: Int64 = number("modified"),
            let name = path("path"), let local = path("file")
        else { return nil }
        self.id = id
        self.path = name
        self.file = local
        self.size = size
        self.modified = modified
    }

    /// Writes it, so that a loss of power leaves all of it or nothing.
    func write(to target: String) throws {
        var file = try INIFile(text: "", path: target)
        try file.set("id", in: Self.section, to: "\(id)")
        try file.set("path", in: Self.section, to: PercentCoding.encoded(path))
        try file.set("file", in: Self.section, to: PercentCoding.encoded(self.file))
        try file.set("size", in: Self.section, to: "\(size)")
        try file.set("modified", in: Self.section, to: "\(modified)")
        try file.write()
    }
}

/// Names of files may hold everything but NUL: in the record they are letters, digits and a few signs, the rest `%41`.
enum PercentCoding {
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "/._-".utf8.contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return result
    }

    static func decoded(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
