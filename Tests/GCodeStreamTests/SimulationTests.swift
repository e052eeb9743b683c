import Foundation
import GCodeStream
import Simulators
import Testing

/// How many seeds each firmware is tried with; `GANTRY_SEEDS=2000 swift test --filter SimulationTests` for a long run.
private let seeds = ProcessInfo.processInfo.environment["GANTRY_SEEDS"].flatMap(Int.init) ?? 60

/// The engine against the simulated printer under a simulated clock. A failing seed prints what reproduces it.
@Suite struct SimulationTests {
    @Test(arguments: FirmwareProfile.all.map(\.name))
    func everyFirmwareExecutesTheJob(_ name: String) throws {
        var simulation = Simulation(commands: Simulation.job(1000))
        simulation.profile = try #require(FirmwareProfile.named(name))
        let outcome = simulation.run()
        #expect(simulation.problem(with: outcome) == nil, "\(name)")
        #expect(outcome.counters.jobCommands == 1000)
        #expect(outcome.printer.overflows == 0)
    }

    @Test(arguments: FirmwareProfile.all.map(\.name), 0..<seeds)
    func aBadCableChangesNothing(_ name: String, _ seed: Int) throws {
        var simulation = Simulation(commands: Simulation.job(500))
        simulation.profile = try #require(FirmwareProfile.named(name))
        simulation.faults = .noisy(seed: UInt64(seed))
        // It takes numbered lines without a checksum: a damaged one can pass, and no host can help that.
        if name == "octoprint" { simulation.faults.toPrinter = FaultPlan.Bytes() }
        let outcome = simulation.run()
        #expect(
            simulation.problem(with: outcome) == nil, "\(name) \(simulation.faults) after \(outcome.simulatedSeconds) s"
        )
    }

    @Test(arguments: FirmwareProfile.all.map(\.name))
    func aLostOkInAThousandCostsNoWait(_ name: String) throws {
        var simulation = Simulation(commands: Simulation.job(3000))
        simulation.profile = try #require(FirmwareProfile.named(name))
        let clean = simulation.run()
        simulation.faults = FaultPlan(seed: 5)
        simulation.faults.lostOk = 0.001
        let outcome = simulation.run()
        #expect(simulation.problem(with: outcome) == nil, "\(name)")
        #expect(outcome.simulatedSeconds < clean.simulatedSeconds + 5, "\(name)")
    }

    @Test func aResetInMidPrintIsAFailureWithAName() {
        var simulation = Simulation(commands: Simulation.job(1000))
        simulation.faults = FaultPlan(seed: 1)
        simulation.faults.resetAfterCommands = 300
        let outcome = simulation.run()
        #expect(outcome.failure == .printerReset)
        #expect(simulation.problem(with: outcome, mayFail: true) == nil)
    }

    @Test func silenceIsAFailureWithAName() {
        var simulation = Simulation(commands: Simulation.job(1000))
        simulation.faults = FaultPlan(seed: 1)
        simulation.faults.silentAfterCommands = 300
        let outcome = simulation.run()
        #expect(outcome.failure == .printerSilent)
        #expect(outcome.simulatedSeconds < 400)
    }
}
