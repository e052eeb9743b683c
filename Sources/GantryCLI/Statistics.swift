import MarlinLink
import PrusaConnect

/// `gantry print --stats`: how well the printer was fed.
enum Statistics {
    private static let parts: [(name: String, permille: UInt64)] = [
        ("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999),
    ]

    /// For people.
    static func lines(_ snapshot: LinkSnapshot) -> [String] {
        let latency = snapshot.latency
        let figures = parts.map { "\($0.name) \(microseconds(latency.permille($0.permille)))" }
        return [
            "From ok to next line, \(latency.count) times: \(figures.joined(separator: ", ")), "
                + "longest \(microseconds(latency.longest)); real-time priority: \(snapshot.isRealTime ? "yes" : "no")",
            "Lines \(snapshot.linesSent), window \(snapshot.windowLines), resends \(snapshot.resends), probes "
                + "\(snapshot.probes), oks lost \(snapshot.oksLost), times without a command ready \(snapshot.starved)",
        ]
    }

    /// For scripts; durations in microseconds.
    static func json(_ snapshot: LinkSnapshot) -> JSONObject {
        let latency = snapshot.latency
        var object: JSONObject = ["count": JSONValue(latency.count), "realtime": .bool(snapshot.isRealTime)]
        for (name, permille) in parts { object[name + "_us"] = .double(Double(latency.permille(permille)) / 1000) }
        object["longest_us"] = .double(Double(latency.longest) / 1000)
        object["lines_sent"] = JSONValue(snapshot.linesSent)
        object["probes"] = JSONValue(snapshot.probes)
        object["oks_lost"] = JSONValue(snapshot.oksLost)
        object["starved"] = JSONValue(snapshot.starved)
        return object
    }

    private static func microseconds(_ nanoseconds: UInt64) -> String {
        let tenths = (nanoseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) µs"
    }
}
