import Glibc

/// Reads the lines of text G-code for what they tell: comments of slicers, pictures, M73.
struct GCodeLines {
    private var comments = SlicerComments()
    private var thumbnails = ThumbnailComments()
    private var isCura = false

    /// Bytes of lines with commands; behind the limit no more are looked at.
    private var commandBytes = 0
    private static let mostCommandBytes = 100_000

    /// A line that is not complete yet.
    private var pending: [UInt8] = []
    private var isSkippingLine = false
    /// Longer lines are passed over: scripts in a configuration.
    private static let longestLine = 4096

    /// What was found.
    var metadata: GCodeMetadata { comments.finished(isCura: isCura) }

    /// The best picture that was found.
    var preview: Thumbnail? { thumbnails.choice.best }

    /// Whether enough commands were looked at.
    var hasSeenEnoughCommands: Bool { commandBytes > Self.mostCommandBytes }

    /// Takes the next bytes of the file.
    mutating func take(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let end = Self.lineEnd(rest) {
            let line = rest[..<end]
            if isSkippingLine {
                isSkippingLine = false
            } else if pending.isEmpty {
                take(line: line)
            } else {
                keep(line)
                if !isSkippingLine { take(line: pending[...]) }
                isSkippingLine = false
            }
            pending.removeAll(keepingCapacity: true)
            rest = rest[(end + 1)...]
        }
        if !isSkippingLine { keep(rest) }
    }

    /// With memchr: of most lines nothing else is looked at.
    private static func lineEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, let end = memchr(start, 0x0A, buffer.count) else { return nil }
            return bytes.startIndex + (UnsafeRawPointer(end) - start)
        }
    }

    private mutating func keep(_ part: ArraySlice<UInt8>) {
        if pending.count + part.count > Self.longestLine {
            isSkippingLine = true
            pending.removeAll(keepingCapacity: true)
        } else {
            pending.append(contentsOf: part)
        }
    }

    /// Bytes of the file are left out here, and what comes next begins in the midst of a line.
    mutating func skip() {
        pending.removeAll(keepingCapacity: true)
        isSkippingLine = true
        thumbnails.interrupt()
    }

    /// The file ends.
    mutating func end() {
        if !pending.isEmpty { take(line: pending[...]) }
        pending = []
    }

    private mutating func take(line: ArraySlice<UInt8>) {
        var line = line
        if line.last == 0x0D { line = line.dropLast() }
        if line.first == UInt8(ascii: ";") {
            take(comment: line.dropFirst())
        } else if !line.isEmpty, commandBytes <= Self.mostCommandBytes {
            commandBytes += line.count
            take(command: line)
        }
    }

    private mutating func take(comment: ArraySlice<UInt8>) {
        if thumbnails.take(comment) { return }
        if comment.starts(with: "Generated with Cura".utf8) || comment.starts(with: "FLAVOR:".utf8) { isCura = true }
        if Self.isLayerHeight(comment) { return comments.takeLayer() }
        // The first of " = " and ":" decides; a key has neither.
        guard let mark = comment.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }) else {
            return
        }
        let key = String(decoding: comment[..<mark], as: UTF8.self).trimmed
        let value = String(decoding: comment[(mark + 1)...], as: UTF8.self).trimmed
        if comment[mark] == UInt8(ascii: ":") {
            comments.take(name: key, value: value)
        } else {
            comments.take(key: key, value: value)
        }
    }

    /// `;Z:0.2` of PrusaSlicer and its kin, `; Z_HEIGHT: 0.2` of Bambu Studio.
    private static func isLayerHeight(_ comment: ArraySlice<UInt8>) -> Bool {
        for mark in ["Z:", " Z_HEIGHT: "] where comment.starts(with: mark.utf8) {
            let number = comment.dropFirst(mark.utf8.count)
            return number.contains(where: isDigit) && number.allSatisfy { isDigit($0) || $0 == UInt8(ascii: ".") }
        }
        return false
    }

    private mutating func take(command line: ArraySlice<UInt8>) {
        let text = line.prefix { $0 != UInt8(ascii: ";") }.drop { isSpace($0) }
        guard text.first == UInt8(ascii: "M") else { return }
        let digits = text.dropFirst().prefix(while: isDigit)
        // Three digits at most: nothing that is of use has more.
        guard (1...3).contains(digits.count), let number = Int(String(decoding: digits, as: UTF8.self)),
            [73, 104, 109, 140, 190].contains(number)
        else { return }
        comments.take(command: number, words: Self.words(text[digits.endIndex...]))
    }

    /// `P10 R5` and `P10R5`: letters and what follows them.
    private static func words(_ text: ArraySlice<UInt8>) -> [(letter: UInt8, number: String)] {
        var words: [(UInt8, String)] = []
        var rest = text
        while let letter = rest.popFirst() {
            guard letter >= UInt8(ascii: "A"), letter <= UInt8(ascii: "Z") else { continue }
            let number = rest.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
            words.append((letter, String(decoding: number.prefix(9), as: UTF8.self)))
            rest = rest[number.endIndex...]
        }
        return words
    }
}
