/// What the simulated server does instead of, or before, its proper answer.
public enum ServerFault: Sendable, Equatable {
    /// This status, without looking at the request; `retryAfter` in seconds.
    case status(Int, retryAfter: Int? = nil)
    /// The connection is closed instead of an answer; `afterProcessing` decides whether the request counted.
    case close(afterProcessing: Bool = false)
    /// Bytes that are no HTTP, then the connection is closed.
    case garbage
    /// The proper answer, so many milliseconds late.
    case slow(milliseconds: Int)
    /// The proper answer, one byte every so many milliseconds.
    case trickle(milliseconds: Int)
    /// 307 to this URL.
    case redirect(String)
    /// The proper answer with a Content-Length that is larger than its body, then the connection is closed.
    case truncated
}

/// A request that the server got, and its answer.
public struct ServedRequest: Sendable {
    /// Counts from 1.
    public let number: Int
    /// Counts from 1; requests with the same number shared a connection.
    public let connection: Int
    /// When it was complete, monotonic nanoseconds.
    public let time: UInt64
    /// The request.
    public let request: HTTPRequest
    /// The status it was answered with; 0 when the connection was closed or garbage sent instead.
    public let status: Int
}

/// An event that the server took.
public struct ReceivedEvent: Sendable {
    /// The number of its request.
    public let request: Int
    /// When, monotonic nanoseconds.
    public let time: UInt64
    /// `FINISHED`, `INFO`, …
    public let name: String
    /// The command it answers.
    public let commandID: Int?
    /// The whole body.
    public let body: PlainJSON
}

/// A command and what became of it.
public struct ServerCommand: Sendable {
    /// How far it is.
    public enum Progress: String, Sendable { case queued, delivered, accepted, answered }

    /// The `Command-Id` header.
    public let id: UInt32
    /// Name, or `GCODE`.
    public let name: String
    /// How far it is.
    public internal(set) var progress = Progress.queued
    /// How often it was delivered.
    public internal(set) var deliveries = 0
    /// The event that ended it.
    public internal(set) var answer: ReceivedEvent?

    var response: HTTPResponse
    /// Delivered even while another command is not answered.
    var isUrgent = false
    /// Nothing that comes back can be matched to it.
    var expectsNoAnswer = false
    var deliveredAt: UInt64 = 0
}
