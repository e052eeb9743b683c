import Foundation
import GCodeStream
import Simulators
import StreamSimulation
import Testing

/// The engine against the simulated printer under a simulated clock. `gantry-soak` does the same for as long as one
/// likes; here are a few seeds, the same each time. A failing seed prints the command that shows it again.
@Suite struct SimulationTests {
    private static let names = FirmwareProfile.all.map(\.name)
    private static let seeds = ProcessInfo.processInfo.environment["GANTRY_SEEDS"].flatMap(UInt64.init) ?? 16

    @Test(arguments: names) func everyFirmwareExecutesTheJob(_ name: String) throws {
        var scenario = Scenario.moves(400)
        scenario.profile = try #require(FirmwareProfile.named(name))
        let outcome = Simulation(scenario).run()
        #expect(outcome.violation == nil)
        #expect(outcome.finishedJobs == 1)
        #expect(outcome.counters.jobCommands == 400)
        #expect(outcome.printer.overflows == 0)
        #expect(outcome.counters.linesResent == 0)
    }

    @Test(arguments: 1...seeds) func theSwarmFindsNothing(_ seed: UInt64) {
        let outcome = Simulation.run(seed: seed)
        #expect(
            outcome.violation == nil,
            "again: swift run -c release gantry-soak --seed \(seed) --trace; \(Simulation.description(seed: seed))")
    }

    /// A lane command that a late answer settled; the end of a job that an earlier M105's answer stood for; a long line to
    /// send again, for which there was no room. A job that was over after all temperatures had been forgotten; an ok for a
    /// line that was not yet out; oks that got lost where other oks pass for them. Half a line in front of
    /// an M110; packed lines whose beginning was thrown away each time; requests for lines that are not there.
    @Test(
        arguments: [
            1_795_651_362_000_317, 480, 1_795_652_757_003_911, 51_795, 56_746, 58_200, 59_472, 60_352,
            202_033, 207_661, 304_553, 316_113, 1919,
        ] as [UInt64])
    func whatTheSwarmOnceFoundStaysAway(_ seed: UInt64) {
        #expect(Simulation.run(seed: seed).violation == nil, "\(Simulation.description(seed: seed))")
    }

    @Test func theSameSeedIsTheSameRun() {
        let one = Simulation.run(seed: 7)
        let other = Simulation.run(seed: 7)
        #expect(one.printer == other.printer)
        #expect(one.counters == other.counters)
        #expect(one.duration == other.duration)
    }

    @Test(arguments: names, [1, 4]) func aLostOkCostsLessThanASecond(_ name: String, _ window: Int) throws {
        var scenario = Scenario.moves(30)
        scenario.profile = try #require(FirmwareProfile.named(name))
        scenario.settings.windowLines = window
        for number in [3, 15, 32, 34] {
            let outcome = LostOk(scenario, number: number).run()
            #expect(outcome.violation == nil, "ok \(number)")
            #expect(outcome.printer.faults == 1)
        }
    }

    @Test(arguments: names) func aLostOkOfALongCommandCostsLessThanASecond(_ name: String) throws {
        var scenario = Scenario(job: ["M117 hello", "G28", "G1 X1", "G4 P9000", "G1 X2", "M109 S40", "G1 X3"])
        scenario.profile = try #require(FirmwareProfile.named(name))
        for number in 3...11 {
            let outcome = LostOk(scenario, number: number).run()
            #expect(outcome.violation == nil, "ok \(number)")
        }
    }

    @Test func aResetInMidPrintIsAFailureWithAName() {
        var scenario = Scenario.moves(1000)
        scenario.faults.resetAfterCommands = 300
        scenario.mayFailWith = { $0 == .printerReset }
        let outcome = Simulation(scenario).run()
        #expect(outcome.violation == nil)
        #expect(outcome.failures == [.printerReset])
    }

    @Test func silenceIsAFailureWithAName() {
        var scenario = Scenario.moves(1000)
        scenario.faults.silentAfterCommands = 300
        scenario.mayFailWith = { $0 == .printerSilent }
        let outcome = Simulation(scenario).run()
        #expect(outcome.violation == nil)
        #expect(outcome.failures.first == .printerSilent)
    }

    /// An MK3S whose count goes wrong asks for line -950 (Prusa-Firmware #331): nothing that could be sent again.
    @Test(arguments: names, [-1000, 1000, 70_000]) func aWrongCountIsAFailureWithAName(_ name: String, _ by: Int) throws
    {
        var scenario = Scenario.moves(400)
        scenario.profile = try #require(FirmwareProfile.named(name))
        scenario.faults.miscountAfterCommands = 200
        scenario.faults.miscountBy = by
        scenario.mayFailWith = { failure in
            switch failure {
            case .resendOutOfRange, .printerReset, .tooManyResends: true
            default: false
            }
        }
        let outcome = Simulation(scenario).run()
        #expect(outcome.violation == nil)
        #expect(!outcome.failures.isEmpty)
        #expect(outcome.duration < 20_000_000_000)
    }

    @Test(arguments: names) func minutesOfSilenceAreSurvived(_ name: String) throws {
        var scenario = Scenario.moves(200)
        scenario.profile = try #require(FirmwareProfile.named(name))
        scenario.faults.stallAfterCommands = 100
        scenario.faults.stallMilliseconds = 240_000
        #expect(Simulation(scenario).run().violation == nil)
    }

    @Test func aCableThatIsOutForAMinuteIsSurvived() throws {
        for name in Self.names where name != "octoprint" {
            var scenario = Scenario.moves(200)
            scenario.profile = try #require(FirmwareProfile.named(name))
            scenario.wire.deafFrom = 500_000_000
            scenario.wire.deafUntil = 60_000_000_000
            #expect(Simulation(scenario).run().violation == nil, "\(name)")
        }
    }
}
