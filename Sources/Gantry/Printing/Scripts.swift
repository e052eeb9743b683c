/// Commands that Gantry sends by itself, `[scripts]` in `gantry.ini`.
public struct Scripts: Sendable, Equatable {
    /// Before the first command of a job.
    public var start = Script()
    /// After a job was cancelled or failed: heaters and fan off, motors released. As OctoPrint's default.
    public var cancel = Script(constant: ["M104 S0", "M140 S0", "M107", "M84"])
    /// After feeding stopped for a pause and the printer came to rest; none by default: where the nozzle goes depends on
    /// the printer.
    public var pause = Script()
    /// Before feeding goes on. What a pause has to restore comes behind it by itself.
    public var resume = Script()
    /// After a job was executed.
    public var finished = Script()

    /// The defaults.
    public init() {}
}
