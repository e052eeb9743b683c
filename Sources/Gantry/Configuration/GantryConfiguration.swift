import Glibc
import MarlinLink
import PrusaConnect

/// The daemon's configuration, `gantry.ini`. Names are those of PrusaLink where it has them.
///
/// ```ini
/// [printer]
/// port = /dev/ttyUSB0
/// baudrate = 115200
/// meatpack = off
/// type = I3MK3S
/// serial_number = CZPX4720X004XC34242
/// firmware =
/// settings = ./prusa_printer_settings.ini
/// directory = ./gcodes
/// state =
/// ```
///
/// Commands that Gantry sends by itself stand in `[scripts]`, see ``Scripts``; how the firmware is spoken to in `[firmware]`, see
/// ``FirmwareOverrides``; sections for what hangs on the board: see
/// ``BoardConfiguration``. Every key may be missing. Relative paths are relative to the directory that the daemon was started in.
public struct GantryConfiguration: Sendable, Equatable {
    /// Serial port, or `auto` for the only one there is.
    public var port = "auto"
    /// Baud rate in bits a second.
    public var baudrate: UInt32 = 115_200
    /// Whether lines are packed (MeatPack) where the printer reads that.
    public var meatPack = false
    /// The model as Connect knows it; Connect needs it.
    public var type: PrinterType?
    /// The printer's serial number; Connect needs it.
    public var serialNumber: String?
    /// Firmware version for Connect; what the printer answers to M115 when nil.
    public var firmware: String?
    /// What the user knows better of the firmware than the table of dialects, `[firmware]`.
    public var firmwareOverrides = FirmwareOverrides()
    /// Path of `prusa_printer_settings.ini`, which holds Connect's address and token.
    public var settings = "./prusa_printer_settings.ini"
    /// Directory with G-code files, Connect's `/local`.
    public var directory = "./gcodes"
    /// Directory for what must survive a restart; nil: `gantry-state` beside the settings file. Its parent must exist.
    public var state: String?
    /// Socket that `gantry power` and `gantry storage` reach the daemon by; `socket` in `[control]`.
    public var controlSocket = "/run/gantry/control"
    /// What is sent at a job's start and end, and when it is paused, resumed or cancelled.
    public var scripts = Scripts()
    /// Lines and sticks of the board.
    public var board = BoardConfiguration()

    /// The defaults.
    public init() {}

    /// Reads a file; what it does not say keeps its default.
    public init(path: String) throws(ConfigurationError) {
        let file: INIFile
        do { file = try INIFile(path: path) } catch { throw .file(error) }
        try self.init(file)
    }

    /// Takes what a file says; what it does not say keeps its default.
    public init(_ file: INIFile) throws(ConfigurationError) {
        try Self.refuseUnknown(file)
        let section = Self.section
        func text(_ key: String) -> String? {
            file.value(of: key, in: section).flatMap { $0.isEmpty ? nil : $0 }
        }
        do throws(INIError) {
            if let value = text("port") { port = value }
            if text("baudrate") != nil,
                let value = try file.integer("baudrate", in: section, range: 1200...4_000_000)
            {
                baudrate = UInt32(value)
            }
            if let value = text("meatpack") {
                guard let isOn = ["on": true, "off": false][value.lowercased()] else {
                    throw file.invalid("meatpack", in: section, expected: "on or off")
                }
                meatPack = isOn
            }
            if let value = text("type") {
                guard let known = PrinterType(value) else {
                    throw file.invalid("type", in: section, expected: Self.typeHint)
                }
                type = known
            }
            serialNumber = text("serial_number")
            firmware = text("firmware")
            if let value = text("settings") { settings = value }
            if let value = text("directory") { directory = value }
            state = text("state")
            if let value = file.value(of: "socket", in: "control"), !value.isEmpty { controlSocket = value }
            firmwareOverrides = try FirmwareOverrides(file)
            scripts = try Scripts(file)
            board = try BoardConfiguration(file)
        } catch {
            throw .file(error)
        }
    }

    /// What a `type` may be, for messages.
    public static let typeHint = "a model such as I3MK3S, MK4S or MINI, or its dotted numbers such as 1.3.1"

    private static let section = "printer"
    private static let keys = [
        "port", "baudrate", "meatpack", "type", "serial_number", "firmware", "settings", "directory", "state",
    ]

    private static func refuseUnknown(_ file: INIFile) throws(ConfigurationError) {
        let sections =
            [
                (section, keys), ("control", ["socket"]), (FirmwareOverrides.section, FirmwareOverrides.keys),
                (Scripts.section, Scripts.keys),
            ] + BoardConfiguration.sections
        for name in file.sections {
            guard let known = sections.first(where: { $0.0 == name })?.1 else {
                let names = sections.map(\.0)
                throw .unknownSection(path: file.path, line: file.line(ofSection: name), name: name, known: names)
            }
            for key in file.keys(in: name) where !known.contains(key.lowercased()) {
                throw .unknownKey(path: file.path, line: file.line(of: key, in: name), key: key, known: known)
            }
        }
    }

    /// The directory for what must survive a restart.
    public var stateDirectory: String {
        if let state { return state }
        let parent = settings.lastIndex(of: "/").map { settings[...$0] } ?? "./"
        return parent + "gantry-state"
    }

    /// How to reach the printer.
    public var link: LinkConfiguration {
        var link = LinkConfiguration(port: port, baud: baudrate)
        link.meatPack = meatPack
        link.firmware = firmwareOverrides
        return link
    }
}

/// What is wrong with the configuration.
public enum ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file cannot be read or has a bad value.
    case file(INIError)
    /// A section that does not exist.
    case unknownSection(path: String, line: Int?, name: String, known: [String])
    /// A key that does not exist.
    case unknownKey(path: String, line: Int?, key: String, known: [String])
    /// Something that the order needs is not configured.
    case missing(String)

    static let noType = missing(
        "Connect needs the printer's model: set type in [printer] or --type to \(GantryConfiguration.typeHint)")
    static let noSerialNumber = missing(
        "Connect needs the printer's serial number: set serial_number in [printer] or --serial-number")

    /// File and line, what is wrong, what was expected.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .unknownSection(let path, let line, let name, let known):
            "\(path):\(line ?? 0): there is no section [\(name)]; expected [\(known.joined(separator: "], ["))]"
        case .unknownKey(let path, let line, let key, let known):
            "\(path):\(line ?? 0): there is no key \(key); expected one of \(known.joined(separator: ", "))"
        case .missing(let text): text
        }
    }
}
