import PrusaConnect

extension Scripts {
    static let section = "scripts"
    static let keys = ["start", "pause", "resume", "cancel", "finished"]

    /// Takes what a file says; what it does not say keeps its default.
    init(_ file: INIFile) throws(INIError) {
        self.init()
        if let script = try Self.script("start", in: file) { start = script }
        if let script = try Self.script("pause", in: file, isPause: true) { pause = script }
        if let script = try Self.script("resume", in: file, isPause: true) { resume = script }
        if let script = try Self.script("cancel", in: file) { cancel = script }
        if let script = try Self.script("finished", in: file) { finished = script }
    }

    /// Commands between bars; nil when the key is missing or empty, no command at all for `none`.
    private static func script(_ key: String, in file: INIFile, isPause: Bool = false) throws(INIError) -> Script? {
        guard let value = file.value(of: key, in: section), !value.isEmpty else { return nil }
        if value.lowercased() == "none" { return Script() }
        let commands = value.split(separator: "|").map { $0.trimmingBlanks }.filter { !$0.isEmpty }
        do throws(ScriptError) {
            return try Script(commands, isPause: isPause)
        } catch {
            throw file.invalid(key, in: section, expected: "\(error)")
        }
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
