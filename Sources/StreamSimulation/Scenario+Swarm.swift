import GCodeStream
import Simulators

extension Scenario {
    /// The scenario of a seed: a swarm, in which each picks its own firmware, wire, job and mix of faults, so that between
    /// them they meet combinations that nobody thought of. About half of the faults are off in each, which is what
    /// lets the others work (Groce, Zhang, Eide, Chen, Regehr: Swarm Testing, 2012).
    public static func swarm(seed: UInt64) -> Scenario {
        var maker = SwarmMaker(seed: seed)
        return maker.make()
    }
}

/// The choices of one seed.
private struct SwarmMaker {
    private let seed: UInt64
    private var random: SplitMix64
    private var scenario = Scenario(job: [])
    /// An estimate of how long it all takes, for the moments of actions, in nanoseconds.
    private var estimate: UInt64 = 0
    private var allowed: [StreamFailure] = []

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(seed: seed)
        scenario.seed = seed
    }

    mutating func make() -> Scenario {
        choosePrinter()
        choosePacking()
        chooseWindow()
        chooseJobs()
        chooseWire()
        if !random.once(in: 8) { chooseByteFaults() }
        if !random.once(in: 4) { chooseOkFaults() }
        if random.once(in: 3) { chooseBigFault() }
        if random.once(in: 2) { chooseActions() }
        scenario.faults.seed = random.next()
        // A flipped bit makes an M112 of an M110, and an emergency parser asks for no checksum.
        if scenario.faults.toPrinter.flip > 0 { allow(.printerHalted) }
        return scenario
    }

    // MARK: The printer

    private mutating func choosePrinter() {
        let base = random.pick(FirmwareProfile.all)
        var quirks = FirmwareProfile.Quirks()
        // A quirk or two in half of the seeds.
        if random.once(in: 2) {
            for _ in 0...random.below(2) { quirks.insert(.init(rawValue: 1 << random.below(7))) }
        }
        scenario.profile = base.with(quirks)
        scenario.baud = random.pick([57_600, 115_200, 115_200, 250_000, 250_000, 500_000, 1_000_000])
        scenario.moveTime = random.pick([0, 1_000_000, 2_000_000, 5_000_000, 20_000_000])
    }

    /// In a fifth of the seeds whose firmware can have it. From numbers of its own, so that the other seeds stay what they are.
    private mutating func choosePacking() {
        var random = SplitMix64(seed: seed ^ 0x4D50)
        let name = scenario.profile.name
        guard name.hasPrefix("marlin-2") || name.hasPrefix("mk3s-3.13"), random.once(in: 5) else { return }
        scenario.profile = scenario.profile.with(.meatPack)
        scenario.packing = random.pick(
            name.hasPrefix("mk3s") ? [.packed, .withoutBlanks] : [.packed, .withoutBlanks, .noSpaces])
    }

    private mutating func chooseWindow() {
        scenario.settings.windowLines = random.pick([1, 2, 3, 4, 4, 4, 4])
        scenario.settings.windowBytes = random.pick([64, 96, 127, 127, 127])
        scenario.settings.settleTime = 32_000_000 + 127 * 10_000_000_000 / UInt64(scenario.baud)
    }

    // MARK: Jobs

    private mutating func chooseJobs() {
        var mix = JobMaker.Mix()
        mix.shortMoves = random.below(50)
        mix.longMoves = random.below(2) * random.below(30)
        mix.longTexts = random.below(2) * random.below(10)
        mix.settings = random.below(10)
        mix.dwells = random.below(3) / 2
        mix.waitsForMoves = random.below(2) * random.below(4)
        mix.toolChanges = random.below(2)
        mix.queries = random.below(2) * random.below(10)
        if random.once(in: 4) {
            mix.heatings = 1
            mix.homings = 1
            mix.userWaits = random.below(2)
            mix.shortMoves += 100
        }
        let maker = JobMaker(mix)
        let count = random.once(in: 20) ? 5000 : 100 + random.below(900)
        scenario.jobs = [maker.commands(count, job: 0, random: &random)]
        if random.once(in: 3) { scenario.jobs.append(maker.commands(50 + random.below(200), job: 1, random: &random)) }
        estimate = UInt64(scenario.lines) * (scenario.moveTime + 4_000_000)
    }

    // MARK: Faults

    private mutating func chooseWire() {
        scenario.wire.piece = random.pick([1, 3, 17, 64, 64, 512])
        scenario.wire.readInterval = random.pick([0, 0, 1_000_000, 16_000_000])
        scenario.wire.writeLimit = random.pick([4096, 4096, 4096, 32, 7])
        // An adapter's latency is on top of the wire's.
        scenario.settings.settleTime += scenario.wire.readInterval
    }

    /// From one in a million to `most`, evenly over the powers of ten; nothing in half of the cases.
    private mutating func strength(most: Double) -> Double {
        guard random.once(in: 2) else { return 0 }
        var result = most
        for _ in 0..<random.below(4) { result /= 5 }
        return result
    }

    /// OctoPrint's virtual printer takes numbered lines without a checksum: a damaged one can pass, and no host can help
    /// that. The same goes for packed lines, in one of 256 cases (see `Packing`).
    private var isUnchecked: Bool { scenario.profile.name.hasPrefix("octoprint") }

    private mutating func chooseByteFaults() {
        if !isUnchecked, scenario.packing == .none {
            scenario.faults.toPrinter = .init(
                flip: strength(most: 1e-3), loss: strength(most: 1e-3), double: strength(most: 1e-3))
        }
        scenario.faults.toHost = .init(
            flip: strength(most: 1e-3), loss: strength(most: 1e-3), double: strength(most: 1e-3))
        limitFaults()
    }

    private mutating func chooseOkFaults() {
        scenario.faults.lostOk = strength(most: 0.02)
        scenario.faults.doubledOk = strength(most: 0.02)
        scenario.faults.lateOk = strength(most: 0.005)
        scenario.faults.lateOkMilliseconds = UInt64(random.pick([50, 700, 3000, 20_000]))
        limitFaults()
    }

    private mutating func limitFaults() {
        if random.once(in: 3) { scenario.faultsEnd = estimate / 4 + random.next() % (estimate / 2 + 1) }
    }

    private mutating func allow(_ failures: StreamFailure...) {
        allowed += failures
        let list = allowed
        let mayMiscount = scenario.faults.miscountAfterCommands != nil
        scenario.mayFailWith = { failure in
            switch failure {
            case .resendOutOfRange, .tooManyResends: mayMiscount
            default: list.contains(failure)
            }
        }
    }

    /// At most one of those that a print may not survive.
    private mutating func chooseBigFault() {
        let when = 1 + random.below(scenario.jobs[0].count)
        switch random.below(6) {
        case 0:
            scenario.faults.resetAfterCommands = when
            allow(.printerReset, .notSynchronised)
        case 1:
            scenario.faults.silentAfterCommands = when
            scenario.jobs.removeLast(scenario.jobs.count - 1)
            allow(.printerSilent)
        case 2, 3:
            scenario.faults.stallAfterCommands = when
            scenario.faults.stallMilliseconds = UInt64(random.pick([700, 5000, 60_000, 240_000]))
        case 4 where !isUnchecked:
            scenario.wire.deafFrom = random.next() % (estimate + 1)
            scenario.wire.deafUntil = scenario.wire.deafFrom + UInt64(random.pick([1, 10, 60])) * 1_000_000_000
        default:
            scenario.faults.miscountAfterCommands = when
            scenario.faults.miscountBy = random.pick([1000, -1000, 70_000, 20])
            allow(.printerReset)
        }
    }

    // MARK: Actions

    private mutating func chooseActions() {
        var actions: [Scenario.TimedAction] = []
        for index in 0..<random.below(12) {
            let time = random.next() % (estimate + 1)
            switch random.below(4) {
            case 0:
                actions.append(.init(.pause, at: time))
                actions.append(.init(.resume, at: time + random.next() % 20_000_000_000))
            default:
                actions.append(.init(.submit("M117 priority \(index)"), at: time))
            }
        }
        if random.once(in: 8) { actions.append(.init(.interruptHeating, at: random.next() % (estimate + 1))) }
        if random.once(in: 5) { actions.append(.init(.cancel, at: random.next() % (estimate + 1))) }
        if random.once(in: 15) {
            actions.append(.init(.emergencyStop, at: random.next() % (estimate + 1)))
            allow(.emergencyStopped, .printerHalted, .printerReset)
        }
        // A pause that nothing ends would end nothing.
        actions.append(.init(.resume, at: estimate + 30_000_000_000))
        scenario.actions = actions.sorted { $0.time < $1.time }
    }
}
