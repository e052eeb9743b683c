/// What the command line asks for.
struct SoakOptions {
    static let help = """
        OVERVIEW: Runs the streaming engine against simulated printers under a simulated clock, a scenario for each seed.

        USAGE: gantry-soak [--seeds N | --seconds N] [--first N] [--violations N] [--jobs N] | --seed N [--trace]

          --seeds N     so many seeds (default 1000, well over half a million lines)
          --seconds N   explore: go on for so long, with seeds that no run has met before
          --first N     the first seed (default 1; with --seconds: of the clock)
          --violations N  stop at so many (default 20)
          --jobs N      threads (default: one per processor)
          --seed N      this seed alone; GANTRY_TRACE=1 or --trace prints everything on its wire

        Ends with 1 when something did not hold, and prints the command that shows it again.
        """

    var seeds: UInt64 = 1000
    /// A time in place of a number of seeds.
    var seconds: UInt64?
    var first: UInt64?
    var jobs = 0
    var violations = 20
    var seed: UInt64?
    var traces = false
    var wantsHelp = false

    /// Reads the arguments behind the program's name.
    init(_ arguments: [String]) throws(SoakError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--seconds": seconds = try Self.number(&rest, word)
            case "--seeds": seeds = try Self.number(&rest, word)
            case "--first": first = try Self.number(&rest, word)
            case "--violations": violations = Int(clamping: try Self.number(&rest, word))
            case "--jobs": jobs = Int(clamping: try Self.number(&rest, word))
            case "--seed": seed = try Self.number(&rest, word)
            case "--trace": traces = true
            case "--help", "-h": wantsHelp = true
            default: throw SoakError("unknown argument \"\(word)\"; see gantry-soak --help")
            }
        }
    }

    private static func number(_ rest: inout ArraySlice<String>, _ name: String) throws(SoakError) -> UInt64 {
        guard let word = rest.popFirst(), let value = UInt64(word) else {
            throw SoakError("\(name) wants a number behind it")
        }
        return value
    }
}

/// What is wrong with the command line.
struct SoakError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
