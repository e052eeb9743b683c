import GCodeStream

/// What a host has to know of a firmware beside what its `Cap:` lines say. One row of a table, chosen by the name in M115
/// and changed by ``FirmwareOverrides``.
///
/// Only what the firmwares do differently and a host cannot tell from the line itself stands here. What Gantry copes with
/// whatever answers has no column:
/// - forms of replies: `Resend: 5`, `Resend:5`, `rs 5` and `rs N5`, one ok behind it, two or none, `ok 5`, `ok N5 P15 B3`,
///   `skip 5`, `wait`, `fatal:` mean the same wherever they come from (`Reply`);
/// - rules for line numbers: `N0 M110` counts everywhere; a repeated line, which Marlin 2.1 drops and the others refuse, is never
///   used as a question (`StreamEngine`);
/// - comments: they are never sent, as an MK3S discards the next line too (`CommandScanner`);
/// - progress: M73 is read in the file, and passed on to firmware that shows it.
public struct FirmwareDialect: Sendable, Equatable {
    /// How a prompt of the printer is answered (`//action:prompt_…`).
    public enum PromptAnswer: String, Sendable, CaseIterable {
        /// `M876 S0` for the first button. Marlin's `HOST_PROMPT_SUPPORT` and Repetier 1.0.4; OctoPrint's protocol.
        case m876
        /// The command that stands behind the button's text, `Label|command|style`. Klipper's macros, as Mainsail and
        /// KlipperScreen read them.
        case command
    }

    /// For people and for `dialect` in `gantry.ini`.
    public let name: String
    /// What `FIRMWARE_NAME` contains; empty for the row that takes the rest.
    let mark: StaticString
    /// How lines are packed where the firmware reads MeatPack.
    public var packing = Packing.noSpaces
    /// Lines that it takes unacknowledged. 4: `BUFSIZE` of Marlin 1.0 to 2.1, and what the MK3S keeps room for. Others were
    /// not seen to need less; ADVANCED_OK tells of more.
    public var windowLines = 4
    /// Bytes of its receive buffer. 127: the ring of 128 of Marlin, the MK3S and Repetier on AVR. The larger ones of others
    /// bring nothing, for four lines fit into this one.
    public var windowBytes = 127
    /// What `!!` means.
    public var alarm = StreamSettings.Alarm.halted
    /// Pauses a print in place of Gantry's own pause; its opposite is `resume`. No row has one: Gantry's pause works
    /// everywhere, keeps the heaters on and knows the place that it has to bring the nozzle back to.
    public var pause: String?
    /// Makes a printer go on that paused by itself: at its own display, by an M601 of the file or by `pause`.
    public var resume: String?
    /// Ends a print that the printer itself paused.
    public var cancel: String?
    /// How a prompt is answered.
    public var promptAnswer = PromptAnswer.m876

    /// Marlin 1.0 to 2.1, and everything that is like it: Repetier, Smoothieware and RepRapFirmware differ from it in forms only
    /// that need no telling.
    public static let marlin = FirmwareDialect(name: "marlin", mark: "")

    /// Prusa's firmware for the MK2 and MK3: pauses, parks and comes back by itself (M601, M602, M603 of `Marlin_main.cpp`);
    /// reads numbers with `strtod`, for which `Y20E5` is two million.
    public static let prusa: FirmwareDialect = {
        var dialect = FirmwareDialect(name: "prusa", mark: "Prusa-Firmware")
        dialect.packing = .withoutBlanks
        (dialect.resume, dialect.cancel) = ("M602", "M603")
        return dialect
    }()

    /// Klipper, by its pseudo-terminal: `!!` and an ok answer a command that failed (`gcode.py`, `_respond_error`); a `PAUSE`
    /// of the file or of its screen says `action:paused` (`pause_resume.py`).
    public static let klipper: FirmwareDialect = {
        var dialect = FirmwareDialect(name: "klipper", mark: "Klipper")
        dialect.alarm = .commandFailed
        (dialect.resume, dialect.cancel) = ("RESUME", "CANCEL_PRINT")
        dialect.promptAnswer = .command
        return dialect
    }()

    /// The table; the first row whose mark fits. The last one fits always.
    public static let all = [prusa, klipper, marlin]

    private init(name: String, mark: StaticString) {
        self.name = name
        self.mark = mark
    }

    /// The row of that name; nil where there is none.
    public static func named(_ name: String) -> FirmwareDialect? { all.first { $0.name == name.lowercased() } }

    /// The row for a line of M115's answer.
    static func of(_ line: Span<UInt8>) -> FirmwareDialect {
        for dialect in all where line.contains(dialect.mark, from: 0) { return dialect }
        return .marlin
    }

    /// What the columns say; the mark belongs to the name.
    public static func == (one: FirmwareDialect, other: FirmwareDialect) -> Bool {
        one.name == other.name && one.packing == other.packing && one.windowLines == other.windowLines
            && one.windowBytes == other.windowBytes && one.alarm == other.alarm && one.pause == other.pause
            && one.resume == other.resume && one.cancel == other.cancel && one.promptAnswer == other.promptAnswer
    }
}

/// What a user knows better than the table: `[firmware]` in `gantry.ini`.
public struct FirmwareOverrides: Sendable, Equatable {
    /// A command in place of the table's.
    public enum Order: Sendable, Equatable {
        /// This one.
        case command(String)
        /// The firmware has none.
        case none

        var command: String? { if case .command(let text) = self { text } else { nil } }
    }

    /// The row, whatever M115 says; nil: by M115.
    public var dialect: FirmwareDialect?
    /// ``FirmwareDialect/packing``
    public var packing: Packing?
    /// ``FirmwareDialect/windowLines``, 1 to `Limits.windowLines`.
    public var windowLines: Int?
    /// ``FirmwareDialect/windowBytes``
    public var windowBytes: Int?
    /// ``FirmwareDialect/alarm``
    public var alarm: StreamSettings.Alarm?
    /// ``FirmwareDialect/pause``
    public var pause: Order?
    /// ``FirmwareDialect/resume``
    public var resume: Order?
    /// ``FirmwareDialect/cancel``
    public var cancel: Order?
    /// ``FirmwareDialect/promptAnswer``
    public var promptAnswer: FirmwareDialect.PromptAnswer?

    /// The table as it is.
    public init() {}

    /// What holds for a printer whose row is `found`.
    public func applied(to found: FirmwareDialect) -> FirmwareDialect {
        var result = dialect ?? found
        if let packing { result.packing = packing }
        if let windowLines { result.windowLines = windowLines }
        if let windowBytes { result.windowBytes = windowBytes }
        if let alarm { result.alarm = alarm }
        if let pause { result.pause = pause.command }
        if let resume { result.resume = resume.command }
        if let cancel { result.cancel = cancel.command }
        if let promptAnswer { result.promptAnswer = promptAnswer }
        return result
    }
}
