import Glibc

/// Reads answers from the terminal: a number and Enter. Only while something is asked, and only where this process is in the
/// foreground: one in the background that reads from its terminal is stopped by it, and the print with it.
struct AnswerKeys {
    private var asked: UInt64?

    /// The number that was typed by now; never waits. `question` is that of what is asked, nil: nothing is.
    mutating func next(question: UInt64?) -> Int? {
        defer { asked = question }
        guard question != nil, isatty(STDIN_FILENO) == 1, tcgetpgrp(STDIN_FILENO) == getpgrp() else { return nil }
        // What was typed before the question does not answer it.
        guard question == asked else {
            tcflush(STDIN_FILENO, TCIFLUSH)
            return nil
        }
        var source = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&source, 1, 0) == 1, source.revents & Int16(POLLIN) != 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        // A terminal hands out whole lines.
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].filter { $0 > 0x20 }, as: UTF8.self))
    }
}
