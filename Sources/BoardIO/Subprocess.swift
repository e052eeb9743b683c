import Glibc

/// Runs a program to its end, or to the end of its time.
enum Subprocess {
    /// What a program that ended left.
    struct Ended: Equatable {
        /// Its exit status; 128 and the signal that killed it, as shells count.
        let status: Int32
        /// The beginning of what it wrote to its standard output and error.
        let output: String
    }

    /// Why there is no end to speak of.
    enum Failure: Error, Equatable {
        /// It could not be started; an errno. ENOENT: there is no such program.
        case notStarted(code: Int32)
        /// It was killed when its time was over.
        case tookTooLong
    }

    private static let longestOutput = 4096
    /// POSIX_SPAWN_SETSID of <spawn.h>, which Swift does not see as it is GNU's own.
    private static let setsid: Int16 = 0x80

    /// - Parameters:
    ///   - words: the program, looked up on PATH when it is a name without a slash, and its arguments.
    ///   - limit: nanoseconds that it has.
    static func run(_ words: [String], limit: UInt64) throws(Failure) -> Ended {
        let deadline = MonotonicClock.nanoseconds &+ limit
        let (process, output) = try start(words)
        defer { close(output) }
        let text = collect(output, until: deadline)
        let isDone = text != nil && hasEnded(process, by: deadline)
        // It, if it is still there, and what it has started. Not collected yet, its number cannot be somebody else's.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard isDone, let text else { throw .tookTooLong }
        return Ended(status: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, output: text)
    }

    /// Starts it with nothing to read, in a session of its own: whatever asks for a password finds no terminal.
    private static func start(_ words: [String]) throws(Failure) -> (process: pid_t, output: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .notStarted(code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // This process may block or ignore signals that the program needs.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, setsid | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process: pid_t = 0
        let error = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, environ)
        guard error == 0 else {
            close(ends[0])
            throw .notStarted(code: error)
        }
        return (process, ends[0])
    }

    /// Everything until the other end is closed; nil when that takes longer. Only the beginning is kept.
    private static func collect(_ output: Int32, until deadline: UInt64) -> String? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(output, &piece, piece.count)
            if count > 0 { bytes += piece[..<count].prefix(longestOutput - bytes.count) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            if count < 0, errno != EINTR, errno != EAGAIN { return nil }
            let now = MonotonicClock.nanoseconds
            guard now < deadline else { return nil }
            guard count < 0 else { continue }
            var item = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            poll(&item, 1, Int32(clamping: (deadline - now + 999_999) / 1_000_000))
        }
    }

    /// Who has closed its output is about to end.
    private static func hasEnded(_ process: pid_t, by deadline: UInt64) -> Bool {
        var info = siginfo_t()
        while waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == 0 {
            guard MonotonicClock.nanoseconds < deadline else { return false }
            usleep(2000)
        }
        return true
    }
}
