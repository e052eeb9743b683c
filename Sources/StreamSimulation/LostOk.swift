import GCodeStream
import Simulators

/// The price of a single lost `ok`: the same print twice, once with it and once without.
public struct LostOk: Sendable {
    /// The print without any fault.
    public let clean: Scenario
    /// The same with one `ok` lost.
    public let faulty: Scenario

    /// A second, or little more, is what a lost `ok` may cost: a probe goes out after half of one. Up to three on firmware where other oks
    /// pass for that one: those that say nothing about what they answer, not even an M105, and two for one command. Until
    /// the next check the window is a line smaller, which an adapter that collects bytes makes felt.
    private var limit: UInt64 {
        let profile = clean.profile
        let seconds: UInt64 = !profile.answersEachCommandOnce ? 3 : profile.tellsOksApart ? 1 : 2
        return seconds * 1_100_000_000 + UInt64(Limits.linesBetweenChecks) * clean.wire.readInterval / 2
    }

    /// Takes everything but the faults and the actions from `scenario`; the `ok` with that number gets lost.
    public init(_ scenario: Scenario, number: Int) {
        var clean = scenario
        clean.faults = .none
        clean.faultsEnd = nil
        clean.actions = []
        clean.wire.deafFrom = .max
        clean.wire.deafUntil = .max
        clean.mayFailWith = { _ in false }
        self.clean = clean
        var faulty = clean
        faulty.faults.lostOkNumber = number
        self.faulty = faulty
    }

    /// A scenario of the swarm with one of its oks lost.
    public init(seed: UInt64) {
        let scenario = Scenario.swarm(seed: seed)
        var random = SplitMix64(seed: seed ^ 0x105E)
        // The first two belong to the count.
        self.init(scenario, number: 3 + random.below(scenario.lines))
    }

    /// Runs both; the outcome of the faulty one, with a violation when it took too much longer.
    public func run(trace: Bool = false) -> Simulation.Outcome {
        let undisturbed = Simulation(clean).run()
        guard undisturbed.violation == nil else { return trace ? Simulation(clean, trace: true).run() : undisturbed }
        var disturbed = Simulation(faulty, trace: trace).run()
        if disturbed.violation == nil, disturbed.duration > undisturbed.duration + limit {
            let cost = seconds(disturbed.duration - undisturbed.duration)
            disturbed.violation = "the lost ok \(faulty.faults.lostOkNumber ?? 0) cost \(cost) s"
        }
        return disturbed
    }
}

extension Simulation {
    /// What a seed stands for: every eighth one loses a single `ok`, the others are whatever the swarm makes of them.
    public static func run(seed: UInt64, trace: Bool = false) -> Outcome {
        seed % 8 == 0 ? LostOk(seed: seed).run(trace: trace) : Simulation(.swarm(seed: seed), trace: trace).run()
    }

    /// What a seed stands for, in words.
    public static func description(seed: UInt64) -> String {
        "\(seed % 8 == 0 ? LostOk(seed: seed).faulty : Scenario.swarm(seed: seed))"
    }
}
