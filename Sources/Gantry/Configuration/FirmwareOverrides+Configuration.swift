import GCodeStream
import MarlinLink
import PrusaConnect

extension FirmwareOverrides {
    static let section = "firmware"
    static let keys = ["dialect", "packing", "window", "buffer", "alarm", "pause", "resume", "cancel", "prompt_answer"]

    /// Takes what a file says; what it does not say is the table's.
    init(_ file: INIFile) throws(INIError) {
        self.init()
        let rows = FirmwareDialect.all
        let names = [("auto", FirmwareDialect?.none)] + rows.map { ($0.name, FirmwareDialect?.some($0)) }
        dialect = try Self.choice("dialect", names, in: file) ?? nil
        packing = try Self.choice(
            "packing", [("packed", .packed), ("without_blanks", .withoutBlanks), ("no_spaces", .noSpaces)], in: file)
        windowLines = try Self.number("window", 1...Limits.windowLines, in: file)
        windowBytes = try Self.number("buffer", 64...1024, in: file)
        alarm = try Self.choice("alarm", [("halted", .halted), ("command_failed", .commandFailed)], in: file)
        pause = try Self.order("pause", in: file)
        resume = try Self.order("resume", in: file)
        cancel = try Self.order("cancel", in: file)
        promptAnswer = try Self.choice(
            "prompt_answer", FirmwareDialect.PromptAnswer.allCases.map { ($0.rawValue, $0) }, in: file)
    }

    private static func text(_ key: String, in file: INIFile) -> String? {
        file.value(of: key, in: section).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func choice<Value>(
        _ key: String, _ values: [(String, Value)], in file: INIFile
    ) throws(INIError) -> Value? {
        guard let text = text(key, in: file) else { return nil }
        guard let value = values.first(where: { $0.0 == text.lowercased() })?.1 else {
            throw file.invalid(key, in: section, expected: values.map(\.0).joined(separator: ", "))
        }
        return value
    }

    private static func number(_ key: String, _ range: ClosedRange<Int>, in file: INIFile) throws(INIError) -> Int? {
        guard text(key, in: file) != nil else { return nil }
        return try file.integer(key, in: section, range: range)
    }

    /// One command; `none` where the firmware has none.
    private static func order(_ key: String, in file: INIFile) throws(INIError) -> Order? {
        guard let text = text(key, in: file) else { return nil }
        if text.lowercased() == "none" { return Order.none }
        guard LineFormat.fits(number: Limits.lineNumber, commandLength: text.utf8.count), !text.contains("|") else {
            throw file.invalid(key, in: section, expected: "one command, or none")
        }
        return .command(text)
    }
}
