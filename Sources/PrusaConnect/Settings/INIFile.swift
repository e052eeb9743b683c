/// A settings file that keeps what it does not understand: comments, order, spaces and line ends stay byte for byte
/// when a key is set.
///
/// The form is that of Python's `configparser`, in which `prusa_printer_settings.ini` is written:
///
/// - `[section]`; any text up to the last `]` is the name, for example `service::connect`;
/// - `key = value` or `key: value`; spaces around both are ignored, letter case of keys too;
/// - lines that begin with `#` or `;` are comments. Within a value both are ordinary characters;
/// - no interpolation: `%` means `%`. No continuation lines: a space at the start of a line means nothing.
///
/// A section or key that comes twice is an error, because nobody can tell which one was meant.
public struct INIFile: Sendable, Hashable {
    /// Where the text came from, for error messages.
    public let path: String
    private var lines: [Line]

    private struct Line: Sendable, Hashable {
        var text: String
        /// `\n`, `\r\n`, or nothing at the end of the file.
        var ending: String
        var content: Content
    }

    private enum Content: Sendable, Hashable {
        case other
        case section(String)
        case entry(key: String, value: String)
    }

    /// Reads a text. `path` is used in error messages only.
    public init(text: String, path: String) throws(INIError) {
        self.path = path
        lines = []
        var section: String?
        var sections: [String: Int] = [:]
        var keys: [String: Int] = [:]
        for (text, ending) in Self.split(text) {
            let number = lines.count + 1
            let content: Content
            switch Self.parse(text) {
            case .success(let parsed): content = parsed
            case .failure(let problem): throw INIError(path: path, line: number, problem: problem)
            }
            switch content {
            case .other: break
            case .section(let name):
                if let first = sections.updateValue(number, forKey: name) {
                    throw INIError(path: path, line: number, problem: .duplicateSection(name, firstLine: first))
                }
                section = name
                keys = [:]
            case .entry(let key, _):
                guard let section else { throw INIError(path: path, line: number, problem: .keyOutsideSection(key)) }
                if let first = keys.updateValue(number, forKey: key.lowercased()) {
                    throw INIError(
                        path: path, line: number, problem: .duplicateKey(key, section: section, firstLine: first))
                }
            }
            lines.append(Line(text: text, ending: ending, content: content))
        }
    }

    /// Reads a file of at most 1 MiB.
    public init(path: String) throws(INIError) {
        let bytes: [UInt8]
        do {
            bytes = try AtomicFile.read(path)
        } catch {
            throw INIError(path: path, line: nil, problem: .file(error))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw INIError(path: path, line: nil, problem: .notUTF8)
        }
        try self.init(text: text, path: path)
    }

    /// The whole text.
    public var text: String { lines.map { $0.text + $0.ending }.joined() }

    /// Replaces the file at ``path`` atomically, mode 0600.
    public func write() throws(FileError) { try write(to: path) }

    /// Replaces the file at `path` atomically, mode 0600: a loss of power leaves the old or the new content.
    public func write(to path: String) throws(FileError) { try AtomicFile.write(Array(text.utf8), to: path) }
}

// Reading.
extension INIFile {
    /// The names of the sections in their order.
    public var sections: [String] {
        lines.compactMap { line in
            if case .section(let name) = line.content { name } else { nil }
        }
    }

    /// The keys of a section in their order and spelling.
    public func keys(in section: String) -> [String] {
        guard let range = range(of: section) else { return [] }
        return lines[range].compactMap { line in
            if case .entry(let key, _) = line.content { key } else { nil }
        }
    }

    /// The value of a key; `nil` when there is no such key. An empty value is an empty text.
    public func value(of key: String, in section: String) -> String? {
        guard let index = index(of: key, in: section), case .entry(_, let value) = lines[index].content else {
            return nil
        }
        return value
    }

    /// The line of a key, counted from 1.
    public func line(of key: String, in section: String) -> Int? { index(of: key, in: section).map { $0 + 1 } }

    /// The line of a section's heading, counted from 1.
    public func line(ofSection section: String) -> Int? { range(of: section).map(\.lowerBound) }

    /// An error about the value of a key, with its line: `expected` says what should stand there.
    public func invalid(_ key: String, in section: String, expected: String) -> INIError {
        INIError(
            path: path, line: line(of: key, in: section) ?? line(ofSection: section),
            problem: .invalidValue(key: key, section: section, expected: expected))
    }

    /// A truth value as `configparser` reads it: `1 yes true on`, `0 no false off`. `nil` when the key is missing or
    /// empty.
    public func bool(_ key: String, in section: String) throws(INIError) -> Bool? {
        guard let value = value(of: key, in: section), !value.isEmpty else { return nil }
        switch value.lowercased() {
        case "1", "yes", "true", "on": return true
        case "0", "no", "false", "off": return false
        default: throw invalid(key, in: section, expected: "true or false")
        }
    }

