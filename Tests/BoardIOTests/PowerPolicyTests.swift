import Testing

@testable import BoardIO

private let second: UInt64 = 1_000_000_000
private let minute = 60 * second

@Suite struct PowerPolicyTests {
    private func settings(_ change: (inout PowerPolicy.Settings) -> Void = { _ in }) -> PowerPolicy.Settings {
        var settings = PowerPolicy.Settings()
        settings.idleOff = 10 * minute
        change(&settings)
        return settings
    }

    @Test(arguments: PowerPolicy.Level.allCases, [true, false])
    func theLevelAtStartIsTheConfigured(_ level: PowerPolicy.Level, _ isOn: Bool) {
        let policy = PowerPolicy(settings: settings { $0.atStart = level }, isOn: isOn, now: 0)
        #expect(policy.isOn == (level == .keep ? isOn : level == .on))
    }

    @Test(
        arguments: [
            (PowerPolicy.Level.keep, false, nil), (.keep, true, nil), (.on, false, true), (.on, true, true),
            (.off, false, false), (.off, true, nil),
        ] as [(PowerPolicy.Level, Bool, Bool?)])
    func theLevelAtExitSparesAPrint(_ level: PowerPolicy.Level, _ isPrinting: Bool, _ expected: Bool?) {
        var policy = PowerPolicy(settings: settings { $0.atExit = level }, isOn: true, now: 0)
        policy.noteJob(isUnderWay: isPrinting, now: 1)
        #expect(policy.levelAtExit == expected)
    }

    @Test func aPrintSwitchesOnAndWaitsForTheBoot() {
        var policy = PowerPolicy(settings: settings { $0.bootTime = 8 * second }, isOn: false, now: 0)
        #expect(policy.printWanted(now: 100 * second) == 108 * second)
        #expect(policy.isOn)
        // Asked again, it does not wait anew; on for long, it does not wait at all.
        #expect(policy.printWanted(now: 104 * second) == 108 * second)
        #expect(policy.printWanted(now: 200 * second) == 200 * second)
    }

    @Test func whatWasOnAtTheStartHasBooted() {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        #expect(policy.printWanted(now: 5) == 5)
    }

    @Test func idleAndColdGoesOff() {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        #expect(policy.deadline == 10 * minute)
        policy.advance(hotend: 25, now: 10 * minute - 1)
        #expect(policy.isOn)
        policy.advance(hotend: 25, now: 10 * minute)
        #expect(!policy.isOn)
        #expect(policy.deadline == nil)
    }

    @Test(arguments: [50, 200, Float.nan, nil] as [Float?])
    func idleButHotOrUnknownStaysOn(_ hotend: Float?) {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        policy.advance(hotend: hotend, now: 600 * minute)
        #expect(policy.isOn)
        policy.advance(hotend: 49, now: 601 * minute)
        #expect(!policy.isOn)
    }

    @Test func withoutIdleTimeItStaysOn() {
        var policy = PowerPolicy(settings: settings { $0.idleOff = nil }, isOn: true, now: 0)
        policy.advance(hotend: 20, now: .max / 2)
        #expect(policy.isOn)
    }

    @Test func inAPrintOnlyForce() throws {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        policy.noteJob(isUnderWay: true, now: 0)
        policy.advance(hotend: 20, now: 100 * minute)
        #expect(policy.isOn)
        #expect(throws: PowerPolicy.Refusal.printing) { try policy.demand(on: false, now: 100 * minute) }
        #expect(throws: PowerPolicy.Refusal.printing) { try policy.cycle(now: 100 * minute) }
        #expect(policy.isOn)
        try policy.demand(on: false, force: true, now: 100 * minute)
        #expect(!policy.isOn)
    }

    @Test func theEndOfAPrintBeginsTheIdleTime() {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        policy.noteJob(isUnderWay: true, now: 0)
        policy.noteJob(isUnderWay: false, now: 100 * minute)
        policy.advance(hotend: 20, now: 109 * minute)
        #expect(policy.isOn)
        policy.noteUse(now: 109 * minute)
        policy.advance(hotend: 20, now: 118 * minute)
        #expect(policy.isOn)
        policy.advance(hotend: 20, now: 119 * minute)
        #expect(!policy.isOn)
    }

    @Test(arguments: [true, false])
    func aHaltGoesOffWhenConfiguredEvenInAPrint(_ isConfigured: Bool) {
        var policy = PowerPolicy(settings: settings { $0.offWhenHalted = isConfigured }, isOn: true, now: 0)
        policy.noteJob(isUnderWay: true, now: 0)
        policy.halted(now: second)
        #expect(policy.isOn == !isConfigured)
    }

    @Test func aCycleComesBackAndBootsAnew() throws {
        var policy = PowerPolicy(settings: settings { $0.bootTime = 8 * second }, isOn: true, now: 0)
        try policy.cycle(now: 100 * second)
        #expect(!policy.isOn)
        #expect(policy.deadline == 105 * second)
        policy.advance(hotend: nil, now: 104 * second)
        #expect(!policy.isOn)
        policy.advance(hotend: nil, now: 105 * second)
        #expect(policy.isOn)
        #expect(policy.printWanted(now: 106 * second) == 113 * second)
    }

    @Test func whoDemandsOffInACycleGetsOff() throws {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        try policy.cycle(now: 0)
        try policy.demand(on: false, now: second)
        policy.advance(hotend: 20, now: 100 * second)
        #expect(!policy.isOn)
    }

    @Test func aHaltInACycleStaysOff() throws {
        var policy = PowerPolicy(settings: settings(), isOn: true, now: 0)
        try policy.cycle(now: 0)
        policy.halted(now: second)
        policy.advance(hotend: 20, now: 100 * second)
        #expect(!policy.isOn)
    }

    /// Whatever happens in whatever order: in a print the power goes only by force or by a halt.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func neverOffInAPrintByItself(_ seed: UInt64) {
        var dice = Dice(seed: seed)
        var policy = PowerPolicy(
            settings: settings { $0.offWhenHalted = .random(using: &dice) }, isOn: .random(using: &dice), now: 0)
        var now: UInt64 = 0
        for step in 0..<500 {
            now += .random(in: 0...(20 * minute), using: &dice)
            let before = policy
            var mayGoOff = false
            switch Int.random(in: 0..<7, using: &dice) {
            case 0: _ = policy.printWanted(now: now)
            case 1: policy.noteJob(isUnderWay: .random(using: &dice), now: now)
            case 2:
                let force = Bool.random(using: &dice)
                mayGoOff = force
                try? policy.demand(on: .random(using: &dice), force: force, now: now)
            case 3:
                let force = Bool.random(using: &dice)
                mayGoOff = force
                try? policy.cycle(force: force, now: now)
            case 4:
                mayGoOff = before.settings.offWhenHalted
                policy.halted(now: now)
            case 5: policy.noteUse(now: now)
            default: policy.advance(hotend: .random(in: 0...250, using: &dice), now: now)
            }
            if before.isPrinting, before.isOn, !mayGoOff { #expect(policy.isOn, "seed \(seed) step \(step)") }
        }
    }
}
