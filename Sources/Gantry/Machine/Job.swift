import MarlinLink

/// The job under way, or the last one.
public struct Job: Sendable {
    /// Its number; higher than those before, after a restart too.
    public let id: UInt64
    /// The file; opened anew when its medium went and came back, closed at the job's end.
    public internal(set) var file: JobFile
    /// Its path as Connect knows it, `/local/box.gcode`.
    public let path: String
    /// The command of Connect that started it.
    public let startCommand: UInt64?

    private var running: MonotonicTime?
    private var before: Double = 0

    init(id: UInt64, file: JobFile, path: String, startCommand: UInt64?, now: MonotonicTime) {
        self.id = id
        self.file = file
        self.path = path
        self.startCommand = startCommand
        running = now
    }

    /// A job that was interrupted after `seconds` of printing and waits to be taken up.
    init(id: UInt64, file: JobFile, path: String, interruptedAfter seconds: Double) {
        self.id = id
        self.file = file
        self.path = path
        startCommand = nil
        before = seconds
    }

    /// Seconds of printing at `now`, pauses not counted.
    public func elapsed(at now: MonotonicTime) -> Double {
        before + (running.map { now.seconds(since: $0) } ?? 0)
    }

    mutating func stopClock(at now: MonotonicTime) {
        before = elapsed(at: now)
        running = nil
    }

    mutating func startClock(at now: MonotonicTime) {
        if running == nil { running = now }
    }
}
