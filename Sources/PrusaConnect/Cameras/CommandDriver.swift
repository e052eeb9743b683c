import Glibc

/// Cameras that are a command with a JPEG on its standard output, for example `rpicam-jpeg -n -o -`.
///
/// Settings: `command`, its words separated by spaces, with `'…'` or `"…"` around those that contain spaces; no shell
/// reads it. `timeout`, seconds that it may take, 15 when missing, 60 at most.
public struct CommandDriver: CameraDriver {
    /// `Command`.
    public let name = "Command"
    /// `command`.
    public let requiredSettings: Set<String>? = ["command"]

    /// A driver without settings of its own.
    public init() {}

    /// A camera whose pictures are the output of setting `command`.
    public func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera {
        guard let words = Self.words(configuration.settings["command"] ?? ""), !words.isEmpty else {
            throw .setting("command", expected: "a command that writes a JPEG to its standard output")
        }
        var timeout = 15
        if let text = configuration.settings["timeout"], !text.isEmpty {
            guard let seconds = Int(text), (1...60).contains(seconds) else {
                throw .setting("timeout", expected: "seconds from 1 to 60")
            }
            timeout = seconds
        }
        return CommandCamera(words: words, timeout: .seconds(timeout))
    }

    /// The words of a command; `nil` when a quotation mark is not closed or there is a NUL.
    static func words(_ text: String) -> [String]? {
        var words: [String] = []
        var word: [UInt8]?
        var quote: UInt8?
        for byte in text.utf8 {
            if let open = quote {
                if byte == open { quote = nil } else { word?.append(byte) }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
                word = word ?? []
            } else if isSpace(byte) {
                if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
                word = nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
        return quote == nil && !text.utf8.contains(0) ? words : nil
    }
}

struct CommandCamera: Camera {
    let words: [String]
    let timeout: Duration
    let capabilities: Set<CameraCapability> = []
    let resolutions: [CameraResolution] = []

    func takePicture(_ configuration: CameraConfiguration) throws(CameraError) -> [UInt8] {
        let (process, output) = try start()
        defer { close(output) }
        let result: Result<[UInt8], CameraError>
        do throws(CameraError) { result = .success(try readAll(output)) } catch { result = .failure(error) }
        // Whoever has closed its output and lives on is not waited for either: the whole group goes.
        let status = end(process, isDone: (try? result.get()) != nil)
        let bytes = try result.get()
        guard status == 0 else { throw .command(status: status) }
        return bytes
    }

    /// Starts the command in a process group of its own, with nothing to read and its complaints thrown away.
    private func start() throws(CameraError) -> (process: pid_t, output: Int32) {
        var pipes: [Int32] = [-1, -1]
        guard pipe(&pipes) == 0 else { throw failure("start", errno) }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(pipes[0], F_SETFL, O_NONBLOCK)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The application may block or ignore signals that the command needs.
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process: pid_t = 0
        let error = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, environ)
        close(pipes[1])
        guard error == 0 else {
            close(pipes[0])
            throw failure("start", error)
        }
        return (process, pipes[0])
    }

    private func readAll(_ output: Int32) throws(CameraError) -> [UInt8] {
        let deadline = ConnectClock.system.monotonic() + timeout
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(output, &piece, piece.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += piece[..<count]
                guard bytes.count <= Picture.longest else { throw .tooLarge }
            } else if errno != EINTR, errno != EAGAIN {
                throw failure("read from", errno)
            }
            let left = (deadline - ConnectClock.system.monotonic()).millisecondsRoundedUp
            guard left > 0 else { throw .timeout }
            if count < 0 {
                var wait = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                poll(&wait, 1, Int32(left))
            }
        }
    }

    /// Collects the process; kills it first unless it has closed its output and ends within a second (0 to 255: its
    /// exit status).
    private func end(_ process: pid_t, isDone: Bool) -> Int32 {
        let patience = ConnectClock.system.monotonic() + .seconds(isDone ? 1 : 0)
        var info = siginfo_t()
        // Only looks: while the process is not collected, nobody else can get its number.
        while waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == 0,
            ConnectClock.system.monotonic() < patience
        {
            usleep(2000)
        }
        // It, if it is still there, and what it has started.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // Exit status, or 128 and the signal as shells count.
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    private func failure(_ operation: String, _ code: Int32) -> CameraError {
        .system(FileError(operation: operation, path: words[0], code: code))
    }
}
