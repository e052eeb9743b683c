import Synchronization

/// A command from Connect, as a handler gets it.
public struct Command: Sendable {
    /// The server's number for it; 0 is a number like any other.
    public let id: UInt64
    /// What to do.
    public let name: CommandName
    /// Positional arguments; the server sends the same values as ``keywords``.
    public let arguments: [JSONValue]
    /// Arguments by name.
    public let keywords: JSONObject
    /// Whether G-code shall run even where the printer's state speaks against it.
    public let isForced: Bool

    private let interruption: Interruption

    init(
        id: UInt64, name: CommandName, arguments: [JSONValue] = [], keywords: JSONObject = [:], isForced: Bool = false
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.keywords = keywords
        self.isForced = isForced
        interruption = Interruption()
    }

    private final class Interruption: Sendable {
        let isSet = Atomic(false)
    }

    /// Whether a more urgent command (see ``Urgency``) waits for this one to end. A handler that takes long should
    /// look at this now and then and give up by throwing.
    public var isInterrupted: Bool { interruption.isSet.load(ordering: .relaxed) }

    func interrupt() { interruption.isSet.store(true, ordering: .relaxed) }
}

extension Command {
    /// What comes before a command that runs. Connect's own printers know only the reset; a stop and an emergency stop that
    /// are refused because something else takes its time would be worse than a command that ends early.
    enum Urgency: Comparable {
        case ordinary
        /// `STOP_PRINT`.
        case stop
        /// `RESET_PRINTER`.
        case reset
        /// G-code with an M112.
        case emergency
    }

    var urgency: Urgency {
        switch name {
        case .stopPrint: .stop
        case .resetPrinter, .reset: .reset
        case .gcode: isEmergencyStop ? .emergency : .ordinary
        default: .ordinary
        }
    }

    private var isEmergencyStop: Bool {
        guard let gcode else { return false }
        return gcode.utf8.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }).contains {
            line in
            let word = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.prefix(5)
            guard word.prefix(4).elementsEqual("M112".utf8) || word.prefix(4).elementsEqual("m112".utf8) else {
                return false
            }
            return word.count == 4
                || !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(word[word.index(before: word.endIndex)])
        }
    }

    /// The lines of a `GCODE` command.
    public var gcode: String? { keywords["gcode"]?.string ?? (name == .gcode ? arguments.first?.string : nil) }

    /// A text by its name; throws when it is missing or no text.
    public func required(_ key: String) throws(CommandError) -> String {
        guard let text = try string(key) else { throw missing(key) }
        return text
    }

    /// A number by its name; throws when it is missing or no number.
    public func requiredNumber(_ key: String) throws(CommandError) -> Double {
        guard let number = try number(key) else { throw missing(key) }
        return number
    }

    /// An id by its name; throws when it is missing or no whole number from 0 on.
    public func requiredID(_ key: String) throws(CommandError) -> UInt64 {
        guard let id = try id(key) else { throw missing(key) }
        return id
    }

    /// A text by its name, `nil` when it is missing or null; throws when it is something else.
    public func string(_ key: String) throws(CommandError) -> String? {
        try value(key, "a text") { $0.string }
    }

    /// A number by its name, `nil` when it is missing or null; throws when it is something else.
    public func number(_ key: String) throws(CommandError) -> Double? {
        try value(key, "a number") { $0.double }
    }

    /// An id by its name, `nil` when it is missing or null; throws when it is something else.
    public func id(_ key: String) throws(CommandError) -> UInt64? {
        try value(key, "a whole number from 0 on") { $0.unsigned }
    }

    /// A truth value by its name, `nil` when it is missing or null; throws when it is something else.
    public func bool(_ key: String) throws(CommandError) -> Bool? {
        try value(key, "true or false") { $0.bool }
    }

    private func value<Value>(
        _ key: String, _ expected: String, _ convert: (JSONValue) -> Value?
    ) throws(CommandError) -> Value? {
        guard let raw = keywords[key], raw != .null else { return nil }
        guard let value = convert(raw) else { throw CommandError("\(name): \(key) must be \(expected)") }
        return value
    }

    private func missing(_ key: String) -> CommandError { CommandError("\(name) requires \(key)") }
}

/// Ends a command with FAILED. The message goes to the server and to people: it should name no paths of the host.
public struct CommandError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong.
    public let message: String

    /// An error with a text for people.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}

/// How a command ended: the one event that answers it.
public struct CommandResult: Sendable, Hashable {
    /// What the event tells; normally ``EventKind/finished``.
    public var event: EventKind
    /// Who caused it.
    public var source: EventSource
    /// Facts, by the names of the protocol.
    public var data: JSONObject
    /// A text for people.
    public var reason: String?
    /// The job it is about, instead of the printer's present one.
    public var jobID: UInt64?
    /// The transfer it is about.
    public var transferID: UInt64?
    /// The dialog it is about.
    public var dialogID: UInt64?
    /// A state to tell instead of the printer's present one.
    public var state: PrinterState?

    /// A result of any kind.
    public init(_ event: EventKind, source: EventSource, data: JSONObject = [:], reason: String? = nil) {
        self.event = event
        self.source = source
        self.data = data
        self.reason = reason
    }

    /// The command is done.
    public static var finished: CommandResult { finished() }

    /// The command is done.
    public static func finished(source: EventSource = .connect, data: JSONObject = [:]) -> CommandResult {
        CommandResult(.finished, source: source, data: data)
    }

    /// The command is answered by an event of its own kind, for example ``EventKind/jobInfo``.
    public static func answer(
        _ event: EventKind, source: EventSource = .connect, data: JSONObject
    ) -> CommandResult {
        CommandResult(event, source: source, data: data)
    }

    /// The command is refused: nothing was done.
    public static func rejected(_ reason: String, source: EventSource = .wui, data: JSONObject = [:]) -> CommandResult {
        CommandResult(.rejected, source: source, data: data, reason: reason)
    }

    /// The command failed, as if the handler had thrown (Python SDK 0.8.1: reason "Command error").
    public static func failed(_ message: String, source: EventSource = .wui) -> CommandResult {
        CommandResult(.failed, source: source, data: ["error": .string(message)], reason: "Command error")
    }

    /// An error as a handler threw it. Only errors that describe themselves speak to the server: the default
    /// description of others would tell about the program instead of the trouble.
    static func failed(_ error: any Error) -> CommandResult {
        failed((error as? any CustomStringConvertible)?.description ?? "\(type(of: error))")
    }
}

/// Carries out a command. Runs on a thread of its own, one command at a time; it may take as long as it needs,
/// telemetry goes on meanwhile. What it throws ends the command with FAILED.
public typealias CommandHandler = @Sendable (Command) throws -> CommandResult
