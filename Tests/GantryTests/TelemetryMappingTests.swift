import MarlinLink
import PrusaConnect
import Testing

@testable import Gantry

@Suite struct TelemetryMappingTests {
    private let now = MonotonicTime(nanoseconds: 100_000_000_000)

    private func job() throws -> Job {
        let folder = try TemporaryDirectory()
        let file = try JobFile(path: folder.write(String(repeating: "G1 X1\n", count: 100), to: "a.gcode"))
        return Job(id: 7, file: file, path: "/local/a.gcode", startCommand: 3, now: now)
    }

    @Test func nothingKnownSaysNothing() {
        let telemetry = Telemetry(snapshot: LinkSnapshot(), state: .busy, job: nil, now: now)
        #expect(telemetry == Telemetry())
    }

    @Test func readingsAreRounded() {
        var snapshot = LinkSnapshot()
        snapshot.readings.hotend.current = 214.94
        snapshot.readings.hotend.target = 215
        snapshot.readings.bed.current = 59.96
        snapshot.readings.bed.target = 60
        snapshot.readings.x = 10.126
        snapshot.readings.y = -3.004
        snapshot.readings.z = 0.2
        snapshot.readings.hotendFan = 4800
        snapshot.readings.printFan = 0
        let telemetry = Telemetry(snapshot: snapshot, state: .idle, job: nil, now: now)
        #expect(telemetry.nozzleTemperature == 214.9)
        #expect(telemetry.nozzleTarget == 215)
        #expect(telemetry.bedTemperature == 60)
        #expect(telemetry.bedTarget == 60)
        #expect(telemetry.x == 10.13)
        #expect(telemetry.y == -3)
        #expect(telemetry.z == 0.2)
        #expect(telemetry.hotendFan == 4800)
        #expect(telemetry.extruderFan == 4800)
        #expect(telemetry.printFan == 0)
        #expect(telemetry.progress == nil)
        #expect(telemetry.timePrinting == nil)
    }

    @Test func infinityIsNotSent() {
        var snapshot = LinkSnapshot()
        snapshot.readings.hotend.current = .infinity
        snapshot.readings.z = -.infinity
        #expect(Telemetry(snapshot: snapshot, state: .idle, job: nil, now: now) == Telemetry())
    }

    @Test(arguments: MachineState.allCases) func jobFieldsComeWithAJobAndXYWithout(_ state: MachineState) throws {
        var snapshot = LinkSnapshot()
        snapshot.readings.x = 1
        snapshot.readings.y = 2
        snapshot.readings.z = 3
        snapshot.jobOffset = 300
        let telemetry = Telemetry(snapshot: snapshot, state: state, job: try job(), now: now + 30)
        #expect(telemetry.z == 3)
        #expect((telemetry.x == nil) == state.hasJob)
        #expect((telemetry.y == nil) == state.hasJob)
        #expect(telemetry.progress == (state.hasJob ? 50 : nil))
        #expect(telemetry.timePrinting == (state.hasJob ? 30 : nil))
        #expect(telemetry.timeRemaining == (state.hasJob ? 30 : nil))
        #expect(telemetry.inaccurateEstimates == (state.hasJob ? true : nil))
    }

    @Test func theSlicersTimeIsNoGuess() throws {
        var snapshot = LinkSnapshot()
        snapshot.readings.progress = 12
        snapshot.readings.minutesLeft = 90
        let telemetry = Telemetry(snapshot: snapshot, state: .printing, job: try job(), now: now + 754)
        #expect(telemetry.progress == 12)
        #expect(telemetry.timePrinting == 754)
        #expect(telemetry.timeRemaining == 5400)
        #expect(telemetry.inaccurateEstimates == nil)
    }

    @Test func aPauseDoesNotCount() throws {
        var job = try job()
        job.stopClock(at: now + 10)
        #expect(job.elapsed(at: now + 500) == 10)
        job.stopClock(at: now + 600)
        job.startClock(at: now + 1000)
        job.startClock(at: now + 1001)
        #expect(job.elapsed(at: now + 1005) == 15)
    }
}
