/// What the command line asks for.
struct Options {
    enum Command: Equatable {
        /// Run the comparison.
        case compare
        /// One run of one host in this process; the comparison starts itself this way.
        case stream(host: String, gcode: String, port: String)
        case help
    }

    var command = Command.compare
    var isQuick = false
    var runs = 5
    var only: String?
    /// The folder that Tests/Peers/setup made.
    var peers: String?

    static let help = """
        usage: gantry-bench [--quick] [--runs N] [--only NAME] [--peers DIR]

          --quick       few moves and 2 runs, to see that it works
          --runs N      runs of each host in each scenario, 1 to 99 (default 5)
          --only NAME   one scenario: \(Scenario.all.map(\.name).joined(separator: ", "))
          --peers DIR   other projects' hosts too, those that Tests/Peers/setup DIR has set up

        Streams the same G-code with each host to the same simulated printer, in turn, and prints a Markdown table.
        gantry-bench stream HOST GCODE PORT streams once and prints: lines, CPU ns, peak bytes, allocations,
        and from ok to next line p99 and longest in ns; -1 for what is not known.
        """

    init(_ arguments: [String]) throws(BenchError) {
        var rest = arguments[...]
        if rest.first == "stream" {
            let values = Array(rest.dropFirst().prefix(3))
            guard values.count == 3 else { throw BenchError("stream needs HOST GCODE PORT") }
            command = .stream(host: values[0], gcode: values[1], port: values[2])
            rest = rest.dropFirst(4)
        }
        var runsGiven: Int?
        while let argument = rest.popFirst() {
            switch argument {
            case "--quick": isQuick = true
            case "--help", "-h": command = .help
            case "--runs":
                guard let runs = rest.popFirst().flatMap({ Int($0) }), (1...99).contains(runs) else {
                    throw BenchError("--runs needs a number from 1 to 99")
                }
                runsGiven = runs
            case "--only":
                guard let name = rest.popFirst(), Scenario.all.contains(where: { $0.name == name }) else {
                    throw BenchError("--only needs one of: \(Scenario.all.map(\.name).joined(separator: ", "))")
                }
                only = name
            case "--peers":
                guard let folder = rest.popFirst() else { throw BenchError("--peers needs a folder") }
                peers = folder
            default: throw BenchError("unknown argument \(argument); see gantry-bench --help")
            }
        }
        runs = runsGiven ?? (isQuick ? 2 : 5)
    }
}