    /// A whole number within `range`; `nil` when the key is missing or empty.
    public func integer(_ key: String, in section: String, range: ClosedRange<Int>) throws(INIError) -> Int? {
        guard let value = value(of: key, in: section), !value.isEmpty else { return nil }
        guard let number = Int(value), range.contains(number) else {
            throw invalid(key, in: section, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The lines after the heading of a section, up to the next heading.
    private func range(of section: String) -> Range<Int>? {
        guard let heading = lines.firstIndex(where: { $0.content == .section(section) }) else { return nil }
        let end = lines[(heading + 1)...].firstIndex { line in
            if case .section = line.content { true } else { false }
        }
        return heading + 1..<(end ?? lines.count)
    }

    private func index(of key: String, in section: String) -> Int? {
        guard let range = range(of: section) else { return nil }
        return lines[range].firstIndex { line in
            if case .entry(let other, _) = line.content { other.equalsIgnoringCase(key) } else { false }
        }
    }
}

// Changing.
extension INIFile {
    /// Sets a key. A known key keeps its line, spelling and spaces; a new one comes after the last key of its section,
    /// a new section comes last. Values must be one line without spaces at the ends.
    public mutating func set(_ key: String, in section: String, to value: String) throws(INIError) {
        let isHeading = section.utf8.allSatisfy { $0 != 0x0A && $0 != 0x0D } && !section.isEmpty
        guard isHeading, Self.parse("\(key) = \(value)") == .success(.entry(key: key, value: value)),
            value.utf8.allSatisfy({ $0 != 0x0A && $0 != 0x0D })
        else { throw INIError(path: path, line: nil, problem: .unwritable(key: key, section: section)) }
        if let index = index(of: key, in: section) {
            replaceValue(at: index, with: value)
            return
        }
        if range(of: section) == nil {
            if !lines.isEmpty {
                endLastLine()
                insert("", .other, at: lines.count)
            }
            insert("[\(section)]", .section(section), at: lines.count)
        }
        guard let range = range(of: section) else { return }
        let last = lines[range].lastIndex { line in
            if case .entry = line.content { true } else { false }
        }
        let place = last.map { $0 + 1 } ?? range.lowerBound
        if place == lines.count { endLastLine() }
        insert("\(key) = \(value)", .entry(key: key, value: value), at: place)
    }

    /// Removes a key and its line. Nothing happens without it.
    public mutating func remove(_ key: String, in section: String) {
        if let index = index(of: key, in: section) { lines.remove(at: index) }
    }

    /// Removes a section with its keys and the comments between them. Comments behind its last key stay where they are:
    /// mostly they are about the section that follows. Nothing happens without the section.
    public mutating func remove(section: String) {
        guard let range = range(of: section) else { return }
        let last = lines[range].lastIndex { $0.content != .other } ?? range.lowerBound - 1
        // The empty lines behind it go along, so that those before it do not add up with them.
        let end = lines[(last + 1)..<range.upperBound].firstIndex { !$0.text.trimmed.isEmpty } ?? range.upperBound
        lines.removeSubrange(range.lowerBound - 1..<end)
        guard range.lowerBound - 1 == lines.count else { return }
        // It was the last one: what separated it from the rest has no meaning any more.
        while let line = lines.last, line.text.trimmed.isEmpty { lines.removeLast() }
    }

    private mutating func replaceValue(at index: Int, with value: String) {
        guard case .entry(let key, let old) = lines[index].content else { return }
        let text = lines[index].text
        guard let delimiter = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return }
        let afterDelimiter = text.index(after: delimiter)
        let spaces = text[afterDelimiter...].prefix { $0 == " " || $0 == "\t" }
        // An empty value may have lost its space to an editor; `key =` becomes `key = value`.
        let gap = spaces.isEmpty && old.isEmpty && text[..<delimiter].hasSuffix(" ") ? " " : String(spaces)
        lines[index].text = text[..<afterDelimiter] + gap + value
        lines[index].content = .entry(key: key, value: value)
    }

    private var ending: String { lines.first { !$0.ending.isEmpty }?.ending ?? "\n" }

    private mutating func endLastLine() {
        guard let last = lines.indices.last, lines[last].ending.isEmpty else { return }
        lines[last].ending = ending
    }

    private mutating func insert(_ text: String, _ content: Content, at index: Int) {
        lines.insert(Line(text: text, ending: ending, content: content), at: index)
    }
}

// Lines.
extension INIFile {
    /// The lines of a text with their ends. Works on bytes because "\r\n" is one Character.
    private static func split(_ text: String) -> [(text: String, ending: String)] {
        var lines: [(String, String)] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard let newline = rest.firstIndex(of: 0x0A) else {
                lines.append((String(decoding: rest, as: UTF8.self), ""))
                break
            }
            let hasReturn = newline > rest.startIndex && rest[newline - 1] == 0x0D
            let end = hasReturn ? newline - 1 : newline
            lines.append((String(decoding: rest[..<end], as: UTF8.self), hasReturn ? "\r\n" : "\n"))
            rest = rest[(newline + 1)...]
        }
        return lines
    }

    private static func parse(_ line: String) -> Result<Content, INIError.Problem> {
        // Editors of other systems put a byte order mark at the start of the file.
        let text = (line.hasPrefix("\u{FEFF}") ? String(line.dropFirst()) : line).trimmed
        if text.isEmpty || text.hasPrefix("#") || text.hasPrefix(";") { return .success(.other) }
        if text.hasPrefix("[") {
            guard let end = text.lastIndex(of: "]") else { return .failure(.openHeading) }
            let name = String(text[text.index(after: text.startIndex)..<end])
            return name.isEmpty ? .failure(.openHeading) : .success(.section(name))
        }
        guard let delimiter = text.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return .failure(.noEntry) }
        let key = text[..<delimiter].trimmed
        guard !key.isEmpty else { return .failure(.noEntry) }
        return .success(.entry(key: key, value: text[text.index(after: delimiter)...].trimmed))
    }
}
