import ArgumentParser
import MarlinLink

/// `--dialect`: a row of the table of dialects, or `auto`.
struct DialectName: ExpressibleByArgument {
    /// Nil: by what the printer answers to M115.
    let row: FirmwareDialect?

    static let automatic = DialectName(row: nil)
    static let help: ArgumentHelp = "How the firmware is spoken to; auto: by what it answers to M115."
    static let allValueStrings = ["auto"] + FirmwareDialect.all.map(\.name)

    private init(row: FirmwareDialect?) { self.row = row }

    init?(argument: String) {
        row = FirmwareDialect.named(argument)
        if row == nil, argument.lowercased() != "auto" { return nil }
    }

    var defaultValueDescription: String { row?.name ?? "auto" }
}
