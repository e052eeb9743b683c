/// What is wrong with a settings file: file, line, and what was expected there.
public struct INIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Kinds of trouble.
    public enum Problem: Error, Sendable, Hashable {
        /// The file cannot be read.
        case file(FileError)
        /// The file is no text.
        case notUTF8
        /// A heading without `]` or without name.
        case openHeading
        /// A line that is neither heading, key nor comment.
        case noEntry
        /// A key before the first heading.
        case keyOutsideSection(String)
        /// A section that comes twice.
        case duplicateSection(String, firstLine: Int)
        /// A key that comes twice in its section.
        case duplicateKey(String, section: String, firstLine: Int)
        /// A value that is not what it should be. The value itself is not repeated: it may be a secret.
        case invalidValue(key: String, section: String, expected: String)
        /// A key or value that cannot be written as one line.
        case unwritable(key: String, section: String)
    }

    /// The file.
    public let path: String
    /// The line, counted from 1; `nil` when the trouble is with the whole file or a missing key.
    public let line: Int?
    /// What is wrong.
    public let problem: Problem

    /// An error at a line of a file.
    public init(path: String, line: Int?, problem: Problem) {
        self.path = path
        self.line = line
        self.problem = problem
    }

    /// For example `printer.ini:7: expected "key = value", "[section]" or a comment`.
    public var description: String {
        if case .file(let error) = problem { return error.description }
        return (line.map { "\(path):\($0): " } ?? "\(path): ") + text
    }

    private var text: String {
        switch problem {
        case .file(let error): error.description
        case .notUTF8: "expected a text in UTF-8"
        case .openHeading: "expected a heading such as [section]"
        case .noEntry: "expected \"key = value\", \"[section]\" or a comment"
        case .keyOutsideSection(let key): "\(key) stands before the first [section]"
        case .duplicateSection(let name, let first): "[\(name)] comes a second time, first in line \(first)"
        case .duplicateKey(let key, let section, let first):
            "\(key) comes a second time in [\(section)], first in line \(first)"
        case .invalidValue(let key, let section, let expected): "\(key) in [\(section)]: expected \(expected)"
        case .unwritable(let key, let section):
            "\(key) in [\(section)]: expected a key and a value of one line without spaces at the ends"
        }
    }
}
