import MarlinLink

/// How much filament a job has extruded: what a motion sensor's patience is measured by. Reads the job's file once more,
/// on a thread of its own: a slow stick delays nobody.
final class ExtrusionMeter: Sendable {
    private let questions = Mailbox<UInt64?>()

    /// `onLength` is called on the meter's thread with the net extruded length in millimetres. Nil when there is no thread
    /// for it.
    init?(file: JobFile, onLength: @escaping @Sendable (Double) -> Void) {
        let started = startThread { [questions] in
            let replay = JobReplay(file: file)
            while true {
                let asked = questions.take(until: .now + 60)
                if asked.contains(nil) { return }
                // Where several wait only the last is of interest. What cannot be read counts nothing: the print itself
                // will fail on it.
                guard let commands = asked.last ?? nil, let state = try? replay.state(after: commands) else { continue }
                onLength(state.extruded)
            }
        }
        guard started else { return nil }
    }

    deinit { questions.post(nil) }

    /// Asks what the job's first `commands` commands have extruded.
    func ask(after commands: UInt64) { questions.post(commands) }
}
