/// Turns the bytes of a G-code file into the commands that a printer needs to see.
///
/// Taken out, because real firmware trips over them (seen on MK3S 3.9.0 and 3.13.3, Marlin 1.1.9 and 2.1.2):
/// - comments: after `;` an MK3S throws away the rest of that line *and the next line*, without an ok. Everything
///   from `;` to the line's end goes, whatever the command: no firmware prints a `;` of M117 or M118.
/// - blank lines: no firmware ever answers one, so a host that waits for the ok waits for ever.
/// - a byte order mark, and blanks around the command.
/// - line numbers and checksums of a file that was numbered (`N12 G1 X1*33`): the lines get new ones, and firmware takes
///   the last `N` that it finds.
/// - any other `*` becomes an `x`: an MK3S takes the first one in a line for the checksum's mark, so that an
///   `M117 5*4` could never be sent.
///
/// Bytes beyond ASCII are passed on inside a command (an M117 text) and dropped with a comment: a stray Latin-1
/// byte is no reason to stop a print.
public struct CommandScanner: Sendable {
    /// What one byte led to.
    public enum Step: Sendable, Equatable {
        /// Nothing to do yet.
        case more
        /// A command ended; it is in `command`.
        case command
        /// A command ended that is too long for any firmware; `command` has its beginning, `length` its length.
        case tooLong
        /// A command ended that has NUL bytes in it: the file was damaged, by a power cut while it was copied for
        /// example. `command` has the rest.
        case damaged
    }

    /// The command that the last step but `.more` announced; valid until the next byte is fed.
    public private(set) var command = CommandBuffer()

    /// Length of that command in bytes, also where it did not fit.
    public private(set) var length = 0

    /// Number of the line in the file, from 1, on which the announced command stands.
    public private(set) var lineNumber: UInt64 = 0

    /// Layer marks seen so far: `;LAYER_CHANGE` (PrusaSlicer, SuperSlicer, OrcaSlicer) and `;LAYER:` (Cura).
    public private(set) var layers: UInt32 = 0

    private var currentLine: UInt64 = 1
    private var inComment = false
    private var hasNul = false
    private var hasStar = false
    private var mark = LayerMark()
    private var finished = true

    /// A scanner at the beginning of a file.
    public init() {}

    /// Feeds one byte of the file.
    @inline(__always)
    public mutating func feed(_ byte: UInt8) -> Step {
        if inComment, mark.feed(byte) { layers += 1 }
        if finished {
            command.removeAll()
            length = 0
            hasNul = false
            hasStar = false
            finished = false
        }
        switch byte {
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            let step = endLine()
            if byte == UInt8(ascii: "\n") { currentLine += 1 }
            return step
        case UInt8(ascii: ";"):
            if !inComment && length == 0 { mark.begin() }
            inComment = true
        case 0:
            if !inComment { hasNul = true }
        case UInt8(ascii: "*"):
            if !inComment {
                hasStar = true
                take(byte)
            }
        case UInt8(ascii: " "), UInt8(ascii: "\t"), 0xEF, 0xBB, 0xBF:
            // Leading blanks and the byte order mark (EF BB BF) in front of the first command.
            if !inComment && length > 0 { take(byte) }
        default:
            if !inComment { take(byte) }
        }
        return .more
    }

    /// Feeds bytes from `index` on, up to one that led to something or to the end; leaves `index` behind the last one taken.
    public mutating func feed(_ bytes: Span<UInt8>, from index: inout Int) -> Step {
        while index < bytes.count {
            skipPlain(bytes, from: &index)
            guard index < bytes.count else { break }
            let step = feed(bytes[index])
            index += 1
            if step != .more { return step }
        }
        return .more
    }

    /// Takes at once what needs no look at each byte: the inside of a command, and the rest of a comment that is no mark.
    @inline(__always)
    private mutating func skipPlain(_ bytes: Span<UInt8>, from index: inout Int) {
        if finished { return }
        let start = index
        if inComment {
            if mark.isOpen { return }
            while index < bytes.count, bytes[index] != UInt8(ascii: "\n"), bytes[index] != UInt8(ascii: "\r") {
                index += 1
            }
        } else if length > 0 {
            while index < bytes.count, bytes[index].isInsideCommand { index += 1 }
            command.append(contentsOf: bytes.extracting(start..<index))
            length += index - start
        }
    }

    /// Call once after the last byte: a last line without a line break counts too.
    public mutating func end() -> Step {
        finished ? .more : endLine()
    }

    private mutating func take(_ byte: UInt8) {
        command.append(byte)
        length += 1
    }

    private mutating func endLine() -> Step {
        inComment = false
        finished = true
        lineNumber = currentLine
        if hasNul, length > 0 { return .damaged }
        if length > command.count { return .tooLong }
        if hasStar || command.isNumbered { command.removeNumbering() }
        length = command.count
        trimEnd()
        return length == 0 ? .more : .command
    }

    private mutating func trimEnd() {
        while length > 0, command[length - 1] == UInt8(ascii: " ") || command[length - 1] == UInt8(ascii: "\t") {
            command.removeLast()
            length -= 1
        }
    }
}

/// Compares a comment, byte by byte, with the two ways in which slicers mark a layer.
private struct LayerMark: Sendable {
    /// How many bytes of a mark were met; negative when the comment is another one.
    private var met = -1

    mutating func begin() { met = 0 }

    /// True while the comment may still become a mark.
    var isOpen: Bool { met >= 0 }

    /// Takes a byte behind the `;`; true when it completes a mark.
    @inline(__always)
    mutating func feed(_ byte: UInt8) -> Bool {
        guard met >= 0 else { return false }
        let text: StaticString = "LAYER_CHANGE"
        if met == 5, byte == UInt8(ascii: ":") {
            met = -1
            return true
        }
        guard byte == (unsafe text.utf8Start[met]) else {
            met = -1
            return false
        }
        met += 1
        if met == text.utf8CodeUnitCount {
            met = -1
            return true
        }
        return false
    }
}

extension UInt8 {
    /// Whether a byte behind the first of a command is taken as it is, with nothing else to it.
    @inline(__always)
    fileprivate var isInsideCommand: Bool {
        self >= UInt8(ascii: " ") && self != UInt8(ascii: ";") && self != UInt8(ascii: "*")
    }
}

extension CommandBuffer {
    fileprivate var isNumbered: Bool { count > 1 && self[0] == UInt8(ascii: "N") && self[1].isDigit }

    /// Takes `N12 ` from the beginning and, if that was there, `*33` from the end.
    fileprivate mutating func removeNumbering() {
        var star = count
        for index in 0..<count where self[index] == UInt8(ascii: "*") { star = index }
        let isNumbered = isNumbered
        var plain = CommandBuffer()
        var start = 0
        if isNumbered {
            start = 1
            while start < count, self[start].isDigit || self[start] == UInt8(ascii: " ") { start += 1 }
        }
        for index in start..<(isNumbered ? star : count) {
            plain.append(self[index] == UInt8(ascii: "*") ? UInt8(ascii: "x") : self[index])
        }
        self = plain
    }
}
