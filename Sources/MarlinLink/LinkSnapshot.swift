import GCodeStream

/// What the link is doing.
public enum LinkPhase: UInt8, Sendable, BitwiseCopyable {
    /// Waiting for the printer to answer.
    case greeting
    /// Connected, no job.
    case ready
    /// A job is being streamed.
    case printing
    /// A job is paused.
    case paused
    /// All of a job was sent; the printer finishes its moves.
    case finishing
    /// The firmware halted.
    case halted
    /// The port is closed or lost.
    case down
}

/// The state of a link at one moment; a copy that nobody changes.
public struct LinkSnapshot: Sendable, BitwiseCopyable {
    /// What the link is doing.
    public var phase = LinkPhase.greeting
    /// What the printer told.
    public var readings = PrinterReadings()
    /// Lines handed to the wire, probes and resent ones included.
    public var linesSent: UInt64 = 0
    /// Bytes handed to the wire.
    public var bytesSent: UInt64 = 0
    /// Which of the link's jobs the figures are of: 1 is the first.
    public var job: UInt32 = 0
    /// Commands of the present or last job that were acknowledged.
    public var jobCommands: UInt64 = 0
    /// Commands of that job that were taken from its file; those that were not acknowledged yet are on their way.
    public var jobTaken: UInt64 = 0
    /// Offset in bytes behind the last acknowledged command of the job.
    public var jobOffset: UInt64 = 0
    /// Layer marks passed.
    public var layer: UInt32 = 0
    /// Requests to resend.
    public var resends: UInt64 = 0
    /// Probes sent.
    public var probes: UInt64 = 0
    /// Oks that got lost, as far as noticed.
    public var oksLost: UInt64 = 0
    /// Oks that answered nothing.
    public var oksSurplus: UInt64 = 0
    /// Times the wire had room and the file's thread had no command ready.
    public var starved: UInt64 = 0
    /// The window in lines that is in force.
    public var windowLines: UInt8 = 0
    /// How lines are written on the wire.
    public var packing = Packing.none
    /// Bytes received.
    public var bytesReceived: UInt64 = 0

    /// From the moment that an ok was read to the moment that the next line was written, where one could follow. The time
    /// that the system takes to wake the thread for the ok is not in it.
    public var latency = LatencyHistogram()
    /// The stream thread has a real-time priority (SCHED_FIFO).
    public var isRealTime = false

    /// A link that has not begun.
    public init() {}
}
