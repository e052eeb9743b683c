import CAllocationCounter
import CBench
import Glibc

/// The figures of one run of one host.
struct Measurement: Sendable {
    /// Moves per second from the first to the last, as the printer saw them.
    var linesPerSecond: Double
    /// CPU time of the host's process for each 100,000 lines, user and system, in seconds.
    var cpuSeconds: Double
    /// Share of the wire's capacity that was used, 0...1; nil without a wire.
    var wireUse: Double?
    /// How often and for how many milliseconds the planner was empty in the middle of the print; nil without one.
    var starvations: Double?
    var starvedMilliseconds: Double?
    /// The most that the printer saw unacknowledged.
    var unacknowledgedLines: UInt64
    var unacknowledgedBytes: UInt64
    /// See `StreamOutcome.allocations`.
    var allocations: UInt64?
    /// See `StreamOutcome.latency`; microseconds.
    var latencyP99: Double?
    var latencyLongest: Double?
    /// The most memory the host's process had resident, in MiB.
    var residentMiB: Double
}

extension Measurement {
    /// Streams once: a new printer, a new process for the host.
    init(_ host: any StreamingHost, _ scenario: Scenario, gcode: String, moves: Int) throws(BenchError) {
        var options = scenario.printerOptions
        var started: OpaquePointer?
        let status = cbench_printer_start(&options, &started)
        guard status >= 0, let printer = started else {
            throw BenchError("Cannot start the simulated printer", errno: -status)
        }
        let load = scenario.isLoaded ? Load() : nil
        defer { load?.end() }
        let port = String(cString: cbench_printer_path(printer))
        let report = Result { () throws(BenchError) in
            try HostReport(
                text: output(
                    of: ["/proc/self/exe", "stream", host.name, gcode, port] + host.arguments, seconds: 180))
        }
        var stats = cbench_printer_stats()
        var printerCPU: UInt64 = 0
        cbench_printer_stop(printer, &stats, &printerCPU)
        try self.init(report.get(), stats, scenario, moves: moves)
    }

    private init(
        _ report: HostReport, _ stats: cbench_printer_stats, _ scenario: Scenario, moves: Int
    ) throws(BenchError) {
        // A run that lost or repeated something was not faster, it was wrong.
        guard stats.moves == moves, stats.errors == 0, stats.lost_bytes == 0 else {
            throw BenchError(
                "The printer executed \(stats.moves) of \(moves) moves, saw \(stats.errors) bad lines and lost "
                    + "\(stats.lost_bytes) bytes")
        }
        let seconds = Double(stats.last_move_ns - stats.first_move_ns) / 1e9
        guard seconds > 0, report.lines > 0 else { throw BenchError("The run was too short to measure") }
        linesPerSecond = Double(moves - 1) / seconds
        cpuSeconds = Double(report.cpuNanoseconds) / 1e9 * 100_000 / Double(report.lines)
        if scenario.baud > 0 {
            let bytes = Double(stats.bytes_to_last_move - stats.bytes_to_first_move)
            wireUse = bytes * 10 / Double(scenario.baud) / seconds
        }
        if scenario.moveMicroseconds > 0 {
            starvations = Double(stats.starvations)
            starvedMilliseconds = Double(stats.starvation_ns) / 1e6
        }
        unacknowledgedLines = stats.max_unacknowledged_lines
        unacknowledgedBytes = stats.max_unacknowledged_bytes
        allocations = report.allocations
        latencyP99 = report.latency.map { Double($0.p99) / 1000 }
        latencyLongest = report.latency.map { Double($0.longest) / 1000 }
        residentMiB = Double(report.residentBytes) / 1_048_576
    }
}

/// What the host's process tells on its standard output: six numbers, the last three -1 when they are not known.
struct HostReport: Sendable {
    var lines: UInt64
    var cpuNanoseconds: UInt64
    var residentBytes: UInt64
    var allocations: UInt64?
    var latency: StreamOutcome.Latency?

    var text: String {
        let known = [allocations, latency?.p99, latency?.longest].map { $0.map { "\($0)" } ?? "-1" }
        return "\(lines) \(cpuNanoseconds) \(residentBytes) \(known.joined(separator: " "))\n"
    }

    init(text: String) throws(BenchError) {
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
        guard numbers.count == 6, numbers[..<3].allSatisfy({ $0 >= 0 }) else {
            throw BenchError("The host's process answered \"\(text)\"")
        }
        lines = UInt64(numbers[0])
        cpuNanoseconds = UInt64(numbers[1])
        residentBytes = UInt64(numbers[2])
        allocations = UInt64(exactly: numbers[3])
        if let p99 = UInt64(exactly: numbers[4]), let longest = UInt64(exactly: numbers[5]) {
            latency = .init(p99: p99, longest: longest)
        }
    }

    /// Streams in this process and measures it.
    init(_ host: any StreamingHost, gcode: String, port: String) throws(BenchError) {
        guard callocation_works() else { throw BenchError("The counting malloc is not the one in use") }
        let before = cbench_cpu_ns()
        let outcome = try host.stream(gcode: gcode, port: port)
        cpuNanoseconds = cbench_cpu_ns() - before
        lines = outcome.lines
        allocations = outcome.allocations
        latency = outcome.latency
        residentBytes = cbench_peak_resident_bytes()
    }
}
