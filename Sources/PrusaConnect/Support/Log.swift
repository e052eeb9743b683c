/// How much a log line matters.
public enum LogLevel: String, Sendable, Hashable, Comparable, CaseIterable {
    /// Each request and answer.
    case debug
    /// Normal events worth knowing: connected, registered.
    case info
    /// Something failed and will be tried again or was refused.
    case warning
    /// Something is lost.
    case error

    /// By importance.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
    }
}

/// Takes the library's log lines, so that it needs no logging package. Called from any of the library's threads and
/// from threads that call ``Printer``; it must not block for long. Lines never contain a token or an API key.
public typealias PrinterLog = @Sendable (_ level: LogLevel, _ message: String) -> Void
