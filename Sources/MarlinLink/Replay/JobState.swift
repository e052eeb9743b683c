import GCodeStream

/// What the commands of a job have set up: where the machine was sent and in which modes.
///
/// A pure value: commands go in one after the other. It knows what the file says, not what the firmware made of it:
/// coordinates are the file's own, and what a home or a probe left behind is not known until the next move says it.
public struct JobState: Sendable, Equatable {
    /// Who decides how E is counted. Files that slicers write set E anew (M82, M83) after each G90 and G91: there it makes
    /// no difference.
    public enum ExtruderRule: Sendable, Equatable {
        /// G90 and G91 change E, too: Marlin from 2.0 on.
        case followsAxes
        /// G90 and G91 leave E alone: Prusa's MK2 and MK3, Marlin before 2.0.
        case ownMode
    }

    /// A configuration command (`M204 P1250 T1250`): the values that were last set.
    public struct Setting: Sendable, Equatable {
        /// The number behind M.
        public var code: UInt16
        /// Letters and values in the alphabet's order.
        public var words: [(letter: Unicode.Scalar, value: Double)]

        /// The command that sets all of it again.
        public var command: String {
            words.reduce("M\(code)") { "\($0) \($1.letter)\($1.value.gcode())" }
        }

        /// True when both set the same.
        public static func == (one: Self, other: Self) -> Bool { one.command == other.command }
    }

    /// X in millimetres, in the file's own coordinates; nil while no command told it.
    public var x: Double?
    /// Y likewise.
    public var y: Double?
    /// Z likewise.
    public var z: Double?
    /// The extruder's coordinate in millimetres.
    public var e = 0.0
    /// G91: the axes are moved by what a command says, not to it.
    public var isRelative = false
    /// M83: so is E.
    public var isExtruderRelative = false
    /// G20: the file counts in inches. What stands here is in millimetres all the same.
    public var isInInches = false
    /// Feed rate of the moves in millimetres per minute.
    public var feedRate: Double?
    /// The tool in use.
    public var tool: UInt8 = 0
    /// Target temperatures of the hotends in degrees Celsius, by tool.
    public var hotends: [UInt8: Double] = [:]
    /// Target temperature of the bed in degrees Celsius.
    public var bed: Double?
    /// Target temperature of the chamber in degrees Celsius.
    public var chamber: Double?
    /// Fan speeds, 0 to 255, by fan.
    public var fans: [UInt8: UInt8] = [:]
    /// Limits, factors and the like, by code.
    public var settings: [Setting] = []
    /// Net length of filament that was extruded, in millimetres; what was retracted counts against it.
    public var extruded = 0.0
    /// The highest Z of a move, in millimetres.
    public var highestZ: Double?
    /// A firmware retraction (G10) was not undone.
    public var isRetracted = false
    /// X, Y or Z were renamed (G92): the coordinates are not the machine's.
    public var isShifted = false
    /// How many layers were begun, as far as the slicer marked them.
    public var layer: UInt32 = 0

    private let rule: ExtruderRule
    /// Codes whose values are kept: limits of acceleration and speed, jerk, factors, bed levelling, shaping, pressure
    /// advance.
    private static let kept: Set<UInt16> = [201, 203, 204, 205, 220, 221, 420, 572, 593, 900]

    /// A machine that was just switched on.
    public init(rule: ExtruderRule = .followsAxes) { self.rule = rule }

    /// The target of the hotend in use.
    public var hotend: Double? { hotends[tool] }

    /// Takes the next command.
    public mutating func take(_ command: borrowing CommandBuffer) {
        let words = CommandWords(command)
        switch words.letter {
        case UInt8(ascii: "G"): takeG(words)
        case UInt8(ascii: "M"): takeM(words)
        case UInt8(ascii: "T"): tool = UInt8(clamping: words.code)
        default: break
        }
    }

    private mutating func takeG(_ words: CommandWords) {
        switch words.code {
        case 0...3: move(words)
        case 10: if words.isBare || words["S"] == 1 && !words.has("P") { isRetracted = true }
        case 11: isRetracted = false
        case 20: isInInches = true
        case 21: isInInches = false
        case 28: home(words)
        case 90, 91:
            isRelative = words.code == 91
            if rule == .followsAxes { isExtruderRelative = isRelative }
        case 92: rename(words)
        default: break
        }
    }

    private mutating func takeM(_ words: CommandWords) {
        switch words.code {
        case 82: isExtruderRelative = false
        case 83: isExtruderRelative = true
        case 104, 109:
            guard let target = words["S"] ?? words["R"] else { return }
            hotends[words["T"].map { UInt8(exactly: $0) ?? tool } ?? tool] = target
        case 140, 190: bed = words["S"] ?? words["R"] ?? bed
        case 141, 191: chamber = words["S"] ?? words["R"] ?? chamber
        case 106: fans[fan(of: words)] = UInt8(clamping: Int(min(max(words["S"] ?? 255, 0), 255)))
        case 107: fans[fan(of: words)] = 0
        case let code where Self.kept.contains(code): keep(words)
        default: break
        }
    }

    // MARK: Motion

    private mutating func move(_ words: CommandWords) {
        let unit = isInInches ? 25.4 : 1
        if let rate = words["F"], rate > 0 { feedRate = rate * unit }
        x = moved(x, by: words["X"], unit)
        y = moved(y, by: words["Y"], unit)
        z = moved(z, by: words["Z"], unit)
        if let z, words["Z"] != nil { highestZ = max(highestZ ?? z, z) }
        if let value = words["E"] {
            let length = isExtruderRelative ? value * unit : value * unit - e
            e += length
            extruded += length
        }
    }

    private func moved(_ position: Double?, by value: Double?, _ unit: Double) -> Double? {
        guard let value else { return position }
        return isRelative ? position.map { $0 + value * unit } : value * unit
    }

    /// Where a home leaves the axes is the firmware's business.
    private mutating func home(_ words: CommandWords) {
        let isAll = !words.has("X") && !words.has("Y") && !words.has("Z")
        if isAll || words.has("X") { x = nil }
        if isAll || words.has("Y") { y = nil }
        if isAll || words.has("Z") { z = nil }
    }

    private mutating func rename(_ words: CommandWords) {
        let unit = isInInches ? 25.4 : 1
        // Without any axis all of them become 0.
        let isAll = words.isBare
        if let value = isAll ? 0 : words["E"] { e = value * unit }
        guard isAll || words.has("X") || words.has("Y") || words.has("Z") else { return }
        isShifted = true
        if let value = isAll ? 0 : words["X"] { x = value * unit }
        if let value = isAll ? 0 : words["Y"] { y = value * unit }
        if let value = isAll ? 0 : words["Z"] { z = value * unit }
    }

    // MARK: Settings

    private func fan(of words: CommandWords) -> UInt8 { words["P"].flatMap { UInt8(exactly: $0) } ?? 0 }

    private mutating func keep(_ words: CommandWords) {
        let index: Int
        if let known = settings.firstIndex(where: { $0.code >= words.code }), settings[known].code == words.code {
            index = known
        } else {
            index = settings.firstIndex { $0.code > words.code } ?? settings.count
            settings.insert(Setting(code: words.code, words: []), at: index)
        }
        words.forEachValue { letter, value in
            let place = settings[index].words.firstIndex { $0.letter >= letter } ?? settings[index].words.count
            if place < settings[index].words.count, settings[index].words[place].letter == letter {
                settings[index].words[place].value = value
            } else {
                settings[index].words.insert((letter, value), at: place)
            }
        }
        if settings[index].words.isEmpty { settings.remove(at: index) }
    }
}
