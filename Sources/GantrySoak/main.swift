// gantry-soak: the engine against simulated printers, seed after seed, as fast as the processor goes.
import GCodeStream
import Glibc
import StreamSimulation
import Synchronization

/// Seconds since some moment.
func clockSeconds(_ clock: clockid_t = CLOCK_MONOTONIC) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What all threads have done together.
struct Totals: Sendable {
    var runs = 0
    var lines = 0
    var finished = 0
    var failed = 0
    var faults = 0
    var unnumbered = 0
    var passedDamage = 0
    var simulatedSeconds = 0.0
    var failures: [(seed: UInt64, what: String)] = []

    mutating func add(_ outcome: Simulation.Outcome, seed: UInt64) {
        runs += 1
        lines += outcome.executed
        finished += outcome.finishedJobs
        failed += outcome.failures.count
        faults += outcome.printer.faults
        unnumbered += outcome.printer.unnumberedCommands
        if outcome.hasPassedDamage { passedDamage += 1 }
        simulatedSeconds += Double(outcome.duration) / 1e9
        if let violation = outcome.violation { failures.append((seed, violation)) }
    }
}

/// What the threads share.
final class Tally: Sendable {
    let next = Atomic<UInt64>(0)
    let totals = Mutex(Totals())
}

func runOne(_ seed: UInt64, trace: Bool) -> Bool {
    print(Simulation.description(seed: seed))
    let outcome = Simulation.run(seed: seed, trace: trace)
    print("\(outcome.executed) commands executed, \(outcome.finishedJobs) jobs finished, failures \(outcome.failures)")
    print("\(outcome.counters)")
    print("\(outcome.printer)")
    print(outcome.violation.map { "VIOLATION: \($0)" } ?? "everything held")
    return outcome.violation == nil
}

func soak(_ options: SoakOptions) async -> Bool {
    let began = clockSeconds()
    let first = options.first ?? (options.seconds == nil ? 1 : UInt64(clockSeconds(CLOCK_REALTIME)) * 1_000_000)
    let tally = Tally()
    let jobs = options.jobs > 0 ? options.jobs : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    await withTaskGroup { group in
        for _ in 0..<jobs {
            group.addTask {
                while true {
                    let index = tally.next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if let seconds = options.seconds {
                        if clockSeconds() - began > Double(seconds) { return }
                    } else if index >= options.seeds {
                        return
                    }
                    let seed = first &+ index
                    let outcome = Simulation.run(seed: seed)
                    let isEnough = tally.totals.withLock { totals in
                        totals.add(outcome, seed: seed)
                        return totals.failures.count >= options.violations
                    }
                    if isEnough { return }
                }
            }
        }
    }
    let took = clockSeconds() - began
    return tally.totals.withLock { totals in
        for failure in totals.failures {
            print("seed \(failure.seed): \(failure.what)")
            print("    again: swift run -c release gantry-soak --seed \(failure.seed) --trace")
        }
        print(
            "\(totals.runs) seeds from \(first) on \(jobs) threads in \(Int(took)) s: \(totals.lines) lines printed "
                + "(\(Int(Double(totals.lines) / took * 60)) a minute, "
                + "\(Int(Double(totals.lines) / clockSeconds(CLOCK_PROCESS_CPUTIME_ID) * 60)) a minute of one processor), "
                + "\(totals.faults) faults, \(totals.unnumbered) commands without a number executed, "
                + "\(totals.passedDamage) runs ended by damage that the checksum does not show, "
                + "\(Int(totals.simulatedSeconds / 3600)) h simulated, \(totals.finished) jobs finished, "
                + "\(totals.failed) ended with a reason, \(totals.failures.count) violations; "
                + "the engine has \(MemoryLayout<StreamEngine>.size) bytes")
        return totals.failures.isEmpty
    }
}

do throws(SoakError) {
    let options = try SoakOptions(Array(CommandLine.arguments.dropFirst()))
    if options.wantsHelp {
        print(SoakOptions.help)
    } else if let seed = options.seed {
        guard runOne(seed, trace: options.traces || getenv("GANTRY_TRACE") != nil) else { exit(1) }
    } else {
        guard await soak(options) else { exit(1) }
    }
} catch {
    print("gantry-soak: \(error)")
    exit(2)
}
