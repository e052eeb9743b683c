import Glibc

/// The two output streams, and whether somebody looks at them.
enum Terminal {
    /// A line on standard error.
    static func error(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) }
        write(lines.joined(separator: "\n") + "\n", to: STDERR_FILENO)
    }

    /// A line on standard output, at once.
    static func line(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    /// Text on a descriptor, at once and without a buffer.
    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }

    /// The text with control characters replaced.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    /// True when `descriptor` is a terminal that can redraw a line.
    static func isInteractive(_ descriptor: Int32) -> Bool {
        guard isatty(descriptor) == 1 else { return false }
        guard let kind = getenv("TERM") else { return false }
        return String(cString: kind) != "dumb"
    }

    /// Columns of the terminal; 80 when it does not say.
    static func columns(of descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// One line that is drawn again and again on a terminal, and plain lines now and then elsewhere.
struct StatusLine {
    private let descriptor: Int32
    private var shown = ""
    private var lastKey = ""

    /// True when the line is redrawn in place.
    let isInteractive: Bool

    init(descriptor: Int32) {
        self.descriptor = descriptor
        isInteractive = Terminal.isInteractive(descriptor)
    }

    /// Columns of the terminal now.
    var columns: Int { Terminal.columns(of: descriptor) }

    /// Shows `text` now, cut to the terminal's width; elsewhere than on a terminal only when `key` is another than the
    /// last time.
    mutating func show(_ text: String, key: String) {
        if isInteractive {
            // The last column stays free: a terminal that wraps there would begin a new line.
            let line = String(text.prefix(max(columns - 1, 1)))
            guard line != shown else { return }
            // Written over the old one and then cleared behind, which does not flicker.
            Terminal.write("\r" + line + "\u{1B}[K", to: descriptor)
            shown = line
        } else if key != lastKey {
            Terminal.write(text + "\n", to: descriptor)
            lastKey = key
        }
    }

    /// A line of its own, the status line below it. What the printer says cannot control the terminal.
    mutating func message(_ text: String) {
        let line = Terminal.printable(text)
        if isInteractive, !shown.isEmpty {
            Terminal.write("\r" + line + "\u{1B}[K\n" + shown, to: descriptor)
        } else {
            Terminal.write(line + "\n", to: descriptor)
        }
    }

    /// Leaves the status line standing and goes below it.
    mutating func finish() {
        if isInteractive, !shown.isEmpty { Terminal.write("\n", to: descriptor) }
        shown = ""
    }
}
