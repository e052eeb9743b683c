/// What the printer is to its user, and the only place where that changes.
///
/// | state | connected | lost | halted | restarting | jobStarted | paused | resumed | finished | stopped | failed | interrupted | setReady | cancelReady |
/// | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
/// | busy | idle | error | error | – | – | – | – | – | – | – | – | – | – |
/// | idle | – | error | error | busy | printing | – | – | – | – | – | paused | ready | – |
/// | ready | – | error | error | busy | printing | – | – | – | – | – | – | – | idle |
/// | printing | – | error | error | stopped | – | paused | – | finished | stopped | stopped | – | – | – |
/// | paused | – | error | error | stopped | – | – | printing | finished | stopped | stopped | – | – | – |
/// | finished | – | error | error | – | printing | – | – | – | – | – | – | ready | – |
/// | stopped | – | error | error | – | printing | – | – | – | – | – | – | ready | – |
/// | error | idle | error | error | busy | – | – | – | – | – | – | – | – | – |
///
/// A restart ends a job. After a job `finished` and `stopped` stay over a restart, so that the user still sees how it
/// ended. A paused job can finish: all of it was at the printer when the pause came.
public enum MachineState: String, Sendable, Equatable, CaseIterable {
    /// The link is being made or the printer starts.
    case busy
    /// Nothing happens.
    case idle
    /// Idle, and somebody said that a print may start.
    case ready
    /// A job runs.
    case printing
    /// A job is paused.
    case paused
    /// A job was executed to its end, and nobody has cleared it away.
    case finished
    /// A job ended early.
    case stopped
    /// The printer cannot be used; the reason stands beside it.
    case error

    /// What can happen to a printer.
    public enum Event: String, Sendable, CaseIterable {
        /// The printer answered and takes commands.
        case connected
        /// The connection is gone.
        case lost
        /// The firmware halted.
        case halted
        /// The printer restarts.
        case restarting
        /// A job was begun.
        case jobStarted
        /// The job was paused.
        case paused
        /// The job goes on.
        case resumed
        /// The job was executed.
        case finished
        /// The job was cancelled.
        case stopped
        /// The job failed, and the printer is well.
        case failed
        /// A print of an earlier life of Gantry was found that can be taken up.
        case interrupted
        /// Somebody said that a print may start.
        case setReady
        /// Somebody took that back.
        case cancelReady
    }

    /// The state after `event`; nil where the event means nothing, and nothing changes.
    public func after(_ event: Event) -> MachineState? {
        switch (self, event) {
        case (.busy, .connected), (.error, .connected): .idle
        case (_, .lost), (_, .halted): .error
        case (.idle, .restarting), (.ready, .restarting), (.error, .restarting): .busy
        case (.printing, .restarting), (.paused, .restarting): .stopped
        case (.idle, .jobStarted), (.ready, .jobStarted), (.finished, .jobStarted), (.stopped, .jobStarted): .printing
        case (.printing, .paused): .paused
        case (.paused, .resumed): .printing
        case (.idle, .interrupted): .paused
        case (.printing, .finished), (.paused, .finished): .finished
        case (.printing, .stopped), (.paused, .stopped), (.printing, .failed), (.paused, .failed): .stopped
        case (.idle, .setReady), (.finished, .setReady), (.stopped, .setReady): .ready
        case (.ready, .cancelReady): .idle
        default: nil
        }
    }

    /// True while a job is under way.
    public var hasJob: Bool { self == .printing || self == .paused }
}
