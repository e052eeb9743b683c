/// What the engine needs to know of the printer and the wire.
///
/// Times are in nanoseconds of the same monotonic clock that the engine is given.
public struct StreamSettings: Sendable, Equatable {
    /// Lines that may be unacknowledged, 1 to `Limits.windowLines`. 4 is Marlin's `BUFSIZE`; 1 is plain
    /// stop-and-wait. A printer with ADVANCED_OK replaces it by the queue length that it reports.
    public var windowLines = 4

    /// Bytes that may be unacknowledged, line breaks included. Marlin's receive buffer is 128 bytes of which
    /// 127 can be used; what overflows is lost without a word.
    public var windowBytes = 127

    /// True lets the `B` of ADVANCED_OK set `windowLines`.
    public var followsAdvancedOk = true

    /// How long after a Resend the wire is left quiet, so that lines which were on their way come in and are
    /// refused before the asked one goes out again. Wire time of a full window and the latency of a USB adapter.
    public var settleTime: UInt64 = 40_000_000

    /// How long nothing may be acknowledged before the engine asks with an M105.
    public var probeTime: UInt64 = 500_000_000

    /// How long a `busy` or a temperature of a waiting M109 vouches for the printer. Firmware repeats them every
    /// 2 s unless told otherwise (M113).
    public var busyTime: UInt64 = 2_600_000_000

    /// How long the printer may say nothing at all while something is unacknowledged before the job fails. Firmware
    /// without busy messages is silent for minutes while it levels its bed.
    public var silenceLimit: UInt64 = 300_000_000_000

    /// How long the printer may talk (temperature reports, for example) without answering a command, asking for one or
    /// saying that it is busy, before the job fails. Long enough for a bed levelling without busy messages.
    public var chatterLimit: UInt64 = 900_000_000_000

    /// How often in a row the printer may ask for the same line before the job fails; ten times
    /// as many requests for any lines end it too, when nothing arrives in between.
    public var resendLimit: UInt32 = 20

    /// What the printer means by a line that begins with `!!`.
    public var alarm = Alarm.halted

    /// Meanings of `!!`.
    public enum Alarm: UInt8, Sendable, Equatable, BitwiseCopyable {
        /// The firmware takes no commands until it is reset (Smoothieware, RepRap's convention).
        case halted
        /// A command failed: the print ends, and the printer listens as before (Klipper).
        case commandFailed
    }

    /// Settings for Marlin's defaults.
    public init() {}
}
