import Simulators

/// What the demo proved: the printer's own record beside that of the file, and what Connect got.
struct DemoProof {
    private let expected: CommandDigest
    private let printer: PrinterSnapshot
    private let counts: ConnectServer.Counts
    private let violations: [String]
    private let states: [String]
    private let unanswered: Int
    private let seconds: Double

    init(expected: CommandDigest, printer: PrinterSnapshot, server: ConnectServer, seconds: Double) {
        self.expected = expected
        self.printer = printer
        counts = server.counts
        violations = server.violations
        var states: [String] = []
        for event in server.events where event.name == "STATE_CHANGED" {
            if let state = event.body["state"]?.string, state != states.last { states.append(state) }
        }
        self.states = states
        unanswered = server.commands.filter { $0.progress != .answered }.count
        self.seconds = seconds
    }

    private var isSame: Bool { printer.digest == expected.hexadecimal && printer.digestedCommands == expected.count }

    /// True when everything is as it should be.
    var isComplete: Bool {
        isSame && printer.statistics.overflows == 0 && violations.isEmpty && unanswered == 0
            && states.contains("PRINTING")
            && states.last == "FINISHED" && counts.telemetry > 0
    }

    /// The proof in words.
    var lines: [String] {
        var result = [
            "",
            "Lines in the file:             \(expected.count)",
            "Lines executed by the printer: \(printer.digestedCommands)",
            "SHA-256 of the file:           \(expected.hexadecimal)",
            "SHA-256 of what was executed:  \(printer.digest)",
            "Resends: \(printer.statistics.resendsRequested), overflows of the printer's buffer: \(printer.statistics.overflows)",
            "Connect got \(counts.telemetry) telemetry, \(counts.events) events; "
                + "\(counts.deliveries) commands delivered, \(unanswered) unanswered; \(violations.count) complaints",
            "States that Connect saw: \(states.joined(separator: " > "))",
        ]
        result += violations.prefix(5).map { "Complaint: \($0)" }
        let tenths = Int((seconds * 10).rounded())
        result.append(isComplete ? "Proved in \(tenths / 10).\(tenths % 10) s." : "NOT proved: see above.")
        return result
    }
}
