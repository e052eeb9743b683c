import MarlinLink
import PrusaConnect

extension Telemetry {
    /// Telemetry from what the link knows. X and Y are left out during a job: Connect does not want them then.
    init(snapshot: LinkSnapshot, state: MachineState, job: Job?, now: MonotonicTime) {
        self.init()
        let readings = snapshot.readings
        nozzleTemperature = Self.tenths(readings.hotend.current)
        nozzleTarget = Self.tenths(readings.hotend.target)
        bedTemperature = Self.tenths(readings.bed.current)
        bedTarget = Self.tenths(readings.bed.target)
        if readings.hotendFan >= 0 {
            hotendFan = Int(readings.hotendFan)
            extruderFan = Int(readings.hotendFan)
        }
        if readings.printFan >= 0 { printFan = Int(readings.printFan) }
        z = Self.hundredths(readings.z)
        guard state.hasJob, let job else {
            x = Self.hundredths(readings.x)
            y = Self.hundredths(readings.y)
            return
        }
        let elapsed = job.elapsed(at: now)
        let progress = JobProgress(snapshot: snapshot, size: job.file.size, elapsed: elapsed)
        self.progress = progress.percent
        timePrinting = Int(elapsed)
        timeRemaining = progress.secondsLeft
        if progress.secondsLeft != nil, progress.isEstimate { inaccurateEstimates = true }
    }

    private static func tenths(_ value: Float) -> Double? {
        value.isFinite ? (Double(value) * 10).rounded() / 10 : nil
    }

    private static func hundredths(_ value: Float) -> Double? {
        value.isFinite ? (Double(value) * 100).rounded() / 100 : nil
    }
}
