import GCodeStream

/// What a host has to know of a firmware beside what M115's `Cap:` lines say and the engine copes with anyway (forms of
/// replies, rules for line numbers, comments). One row of a table, chosen by the name in M115.
public struct FirmwareDialect: Sendable, Equatable {
    /// For people and for the table's row in tests.
    public let name: String
    /// What `FIRMWARE_NAME` contains; empty for the row that takes the rest.
    let mark: StaticString
    /// How lines are packed where the firmware reads MeatPack.
    public let packing: Packing
    /// Makes a printer go on that paused by itself, at its own display or by an M601 of the file.
    public let resume: String?
    /// Ends a print that the printer itself paused.
    public let cancel: String?

    /// Marlin of any age, and what calls itself so.
    public static let marlin = FirmwareDialect(
        name: "Marlin", mark: "", packing: .noSpaces, resume: nil, cancel: nil)

    /// Prusa's firmware for the MK2 and MK3: pauses, parks and comes back by itself; reads numbers with `strtod`.
    public static let prusa = FirmwareDialect(
        name: "Prusa", mark: "Prusa-Firmware", packing: .withoutBlanks, resume: "M602", cancel: "M603")

    /// The table; the first row whose mark fits.
    public static let all = [prusa, marlin]

    /// The row for a line of M115's answer.
    static func of(_ line: Span<UInt8>) -> FirmwareDialect {
        for dialect in all where line.contains(dialect.mark, from: 0) { return dialect }
        return .marlin
    }

    /// Rows of the table are told apart by their names.
    public static func == (one: FirmwareDialect, other: FirmwareDialect) -> Bool { one.name == other.name }
}

extension FirmwareIdentity {
    /// How this firmware wants to be spoken to.
    public var dialect: FirmwareDialect {
        let text = Array(firmware.utf8)
        return FirmwareDialect.of(text.span)
    }
}
