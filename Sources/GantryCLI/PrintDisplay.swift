import Gantry
import Glibc
import MarlinLink

/// What `gantry print` shows while it prints.
struct PrintDisplay {
    private let file: JobFile
    private var line: StatusLine

    init(file: JobFile, descriptor: Int32) {
        self.file = file
        line = StatusLine(descriptor: descriptor)
    }

    mutating func show(_ status: PrintSession.Status) {
        let snapshot = status.snapshot
        switch snapshot.phase {
        case .greeting where status.elapsed == 0:
            line.show("Waiting for the printer …", plain: "Waiting for the printer")
        case .printing, .paused, .finishing, .greeting, .ready, .halted, .down:
            guard status.elapsed > 0 else { return }
            let word = status.isCancelling ? "cancelling" : phaseWord(snapshot)
            let percent = status.progress.percent
            let left = status.progress.secondsLeft.map { Self.duration($0) + " left" } ?? ""
            let layer = file.layers > 0 ? "layer \(snapshot.layer)/\(file.layers)" : ""
            let text = [
                Self.bar(percent, width: 24), "\(percent) %", word, layer, left, Self.temperatures(snapshot),
                snapshot.resends > 0 ? "\(snapshot.resends) resends" : "",
            ]
            line.show(text.filter { !$0.isEmpty }.joined(separator: "  "), plain: plain(status, word: word))
        }
    }

    /// Elsewhere than on a terminal: a line when what it does changes, and each ten percent.
    private func plain(_ status: PrintSession.Status, word: String) -> String {
        ["\(status.progress.percent / 10 * 10) %", word].filter { !$0.isEmpty }.joined(separator: "  ")
    }

    mutating func message(_ text: String) { line.message(text) }

    mutating func end() { line.finish() }

    mutating func finish(_ report: PrintReport) {
        line.finish()
        let seconds = Self.duration(Int(report.seconds.rounded()))
        switch report.outcome {
        case .printed:
            line.message("Printed \(file.path): \(report.lines) lines in \(seconds), \(report.resends) resends.")
        case .cancelled:
            line.message("Cancelled after \(report.lines) lines.")
        case .failed:
            line.message("Failed after \(report.lines) lines and \(seconds).")
        }
    }

    private func phaseWord(_ snapshot: LinkSnapshot) -> String {
        if snapshot.readings.waitsForUser { return "waits for its user" }
        return switch snapshot.phase {
        case .paused: "paused"
        case .finishing: "finishing"
        case .printing where snapshot.readings.isHeating: "heating"
        case .printing: "printing"
        default: ""
        }
    }

    /// `T 214.9/215 B 60.0/60`.
    static func temperatures(_ snapshot: LinkSnapshot) -> String {
        func one(_ name: String, _ value: Temperature) -> String {
            guard value.current.isFinite else { return "" }
            let tenths = Int((value.current * 10).rounded())
            let target = value.target.isFinite && value.target > 0 ? "/\(Int(value.target))" : ""
            return "\(name) \(tenths / 10).\(abs(tenths % 10))\(target)"
        }
        return [one("T", snapshot.readings.hotend), one("B", snapshot.readings.bed)]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    static func bar(_ percent: Int, width: Int) -> String {
        let filled = min(max(percent, 0), 100) * width / 100
        return "[" + String(repeating: "#", count: filled) + String(repeating: "·", count: width - filled) + "]"
    }

    /// `1:02:03` or `2:03`.
    static func duration(_ seconds: Int) -> String {
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let hours = seconds / 3600
        let minutes = seconds / 60 % 60
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(seconds % 60))" : "\(minutes):\(two(seconds % 60))"
    }
}
