import Glibc

/// Another project's host, in the environment that Tests/Peers/setup made for it. Its program streams and measures
/// itself: what starts it here is not in its figures.
struct PeerHost: StreamingHost {
    let name: String
    /// The folder of all peers, and the program in it.
    let folder: String
    let program: String

    /// Those that are set up in `folder`.
    static func all(in folder: String) throws(BenchError) -> [any StreamingHost] {
        let known = [("printcore", "printcore"), ("OctoPrint", "octoprint"), ("PrusaLink", "prusalink")]
        let hosts = known.map { PeerHost(name: $0.0, folder: folder, program: "\(folder)/\($0.1)") }
            .filter { access($0.program, X_OK) == 0 }
        guard !hosts.isEmpty else { throw BenchError("No peers in \(folder): run Tests/Peers/setup \(folder)") }
        return hosts
    }

    var arguments: [String] { ["--peers", folder] }

    /// They take minutes where they show the most, so they are spared what shows nothing new.
    func takesPart(in scenario: Scenario) -> Bool {
        ["unpaced", "115200", "250000", "starvation"].contains(scenario.name)
    }

    /// They are 15 to 80 times slower than ours where nothing holds them up.
    func moves(in scenario: Scenario, isQuick: Bool) -> Int {
        let moves = isQuick ? scenario.quickMoves : scenario.moves
        return scenario.baud == 0 ? moves / 5 : moves
    }

    func report(gcode: String, port: String) throws(BenchError) -> HostReport {
        // Less than what the one that waits for this process allows, so that it is not left behind.
        try HostReport(text: output(of: [program, gcode, port], seconds: 170))
    }

    func stream(gcode: String, port: String) throws(BenchError) -> StreamOutcome {
        let report = try report(gcode: gcode, port: port)
        return StreamOutcome(lines: report.lines)
    }
}
