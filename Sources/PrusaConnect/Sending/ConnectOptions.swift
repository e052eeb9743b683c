/// Times and limits of a printer's connection. The defaults are right for Prusa's server.
public struct ConnectOptions: Sendable, Hashable {
    /// Time between two telemetry requests. Commands arrive in their answers, so this is how long a command may take
    /// to arrive; the server expects one second.
    public var telemetryInterval: Duration = .seconds(1)
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
    /// Longest answer that is read, in bytes.
    public var longestAnswer = 1 << 20

    /// Limits of downloads.
    public var transfers = TransferOptions()

    /// The defaults.
    public init() {}
}
