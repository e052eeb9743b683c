/// What a printer has taken of a job that another process began.
public enum Continuation: Sendable, Equatable, BitwiseCopyable {
    /// There was no such job.
    case none
    /// Exactly these commands of the job: a print that goes on behind them does nothing twice and leaves nothing out.
    case commands(UInt64)
    /// The printer restarted: it knows neither its position nor its temperatures any more.
    case printerRestarted
    /// It does not say, or names a line that nobody noted.
    case unknown
}
