import BoardIO
import PrusaConnect

/// What `gantry.ini` says of the board. A part without a section does not exist.
///
/// ```ini
/// [filament_sensor]
/// line = GPIO17
/// pull = up
/// active_low = no
///
/// [power]
/// line = GPIO27
/// idle_off = 30
///
/// [usb]
/// directory = /run/gantry/media
/// ```
public struct BoardConfiguration: Sendable, Equatable {
    /// An input line.
    public struct Input: Sendable, Equatable {
        /// Which line.
        public var address: GPIOLineAddress
        /// Pull resistor.
        public var bias = GPIOBias.asIs
        /// A low voltage counts as active.
        public var isActiveLow = false
        /// Milliseconds of quiet after which a change counts.
        public var debounce = 20

        func line(role: String, kind: BoardDevices.Line.Kind = .level) -> BoardDevices.Line {
            var line = BoardDevices.Line(role: role, address: address)
            line.kind = kind
            line.bias = bias
            line.isActiveLow = isActiveLow
            line.settle = UInt64(debounce) * 1_000_000
            return line
        }
    }

    /// What happens when filament runs out in a print.
    public enum RunOutAction: String, Sendable, Equatable, CaseIterable {
        /// Gantry pauses the print.
        case pause
        /// The firmware changes the filament (M600).
        case m600
        /// Connect and the log are told, nothing else.
        case report
    }

    /// `[filament_sensor]`. Active means that there is filament, or a pulse.
    public struct FilamentSensor: Sendable, Equatable {
        /// Its line.
        public var input: Input
        /// Millimetres that may be extruded without a pulse; nil for a switch.
        public var detectionLength: Double?
        /// What a run-out does.
        public var action = RunOutAction.pause
    }

    /// `[power]`.
    public struct Power: Sendable, Equatable {
        /// Its line.
        public var address: GPIOLineAddress
        /// The relay is on while the voltage is low.
        public var isActiveLow = false
        /// How the line is driven.
        public var drive = GPIODrive.pushPull
        /// When it is on.
        public var policy = PowerPolicy.Settings()
        /// RESET_PRINTER switches off and on: for printers without a reset line.
        public var resetsByPower = false
    }

    /// `[filament_sensor]`.
    public var filamentSensor: FilamentSensor?
    /// `[power]`.
    public var power: Power?
    /// `[usb]`.
    public var storage: StickSettings?
    /// `[emergency_stop]`: active stops the firmware (M112).
    public var emergencyStop: Input?
    /// `[door]`: active means open.
    public var door: Input?
    /// True when an open door pauses a print; else it is only told.
    public var doorPauses = true
    /// `[led]`: on in a print, blinking while somebody has to act.
    public var led: Power?

    /// A board without anything.
    public init() {}

    /// True when there is nothing to watch or switch.
    public var isEmpty: Bool { self == BoardConfiguration() }
}

extension BoardConfiguration {
    private static let inputKeys = ["line", "active_low", "pull", "debounce"]
    private static let outputKeys = ["line", "active_low", "drive"]

    /// Keys of each section.
    static let sections: [(name: String, keys: [String])] = [
        ("filament_sensor", inputKeys + ["type", "action", "detection_length"]),
        (
            "power",
            outputKeys + [
                "at_start", "at_exit", "boot_time", "idle_off", "hotend_limit", "off_when_halted", "cycle_time",
                "reset",
            ]
        ),
        ("usb", ["mount", "read_only", "directory"]),
        ("emergency_stop", inputKeys), ("door", inputKeys + ["action"]), ("led", outputKeys),
    ]

    init(_ file: INIFile) throws(INIError) {
        let reader = SectionReader(file: file)
        if reader.has("filament_sensor") { filamentSensor = try reader.filamentSensor("filament_sensor") }
        if reader.has("power") { power = try reader.power("power") }
        if reader.has("usb") { storage = try reader.storage("usb") }
        if reader.has("emergency_stop") { emergencyStop = try reader.input("emergency_stop") }
        if reader.has("door") {
            door = try reader.input("door")
            doorPauses = try reader.choice("action", in: "door", of: ["pause", "report"]) != "report"
        }
        if reader.has("led") { led = try reader.output("led") }
    }
}

/// Reads the board's sections; each complaint names file, line, key and what should stand there.
private struct SectionReader {
    let file: INIFile

    func has(_ section: String) -> Bool { file.sections.contains(section) }

