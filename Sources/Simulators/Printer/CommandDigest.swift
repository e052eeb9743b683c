import Crypto

/// SHA-256 over the commands of a print, to prove that the printer executed exactly what the file says.
///
/// Each command counts as its text without line number, checksum, comment and surrounding blanks, followed by a
/// newline. Commands that a host sends for its own purposes are left out (`housekeeping`), and so is text that is no
/// command at all (does not begin with G, M or T and a digit), which a damaged line can produce.
public struct CommandDigest: Sendable {
    /// M-codes that are not part of a print: M105 (temperatures), M110 (line number), M113 (keep-alive),
    /// M114 (position), M115 (firmware), M155 (automatic temperatures), M400 (waiting for the moves to end),
    /// M876 (answer to a prompt).
    public static let housekeeping: Set<Int> = [105, 110, 113, 114, 115, 155, 400, 876]

    private var hash = SHA256()
    private var pending: [UInt8] = []
    private var unfinishedLine: [UInt8] = []

    /// How many commands were counted.
    public private(set) var count = 0

    /// An empty digest.
    public init() { pending.reserveCapacity(Self.chunk + 256) }

    private static let chunk = 4096

    /// Counts one line of G-code: comment and blanks are taken off, blank lines are skipped.
    public mutating func add(line: some Collection<UInt8>) {
        let text = line.prefix { $0 != UInt8(ascii: ";") }
        guard let first = text.firstIndex(where: { !Self.isBlank($0) }) else { return }
        var bytes = Array(text[first...])
        while let last = bytes.last, Self.isBlank(last) { bytes.removeLast() }
        guard Self.counts(bytes) else { return }
        append(bytes[...])
    }

    /// Counts a piece of a G-code file; pieces may break anywhere. Call `finishFile()` behind the last one.
    public mutating func add(file piece: some Sequence<UInt8>) {
        for byte in piece {
            if byte == UInt8(ascii: "\n") {
                finishFile()
            } else {
                unfinishedLine.append(byte)
            }
        }
    }

    /// Counts the last line of a file that does not end with a newline.
    public mutating func finishFile() {
        add(line: unfinishedLine)
        unfinishedLine.removeAll(keepingCapacity: true)
    }

    /// Counts a command whose text is already bare. The simulated printer's hot path.
    mutating func append(_ command: ArraySlice<UInt8>) {
        pending.append(contentsOf: command)
        pending.append(UInt8(ascii: "\n"))
        count += 1
        if pending.count >= Self.chunk {
            hash.update(data: pending)
            pending.removeAll(keepingCapacity: true)
        }
    }

    /// The digest so far as 64 hexadecimal digits.
    public var hexadecimal: String {
        var copy = hash
        copy.update(data: pending)
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in copy.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The digest and number of commands of a whole G-code text.
    public static func of(file: some Sequence<UInt8>) -> CommandDigest {
        var digest = CommandDigest()
        digest.add(file: file)
        digest.finishFile()
        return digest
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private static func counts(_ text: [UInt8]) -> Bool {
        guard let letter = text.first,
            letter == UInt8(ascii: "G") || letter == UInt8(ascii: "M") || letter == UInt8(ascii: "T")
        else { return false }
        let digits = text.dropFirst().drop { $0 == UInt8(ascii: " ") }.prefix { isDigit($0) }
        guard !digits.isEmpty else { return false }
        let code = digits.prefix(6).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return letter != UInt8(ascii: "M") || !housekeeping.contains(code)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
