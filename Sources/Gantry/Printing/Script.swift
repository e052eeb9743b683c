import GCodeStream
import MarlinLink

/// Why a text is no script.
public enum ScriptError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A name in braces that is none of the variables.
    case unknownVariable(String)
    /// A variable that this script does not have.
    case unavailable(String)
    /// A brace without its other half.
    case openBrace(String)
    /// A command that no firmware takes, or that would disturb the count of lines.
    case badCommand(String)

    /// What is wrong, and what would be right.
    public var description: String {
        switch self {
        case .unknownVariable(let name):
            "commands with variables of these: \(Script.Variable.allCases.map { "{\($0.rawValue)}" }.joined(separator: " ")); "
                + "there is no {\(name)}"
        case .unavailable(let name): "commands without {\(name)}, which only pause and resume know"
        case .openBrace(let command): "commands whose braces are closed: \(command)"
        case .badCommand(let command):
            "commands that fit the firmware's line, none of them M110 or with a line number of its own: \(command)"
        }
    }
}

/// Commands with variables in braces: `G1 Z{z}`.
public struct Script: Sendable, Equatable {
    /// What can stand in braces.
    public enum Variable: String, Sendable, CaseIterable {
        /// Where the job stands, in millimetres.
        case x, y, z, e
        /// The job's feed rate in millimetres per minute.
        case feedRate = "feed_rate"
        /// The tool in use.
        case tool
        /// Target temperatures in degrees Celsius.
        case hotend, bed
        /// Speed of the first fan, 0 to 255.
        case fan
        /// Layers that were begun.
        case layer
        /// How much of the job is done, 0 to 100.
        case percent
        /// The file's name without its folders.
        case file

        /// Known only where the job stands still.
        var needsState: Bool {
            switch self {
            case .layer, .percent, .file: false
            default: true
            }
        }
    }

    enum Piece: Sendable, Equatable {
        case text(String)
        case variable(Variable)
    }

    private(set) var commands: [[Piece]]

    /// Nothing to send.
    public init() { commands = [] }

    /// Commands as they stand.
    init(constant: [String]) { commands = constant.map { [.text($0)] } }

    /// Reads commands. `isPause`: the variables that need a job at rest are there.
    public init(_ texts: [String], isPause: Bool = true) throws(ScriptError) {
        commands = []
        for text in texts {
            let pieces = try Self.parse(text)
            for case .variable(let variable) in pieces where variable.needsState && !isPause {
                throw .unavailable(variable.rawValue)
            }
            let sample = pieces.map { if case .text(let text) = $0 { text } else { "1234.567" } }.joined()
            var buffer = CommandBuffer()
            guard LineFormat.fits(number: Limits.lineNumber, commandLength: sample.utf8.count),
                buffer.set(Array(sample.utf8).span), !buffer.changesLineCount
            else { throw .badCommand(text) }
            commands.append(pieces)
        }
    }

    /// True when there is nothing to send.
    public var isEmpty: Bool { commands.isEmpty }

    /// True when some variable needs to know what the job has set up.
    var needsState: Bool {
        commands.contains { pieces in
            pieces.contains { if case .variable(let variable) = $0 { variable.needsState } else { false } }
        }
    }

    /// The commands with their variables filled in. A command is left out when a variable has no value yet: better no
    /// move than one to nowhere.
    func rendered(_ values: ScriptValues = ScriptValues()) -> [String] {
        commands.compactMap { pieces in
            var text = ""
            for piece in pieces {
                switch piece {
                case .text(let part): text += part
                case .variable(let variable):
                    guard let value = values[variable] else { return nil }
                    text += value
                }
            }
            return text
        }
    }

    private static func parse(_ text: String) throws(ScriptError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open] == "{", let close = rest[open...].firstIndex(of: "}") else { throw .openBrace(text) }
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            let name = String(rest[rest.index(after: open)..<close])
            guard let variable = Variable(rawValue: name) else { throw .unknownVariable(name) }
            pieces.append(.variable(variable))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }
}

/// What the variables of a script stand for.
struct ScriptValues: Sendable {
    var file: String?
    var percent: Int?
    var layer: UInt32?
    /// What the job has set up.
    var state: JobState?

    subscript(variable: Script.Variable) -> String? {
        switch variable {
        case .x: state?.x?.gcode(digits: 3)
        case .y: state?.y?.gcode(digits: 3)
        case .z: state?.z?.gcode(digits: 3)
        case .e: state.map { $0.e.gcode() }
        case .feedRate: state?.feedRate?.gcode(digits: 0)
        case .tool: state.map { "\($0.tool)" }
        case .hotend: state?.hotend?.gcode(digits: 1)
        case .bed: state?.bed?.gcode(digits: 1)
        case .fan: state.map { "\($0.fans[0] ?? 0)" }
        case .layer: layer.map { "\($0)" }
        case .percent: percent.map { "\($0)" }
        case .file: file
        }
    }
}
