import Glibc

/// Runs a program and gives what it wrote to its standard output. Its standard error is ours.
///
/// - Throws: `BenchError` when it does not start, does not end within `seconds` (it is killed then), or fails.
func output(of arguments: [String], seconds: Int) throws(BenchError) -> String {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw BenchError("Cannot make a pipe", errno: errno) }
    defer { close(ends[0]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }

    let process: pid_t
    do throws(BenchError) {
        process = try spawn(arguments, standardOutput: ends[1])
    } catch {
        close(ends[1])
        throw error
    }
    close(ends[1])

    let text = readAll(ends[0], seconds: seconds)
    if text == nil { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    guard let text else { throw BenchError("\(arguments.joined(separator: " ")) took more than \(seconds) s") }
    guard status == 0 else { throw BenchError("\(arguments.joined(separator: " ")) failed (wait status \(status))") }
    return text
}

/// Starts a program.
func spawn(_ arguments: [String], standardOutput: Int32) throws(BenchError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, standardOutput, STDOUT_FILENO)

    let copies = arguments.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var process: pid_t = 0
    let error = posix_spawnp(&process, arguments[0], &actions, nil, copies + [nil], environ)
    guard error == 0 else { throw BenchError("Cannot start \(arguments[0])", errno: error) }
    return process
}

/// Everything until the other end closes; nil when that takes longer.
private func readAll(_ descriptor: Int32, seconds: Int) -> String? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    let deadline = monotonicSeconds() + Double(seconds)
    while true {
        let left = deadline - monotonicSeconds()
        guard left > 0 else { return nil }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, Int32(left * 1000) + 1) != 0 else { return nil }
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}

private func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// The system's text for an errno.
func errorText(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