    func input(_ section: String) throws(INIError) -> BoardConfiguration.Input {
        var input = BoardConfiguration.Input(address: try line(section))
        input.isActiveLow = try file.bool("active_low", in: section) ?? false
        input.debounce = try file.integer("debounce", in: section, range: 0...1000) ?? 20
        switch try choice("pull", in: section, of: ["none", "up", "down"]) {
        case "none": input.bias = .disabled
        case "up": input.bias = .pullUp
        case "down": input.bias = .pullDown
        default: break
        }
        return input
    }

    func output(_ section: String) throws(INIError) -> BoardConfiguration.Power {
        var output = BoardConfiguration.Power(address: try line(section))
        output.isActiveLow = try file.bool("active_low", in: section) ?? false
        switch try choice("drive", in: section, of: ["push_pull", "open_drain", "open_source"]) {
        case "open_drain": output.drive = .openDrain
        case "open_source": output.drive = .openSource
        default: break
        }
        return output
    }

    func filamentSensor(_ section: String) throws(INIError) -> BoardConfiguration.FilamentSensor {
        var sensor = BoardConfiguration.FilamentSensor(input: try input(section))
        let actions = BoardConfiguration.RunOutAction.allCases.map(\.rawValue)
        if let action = try choice("action", in: section, of: actions) {
            sensor.action = BoardConfiguration.RunOutAction(rawValue: action) ?? .pause
        }
        let length = try number("detection_length", in: section, range: 1...500)
        if try choice("type", in: section, of: ["switch", "motion"]) == "motion" {
            sensor.detectionLength = length ?? 7
        } else if length != nil {
            throw file.invalid("detection_length", in: section, expected: "nothing, unless type is motion")
        }
        return sensor
    }

    func power(_ section: String) throws(INIError) -> BoardConfiguration.Power {
        var power = try output(section)
        let levels = PowerPolicy.Level.allCases.map(\.rawValue)
        if let level = try choice("at_start", in: section, of: levels).flatMap(PowerPolicy.Level.init) {
            power.policy.atStart = level
        }
        if let level = try choice("at_exit", in: section, of: levels).flatMap(PowerPolicy.Level.init) {
            power.policy.atExit = level
        }
        let second: UInt64 = 1_000_000_000
        if let seconds = try file.integer("boot_time", in: section, range: 0...600) {
            power.policy.bootTime = UInt64(seconds) * second
        }
        if let minutes = try file.integer("idle_off", in: section, range: 0...10_080), minutes > 0 {
            power.policy.idleOff = UInt64(minutes) * 60 * second
        }
        if let degrees = try file.integer("hotend_limit", in: section, range: 20...150) {
            power.policy.hotendLimit = Float(degrees)
        }
        if let isWanted = try file.bool("off_when_halted", in: section) { power.policy.offWhenHalted = isWanted }
        if let seconds = try file.integer("cycle_time", in: section, range: 1...60) {
            power.policy.cyclePause = UInt64(seconds) * second
        }
        power.resetsByPower = try file.bool("reset", in: section) ?? false
        return power
    }

    func storage(_ section: String) throws(INIError) -> StickSettings {
        var storage = StickSettings()
        let mountings = StickSettings.Mounting.allCases.map(\.rawValue)
        switch try choice("mount", in: section, of: mountings + ["yes", "no"]) {
        case "yes": storage.mounting = .auto
        case "no": storage.mounting = .none
        case let word: storage.mounting = word.flatMap(StickSettings.Mounting.init) ?? .auto
        }
        storage.isReadOnly = try file.bool("read_only", in: section) ?? true
        storage.reservedNames = [LocalStorage.name]
        if let directory = file.value(of: "directory", in: section), !directory.isEmpty {
            guard directory.hasPrefix("/"), directory.count > 1 else {
                throw file.invalid("directory", in: section, expected: "a path that begins with /")
            }
            storage.directory = directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        }
        return storage
    }

    private func line(_ section: String) throws(INIError) -> GPIOLineAddress {
        let expected = "a line such as gpiochip0:17, or its name such as GPIO17 (see gpioinfo)"
        guard let text = file.value(of: "line", in: section), let address = GPIOLineAddress(text) else {
            throw file.invalid("line", in: section, expected: expected)
        }
        return address
    }

    func choice(_ key: String, in section: String, of choices: [String]) throws(INIError) -> String? {
        guard let value = file.value(of: key, in: section)?.lowercased(), !value.isEmpty else { return nil }
        guard choices.contains(value) else {
            throw file.invalid(key, in: section, expected: choices.joined(separator: ", "))
        }
        return value
    }

    private func number(_ key: String, in section: String, range: ClosedRange<Double>) throws(INIError) -> Double? {
        guard let value = file.value(of: key, in: section), !value.isEmpty else { return nil }
        guard let number = Double(value), range.contains(number) else {
            throw file.invalid(
                key, in: section, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
