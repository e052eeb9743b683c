/// Times and limits of a printer's connection. The defaults are right for Prusa's server.
public struct ConnectOptions: Sendable, Hashable {
    /// Time between two telemetry requests. Commands arrive in their answers, so this is how long a command may take
    /// to arrive; the server expects one second.
    public var telemetryInterval: Duration = .seconds(1)
    /// How telemetry slows down while nothing happens; `nil`: it never does. A sleeping printer takes commands late.
    public var telemetrySleep: TelemetrySleep?
    /// What travels when some of the telemetry has changed.
    public var telemetryExtent = TelemetryExtent.everything
    /// Time to reach the server.
    public var connectTimeout: Duration = .seconds(10)
    /// Time of a whole request, from its start to the last byte of the answer.
    public var requestDeadline: Duration = .seconds(10)
    /// Time between two questions for the token while a user enters the code.
    public var registrationInterval: Duration = .seconds(1)
    /// Events that may wait in memory while the server cannot be reached.
    public var waitingEvents = 256
    /// Bytes of events that may wait in memory.
    public var waitingBytes = 1 << 20
    /// Directory in which what waits and what was answered survives a restart and a SIGKILL; made when missing (its
    /// parent must be there), its files are 0600. `nil`: memory only. One process at a time can use it for a printer.
    /// What was found in print files is kept there too, in a folder of at most 16 MiB.
    public var stateDirectory: String?
    /// Events that may wait on disk while the server cannot be reached; each takes some 70 bytes of memory.
    public var storedEvents = 4096
    /// Bytes of events that may wait on disk; the file grows to twice as much at most.
    public var storedBytes = 4 << 20
    /// Longest answer that is read, in bytes.
    public var longestAnswer = 1 << 20

    /// Limits of downloads.
    public var transfers = TransferOptions()

    /// The defaults.
    public init() {}
}
