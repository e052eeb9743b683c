/// Sizes that the firmware or the engine's fixed buffers set.
public enum Limits {
    /// The longest line, without its line break, that every firmware takes whole: Marlin's `MAX_CMD_SIZE` is 96
    /// with the closing NUL. Marlin cuts what is longer, the MK3S splits it into several commands.
    public static let lineLength = 95

    /// The largest line number the engine uses. Firmware counts in a signed 32-bit number and goes wrong at 2^31.
    public static let lineNumber: UInt32 = 2_000_000_000

    /// How many sent lines are kept for a Resend. Far more than the largest window: after surplus oks the printer
    /// may ask for a line that was believed acknowledged.
    package static let history = 64

    /// How many lines may go without proof that the printer has them before the engine asks for it.
    package static let linesBetweenChecks: UInt32 = 100

    /// How many commands the priority lane holds.
    public static let priorityLane = 32

    /// The largest window in lines that settings or a printer's `B` value can reach.
    public static let windowLines = 16

    /// Unacknowledged entries: the window and probes on top.
    static let unacknowledged = 32

    /// Bytes that a probe may be beyond the window. Behind the line being executed the window never fills more than the
    /// receive buffer, and the command queue has taken some of that: the longest probe fits in any case.
    public static let probeAllowance = 24

    /// The same where lines are packed: what switches packing on again goes with it.
    package static let packedProbeAllowance = 30

    /// Bytes that `StreamEngine.interruptHeating` and `answerPrompt` may be beyond that.
    package static let interruptAllowance = 24

    /// The most bytes that one line takes on the wire, with what may have to go around it where lines are packed. Less than
    /// the smallest receive buffer.
    static let longestOnWire = lineLength + 1 + 6 + MeatPack.beginning

    /// Bytes composed and not yet written to the port.
    static let output = 512

    /// The longest reply kept whole; the M115 identification is the longest that firmware sends.
    static let reply = 384

    /// Reports that wait for the owner.
    static let reports = 32
}
