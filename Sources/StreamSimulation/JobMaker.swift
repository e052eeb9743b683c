import Simulators

/// Makes the commands of a job. No two neighbours are the same and every job begins with a command of its own, so that a
/// command that is executed twice, left out or out of its order cannot pass unseen.
struct JobMaker {
    /// How much of what; shares need not add up to anything.
    struct Mix {
        var shortMoves = 0
        var longMoves = 0
        var longTexts = 0
        var settings = 0
        var dwells = 0
        var homings = 0
        var waitsForMoves = 0
        var heatings = 0
        var toolChanges = 0
        var queries = 0
        var userWaits = 0

        static let moves = Mix(shortMoves: 46, settings: 4)
    }

    private let weights: [(share: Int, make: (Int, inout SplitMix64) -> String)]
    private let total: Int

    init(_ mix: Mix) {
        weights = [
            (mix.shortMoves, { index, random in Self.shortMove(index, &random) }),
            (mix.longMoves, { index, random in Self.longMove(index, &random) }),
            (mix.longTexts, { index, random in Self.longText(index, &random) }),
            (mix.settings, { index, random in Self.setting(index, &random) }),
            (mix.dwells, { _, random in "G4 P\(random.below(2500))" }),
            (mix.homings, { _, random in ["G28", "G28 X Y", "G28 Z"][random.below(3)] }),
            (mix.waitsForMoves, { index, _ in "M400 Q\(index)" }),
            (mix.heatings, { _, random in Self.heating(&random) }),
            (mix.toolChanges, { _, _ in "T0" }),
            (mix.queries, { index, random in Self.query(index, &random) }),
            (mix.userWaits, { index, _ in "M0 Q\(index)" }),
        ]
        total = max(1, weights.reduce(0) { $0 + $1.share })
    }

    func commands(_ count: Int, job: Int, random: inout SplitMix64) -> [String] {
        var result = ["M117 job \(job)"]
        while result.count < count {
            var draw = random.below(total)
            var command = ""
            for (share, make) in weights {
                if draw < share {
                    command = make(result.count, &random)
                    break
                }
                draw -= share
            }
            if command.isEmpty || command == result.last { command = Self.shortMove(result.count, &random) }
            result.append(command)
        }
        return result
    }

    private static func shortMove(_ index: Int, _ random: inout SplitMix64) -> String {
        "G1 X\(random.below(180)).\(random.below(10)) E\(index)"
    }

    private static func longMove(_ index: Int, _ random: inout SplitMix64) -> String {
        "G1 X\(random.below(180)).\(100 + random.below(900)) Y\(random.below(180)).\(100 + random.below(900)) "
            + "Z0.\(10 + random.below(90)) E\(index).\(10000 + random.below(90000)) F\(3000 + random.below(6000))"
    }

    private static func longText(_ index: Int, _ random: inout SplitMix64) -> String {
        "M117 \(index) " + String(repeating: ["x", "ok ", "N5 ", "99"][random.below(4)], count: random.below(15))
            + String(repeating: "y", count: 1 + random.below(28))
    }

    private static func setting(_ index: Int, _ random: inout SplitMix64) -> String {
        switch random.below(5) {
        case 0: "M106 S\(random.below(256))"
        case 1: "G92 E\(index)"
        case 2: "M204 P\(500 + random.below(1500))"
        case 3: "M73 P\(random.below(101)) R\(index)"
        default: "M221 S\(90 + random.below(20))"
        }
    }

    private static func heating(_ random: inout SplitMix64) -> String {
        switch random.below(4) {
        case 0: "M104 S\(30 + random.below(10))"
        case 1: "M140 S\(26 + random.below(4))"
        case 2: "M109 S\(30 + random.below(10))"
        default: "M190 S\(26 + random.below(4))"
        }
    }

    private static func query(_ index: Int, _ random: inout SplitMix64) -> String {
        ["M105 T0", "M114", "M115", "M119", "M118 E1 text \(index)", "M220"][random.below(6)]
    }
}

extension SplitMix64 {
    /// A number from 0 to `limit` - 1.
    mutating func below(_ limit: Int) -> Int { Int(truncatingIfNeeded: next() >> 1) % max(limit, 1) }

    /// True once in so many times.
    mutating func once(in times: Int) -> Bool { below(times) == 0 }

    /// One of `choices`.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }
}
