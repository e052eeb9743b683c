// gantry-bench: the Swift host, two C loops and, if asked for, other projects' hosts on one and the same simulated
// printer, as ratios.
import CBench
import Glibc

/// Progress goes to standard error, so that standard output is the table alone.
func note(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}

/// Ours, then the peers.
func allHosts(_ options: Options) throws(BenchError) -> [any StreamingHost] {
    guard let folder = options.peers else { return ownHosts }
    return try ownHosts + PeerHost.all(in: folder)
}

func run(_ scenario: Scenario, _ options: Options) throws(BenchError) -> ScenarioResult {
    let hosts = try allHosts(options).filter { $0.takesPart(in: scenario) }
    var series = hosts.map { Series(host: $0.name, moves: $0.moves(in: scenario, isQuick: options.isQuick)) }
    var programs: [Int: String] = [:]
    defer { for program in programs.values { unlink(program) } }
    for moves in Set(series.map(\.moves)) {
        programs[moves] = try GCodeProgram(moves: moves).writeTemporaryFile()
    }
    for run in 0..<options.runs {
        for turn in hosts.indices {
            // Another host begins each time, so that none is always the one after the pause.
            let index = (run + turn) % hosts.count
            let host = hosts[index]
            let moves = series[index].moves
            guard let gcode = programs[moves] else { continue }
            do throws(BenchError) {
                let measurement = try Measurement(host, scenario, gcode: gcode, moves: moves)
                series[index].runs.append(measurement)
                let speed = decimal(measurement.linesPerSecond, 0)
                note("\(scenario.name), run \(run + 1) of \(options.runs), \(host.name): \(speed) lines/s")
            } catch {
                throw BenchError("\(scenario.name), \(host.name): \(error)")
            }
        }
    }
    return ScenarioResult(title: scenario.title, series: series)
}

func main() throws(BenchError) {
    let options = try Options(Array(CommandLine.arguments.dropFirst()))
    switch options.command {
    case .help:
        print(Options.help)
    case .stream(let name, let gcode, let port):
        guard let host = try allHosts(options).first(where: { $0.name == name }) else {
            throw BenchError("no host \"\(name)\"")
        }
        cbench_use_host_cores()
        print(try host.report(gcode: gcode, port: port).text, terminator: "")
    case .compare:
        var results: [ScenarioResult] = []
        for scenario in Scenario.all where options.only == nil || options.only == scenario.name {
            results.append(try run(scenario, options))
        }
        print(machineDescription(runs: options.runs))
        print("\n" + markdownTable(results))
    }
}

do throws(BenchError) {
    try main()
} catch {
    note("gantry-bench: \(error)")
    exit(1)
}
