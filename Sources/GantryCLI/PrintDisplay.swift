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
        guard status.elapsed > 0 else {
            line.show("Waiting for the printer …", key: "waiting")
            return
        }
        let percent = status.progress.percent
        let word = status.isCancelling ? "cancelling" : Self.phaseWord(status.snapshot)
        // Just begun or just over: the next status says which.
        guard !word.isEmpty else { return }
        // Elsewhere than on a terminal: a line when what it does changes, and each ten percent.
        let key = "\(percent / 10) \(word)"
        line.show(
            Self.text(status, layers: file.layers, word: word, columns: line.isInteractive ? line.columns : nil),
            key: key)
    }

    mutating func message(_ text: String) { line.message(text) }

    mutating func end() { line.finish() }

    mutating func finish(_ report: PrintReport) {
        if line.isInteractive, report.outcome == .printed {
            line.show(Self.bar(100, width: min(max(line.columns - 74, 8), 40)) + " 100 %  printed", key: "")
        }
        line.finish()
        let seconds = Self.duration(Int(report.seconds.rounded()))
        switch report.outcome {
        case .printed:
            line.message("Printed \(file.path): \(report.lines) lines in \(seconds), \(report.resends) resends.")
        case .cancelled:
            line.message("Cancelled after \(report.lines) lines and \(seconds).")
        case .failed:
            line.message("Failed after \(report.lines) lines and \(seconds).")
        }
    }

    /// `[######······]  42 %  printing  layer 9/22  65 min left  T 214.9/215 B 60.0/60`; without `columns` without bar.
    private static func text(
        _ status: PrintSession.Status, layers: UInt32, word: String, columns: Int?
    ) -> String {
        let snapshot = status.snapshot
        let percent = status.progress.percent
        let parts = [
            "\(percent) %", word, layers > 0 ? "layer \(snapshot.layer)/\(layers)" : "",
            status.isCancelling ? "" : timeLeft(status.progress),
            temperatures(snapshot), snapshot.resends > 0 ? "\(snapshot.resends) resends" : "",
        ]
        let rest = parts.filter { !$0.isEmpty }.joined(separator: "  ")
        guard let columns else { return rest }
        // The words need about 70 columns. The bar's length follows from the terminal alone, so that nothing jumps.
        let width = min(max(columns - 74, 8), 40)
        let padding = String(repeating: " ", count: percent < 10 ? 2 : percent < 100 ? 1 : 0)
        return bar(percent, width: width) + " " + padding + rest
    }

    /// The slicer counts in minutes; an estimate from what was printed is fresh each second.
    private static func timeLeft(_ progress: JobProgress) -> String {
        guard let seconds = progress.secondsLeft else { return "" }
        if progress.isEstimate { return "about \(duration(seconds)) left" }
        let minutes = seconds / 60
        return minutes < 60 ? "\(minutes) min left" : "\(minutes / 60) h \(minutes % 60) min left"
    }

    private static func phaseWord(_ snapshot: LinkSnapshot) -> String {
        if snapshot.readings.waitsForUser { return "waits for its user" }
        return switch snapshot.phase {
        case .paused: "paused"
        case .finishing: "finishing"
        case .printing where snapshot.readings.isHeating: "heating"
        case .printing: "printing"
        case .greeting, .ready, .halted, .down: ""
        }
    }

    /// `T 214.9/215 B 60.0/60`.
    static func temperatures(_ snapshot: LinkSnapshot) -> String {
        func one(_ name: String, _ value: Temperature) -> String {
            guard value.current.isFinite else { return "" }
            let target = value.target.isFinite && value.target > 0 ? "/\(Int(value.target))" : ""
            return "\(name) \(tenths(value.current))\(target)"
        }
        return [one("T", snapshot.readings.hotend), one("B", snapshot.readings.bed)]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func tenths(_ value: Float) -> String {
        let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
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
