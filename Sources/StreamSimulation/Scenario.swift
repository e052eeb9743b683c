import GCodeStream
import Simulators

/// Everything that one simulated print is made of. Two runs of the same scenario are the same, byte for byte.
public struct Scenario: Sendable {
    /// What a user or the owner of the engine does.
    public enum Action: Sendable, Equatable {
        case pause, resume
        /// Ends the job; the next one of the scenario begins at once.
        case cancel
        case submit(String)
        case interruptHeating
        /// The scenario ends with it, unless there is another job: then the printer is reset and synchronised first.
        case emergencyStop
    }

    /// An action and when it is taken, in nanoseconds from the beginning.
    public struct TimedAction: Sendable, Equatable {
        /// When.
        public var time: UInt64
        /// What.
        public var action: Action

        /// `action` at `time`.
        public init(_ action: Action, at time: UInt64) {
            self.time = time
            self.action = action
        }
    }

    /// The seed that it was made of, for its own description only.
    public var seed: UInt64?
    /// The printer.
    public var profile = FirmwareProfile.marlin2
    /// Bits per second.
    public var baud: UInt32 = 115_200
    /// How long each move takes, in nanoseconds.
    public var moveTime: UInt64 = 2_000_000
    /// The engine's settings.
    public var settings = StreamSettings()
    /// How lines are written; the printer has to read it.
    public var packing = Packing.none
    /// What goes wrong on the line and in the printer.
    public var faults = FaultPlan.none
    /// How bytes travel between engine and printer.
    public var wire = SimulatedWire.Habits()
    /// Jobs, one after the other; another one than the first is begun where one was cancelled or failed, or ended well.
    public var jobs: [[String]]
    /// In the order of their times.
    public var actions: [TimedAction] = []
    /// When byte and `ok` faults end, in nanoseconds from the beginning.
    public var faultsEnd: UInt64?
    /// Failures that this scenario may end a job with.
    public var mayFailWith: @Sendable (StreamFailure) -> Bool = { _ in false }

    /// One job on Marlin 2.1.2 without faults.
    public init(job: [String]) { jobs = [job] }

    /// One job of short moves with a few settings between them, always the same.
    public static func moves(_ count: Int) -> Scenario {
        var random = SplitMix64(seed: 1)
        return Scenario(job: JobMaker(.moves).commands(count, job: 0, random: &random))
    }

    /// Commands of all jobs.
    public var lines: Int { jobs.reduce(0) { $0 + $1.count } }
}

extension Scenario: CustomStringConvertible {
    /// One line for people: firmware, wire, faults, actions.
    public var description: String {
        var words = seed.map { ["seed \($0):"] } ?? []
        let counts = jobs.map { "\($0.count)" }.joined(separator: "+")
        words.append("\(profile.name) at \(baud) baud,")
        if packing != .none { words.append("\(packing),") }
        words.append("window \(settings.windowLines) lines \(settings.windowBytes) bytes,")
        words.append("moves of \(moveTime / 1000) us, jobs of \(counts) commands,")
        words.append("\(wire),")
        words.append("faults \(faults)")
        if let faultsEnd { words.append("until \(seconds(faultsEnd)) s") }
        for timed in actions { words.append("; \(timed.action) at \(seconds(timed.time)) s") }
        return words.joined(separator: " ")
    }
}

extension Packing {
    /// A job's command as the printer gets it: some packings leave blanks out of moves.
    func asReceived(_ command: String) -> String {
        guard self == .withoutBlanks || self == .noSpaces, ["G0 ", "G1 ", "G2 ", "G3 "].contains(command.prefix(3))
        else { return command }
        let words = command.split(separator: " ")
        return words.dropFirst().reduce(String(words[0])) { text, word in
            self == .withoutBlanks && word.hasPrefix("E") ? "\(text) \(word)" : text + word
        }
    }
}

/// Nanoseconds as seconds with three decimals.
func seconds(_ nanoseconds: UInt64) -> String {
    let milliseconds = nanoseconds / 1_000_000
    let rest = String(milliseconds % 1000)
    return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
}
