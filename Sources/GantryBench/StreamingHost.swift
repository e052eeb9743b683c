/// Something that streams a G-code file to a printer: what the benchmark compares.
///
/// Each run makes the host stream once in a process of its own, whose CPU time and memory are measured around it.
protocol StreamingHost: Sendable {
    /// How the table calls it; no spaces at the ends, unique.
    var name: String { get }

    /// False where it has nothing to show in `scenario`.
    func takesPart(in scenario: Scenario) -> Bool

    /// Streams the whole file and returns when the printer has acknowledged the last line. Handshakes before the first
    /// and after the last move do not count in lines per second, but they do in CPU time.
    ///
    /// - Parameters:
    ///   - gcode: path of the G-code file.
    ///   - port: path of the printer's pseudo-terminal, raw already. The printer sends no `start`.
    func stream(gcode: String, port: String) throws(BenchError) -> StreamOutcome

    /// Streams and measures it, in the process that was started for it.
    func report(gcode: String, port: String) throws(BenchError) -> HostReport

    /// How many moves it streams in `scenario`. Figures are rates, so one that takes long may do with fewer.
    func moves(in scenario: Scenario, isQuick: Bool) -> Int

    /// What `gantry-bench stream` needs beside the name to know it.
    var arguments: [String] { get }
}

/// What a host tells of its run. All other figures are measured from outside.
struct StreamOutcome: Equatable, Sendable {
    /// Lines that the printer acknowledged.
    var lines: UInt64
    /// Heap allocations of the thread that streams, from the first line to the last ok, by
    /// `callocation_count_of_this_thread` or `callocation_count_of_threads_named`; nil when the host cannot tell.
    var allocations: UInt64?
    /// From reading an ok to having written the next line; nil when the host does not tell.
    var latency: Latency?

    /// Nanoseconds.
    struct Latency: Equatable, Sendable {
        /// 99 of 100 were not longer, to within a quarter.
        var p99: UInt64
        /// The longest.
        var longest: UInt64
    }
}

/// Why a run has no figures.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// A system call that failed.
    init(_ what: String, errno code: Int32) {
        description = "\(what): \(errorText(code))"
    }
}

extension StreamingHost {
    func takesPart(in scenario: Scenario) -> Bool { true }

    func report(gcode: String, port: String) throws(BenchError) -> HostReport {
        try HostReport(self, gcode: gcode, port: port)
    }

    func moves(in scenario: Scenario, isQuick: Bool) -> Int { isQuick ? scenario.quickMoves : scenario.moves }

    var arguments: [String] { [] }
}
