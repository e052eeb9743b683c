import Glibc

/// The two output streams, and whether somebody looks at them.
enum Terminal {
    /// A line on standard error.
    static func error(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

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
    private let interactive: Bool
    private var shown = ""
    private var lastPlain = ""

    init(descriptor: Int32) {
        self.descriptor = descriptor
        interactive = Terminal.isInteractive(descriptor)
    }

    /// True when the line is redrawn in place.
    var isInteractive: Bool { interactive }

    /// Shows `text` now; elsewhere than on a terminal prints `plain` when it differs from the last one.
    mutating func show(_ text: String, plain: String) {
        if interactive {
            let line = String(text.prefix(Terminal.columns(of: descriptor) - 1))
            guard line != shown else { return }
            Terminal.write("\r\u{1B}[K" + line, to: descriptor)
            shown = line
        } else if plain != lastPlain {
            Terminal.write(plain + "\n", to: descriptor)
            lastPlain = plain
        }
    }

    /// A line of its own, the status line below it.
    mutating func message(_ text: String) {
        if interactive, !shown.isEmpty {
            Terminal.write("\r\u{1B}[K" + text + "\n" + shown, to: descriptor)
        } else {
            Terminal.write(text + "\n", to: descriptor)
        }
    }

    /// Leaves the status line standing and goes below it.
    mutating func finish() {
        if interactive, !shown.isEmpty { Terminal.write("\n", to: descriptor) }
        shown = ""
    }
}
