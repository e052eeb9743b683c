/// All runs of one host in one scenario.
struct Series: Sendable {
    let host: String
    let moves: Int
    var runs: [Measurement] = []

    func median(_ value: (Measurement) -> Double?) -> Double? {
        let sorted = runs.compactMap(value).sorted()
        guard let middle = sorted.indices.dropFirst(sorted.count / 2).first else { return nil }
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// The results of one scenario.
struct ScenarioResult: Sendable {
    let title: String
    let series: [Series]
}

/// The results as one Markdown table.
func markdownTable(_ results: [ScenarioResult]) -> String {
    let header = [
        "Printer", "Host", "Lines/s (lowest to highest)", "× C stop-and-wait", "× C window", "CPU s per 100,000 lines",
        "× C stop-and-wait", "× C window", "Wire used", "Planner empty", "Most unacknowledged (lines / bytes)",
        "Heap allocations", "Ok to line, p99 / longest", "Peak memory",
    ]
    var lines = [row(header), row(header.map { _ in "---" })]
    for result in results {
        for series in result.series {
            lines.append(row(cells(series, result)))
        }
    }
    return lines.joined(separator: "\n")
}

private func row(_ cells: [String]) -> String {
    "| " + cells.joined(separator: " | ") + " |"
}

private func cells(_ series: Series, _ result: ScenarioResult) -> [String] {
    guard let speed = series.median(\.linesPerSecond), let cpu = series.median(\.cpuSeconds) else {
        return [result.title, series.host, "no figures"] + Array(repeating: "", count: 11)
    }
    func ratio(_ value: Double, to host: String, _ figure: (Measurement) -> Double?) -> String {
        guard let other = result.series.first(where: { $0.host == host })?.median(figure), other > 0 else { return "" }
        return decimal(value / other, 2)
    }
    let speeds = series.runs.map(\.linesPerSecond)
    let range = "\(decimal(speeds.min() ?? 0, 0)) to \(decimal(speeds.max() ?? 0, 0))"
    let starved = series.median(\.starvations).map { count in
        "\(decimal(count, 0)) times, \(decimal(series.median(\.starvedMilliseconds) ?? 0, 1)) ms"
    }
    let lines = series.runs.map(\.unacknowledgedLines).max() ?? 0
    let bytes = series.runs.map(\.unacknowledgedBytes).max() ?? 0
    return [
        "\(result.title), \(series.moves) moves", series.host, "\(decimal(speed, 0)) (\(range))",
        ratio(speed, to: "C stop-and-wait", \.linesPerSecond), ratio(speed, to: "C window", \.linesPerSecond),
        decimal(cpu, 3),
        ratio(cpu, to: "C stop-and-wait", \.cpuSeconds), ratio(cpu, to: "C window", \.cpuSeconds),
        series.median(\.wireUse).map { decimal($0 * 100, 1) + " %" } ?? "", starved ?? "",
        "\(lines) / \(bytes)",
        // The worst run counts: one allocation in five runs is not none.
        series.runs.compactMap(\.allocations).max().map { "\($0)" } ?? "not counted",
        latency(series),
        decimal(series.median(\.residentMiB) ?? 0, 1) + " MiB",
    ]
}

/// Median of the runs' p99, and the longest of all runs.
private func latency(_ series: Series) -> String {
    guard let p99 = series.median(\.latencyP99), let longest = series.runs.compactMap(\.latencyLongest).max() else {
        return ""
    }
    return "\(decimal(p99, 0)) / \(decimal(longest, 0)) µs"
}

/// A number that is not negative, with that many digits after the point.
func decimal(_ value: Double, _ digits: Int) -> String {
    guard digits > 0 else { return String(Int(value.rounded())) }
    var text: [UInt8] = []
    GCodeProgram.append(value, digits: digits, to: &text)
    return String(decoding: text, as: UTF8.self)
}
