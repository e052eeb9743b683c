/// Compares what the printer executes, command by command, with what it was to execute.
struct ExecutionCheck {
    private let jobs: [[String]]
    private var job = 0
    private var position = 0
    /// The last job that was begun.
    var begun = 0
    private var taken = 0
    private var priority: [String: (tag: UInt32, wasExecuted: Bool)] = [:]

    init(jobs: [[String]]) { self.jobs = jobs }

    /// How many commands of jobs were executed.
    private(set) var executed = 0

    /// Jobs that the engine says are finished.
    var finished: [Int] = []

    /// True when all of the last job was executed.
    var isComplete: Bool { job == jobs.count - 1 && position == jobs[job].count }

    mutating func submit(_ command: String, tag: UInt32) { priority[command] = (tag, false) }

    func wasExecuted(_ command: String) -> Bool { priority[command]?.wasExecuted ?? false }

    /// Something that was executed and should not have been.
    struct Problem {
        let text: String
        /// It is no command that was ever sent.
        var isMangled = false
    }

    /// Looks at the commands that came since the last time; what is wrong with them, or nil.
    mutating func check(_ commands: [String]) -> Problem? {
        while taken < commands.count {
            let command = commands[taken]
            taken += 1
            if position < jobs[job].count, jobs[job][position] == command {
                position += 1
                executed += 1
                continue
            }
            if Self.isOwn(command) { continue }
            if let known = priority[command] {
                if known.wasExecuted { return Problem(text: "executed the priority command \"\(command)\" twice") }
                priority[command]?.wasExecuted = true
                continue
            }
            if job < begun, let next = (job + 1...begun).first(where: { jobs[$0].first == command }) {
                if finished.contains(job), position < jobs[job].count {
                    return Problem(text: "left out the end: \(progress)")
                }
                job = next
                position = 1
                executed += 1
                continue
            }
            let expected = position < jobs[job].count ? "\"\(jobs[job][position])\"" : "nothing"
            return Problem(
                text: "executed \"\(command)\" where command \(position) of job \(job) was due: \(expected)",
                isMangled: !jobs.contains { $0.contains(command) })
        }
        return nil
    }

    /// How far the printer is with job `number`, nil when it has executed all of it.
    func missing(_ number: Int) -> String? { job == number && position == jobs[number].count ? nil : progress }

    var progress: String { "\(position) of \(jobs[job].count) commands of job \(job)" }

    /// The engine's own commands; those of jobs are spelt otherwise.
    private static func isOwn(_ command: String) -> Bool {
        command == "M400" || command == "M105" || command.hasPrefix("M110")
    }
}
