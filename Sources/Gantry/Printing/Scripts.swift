/// Commands that Gantry sends by itself.
public struct Scripts: Sendable, Equatable {
    /// After a job was cancelled or failed: heaters and fan off, motors released. As OctoPrint's default.
    public var cancel = ["M104 S0", "M140 S0", "M107", "M84"]
    /// After feeding stopped for a pause; none by default: where the nozzle goes depends on the printer.
    public var pause: [String] = []
    /// Before feeding goes on.
    public var resume: [String] = []

    /// The defaults.
    public init() {}
}
