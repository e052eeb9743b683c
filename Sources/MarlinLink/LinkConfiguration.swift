import GCodeStream

/// How to reach a printer.
public struct LinkConfiguration: Sendable {
    /// Path of the serial port, `/dev/ttyUSB0` for example.
    public var port: String

    /// Baud rate in bits a second; 115200 for Prusa and most others, 250000 for many Marlin boards.
    public var baud: UInt32

    /// The engine's settings. The window and the meaning of `!!` come from the printer's dialect once that is known.
    public var stream = StreamSettings()

    /// What holds whatever the table of dialects says.
    public var firmware = FirmwareOverrides()

    /// How long a printer may take to answer after the port was opened, in nanoseconds. An MK3S needs 9 s from its
    /// reset.
    public var greetingLimit: UInt64 = 30_000_000_000

    /// How often temperatures are asked for where firmware does not report them by itself, in nanoseconds.
    public var pollInterval: UInt64 = 2_000_000_000

    /// Whether the stream thread asks for a real-time priority (SCHED_FIFO, the lowest) and the process for its memory to stay in
    /// RAM. Where that is not permitted the print goes on without.
    public var isRealTime = true

    /// Whether lines are packed (MeatPack) where the printer reads that: more lines a second over the same wire, and a weaker
    /// guard against a disturbed one, see `Packing`.
    public var meatPack = false

    /// A configuration with the defaults of Marlin.
    public init(port: String, baud: UInt32 = 115_200) {
        self.port = port
        self.baud = baud
        // After a Resend: a full window's time on the wire, and twice 16 ms that USB adapters hold bytes back.
        stream.settleTime = 32_000_000 + UInt64(stream.windowBytes) * 10 * 1_000_000_000 / UInt64(max(baud, 1200))
    }

    /// The engine's settings for a printer of that dialect.
    func stream(for dialect: FirmwareDialect) -> StreamSettings {
        var result = stream
        result.windowLines = dialect.windowLines
        result.windowBytes = dialect.windowBytes
        result.alarm = dialect.alarm
        // After a Resend a larger window takes longer to come in.
        let more = UInt64(max(dialect.windowBytes - stream.windowBytes, 0))
        result.settleTime += more * 10 * 1_000_000_000 / UInt64(max(baud, 1200))
        return result
    }
}
