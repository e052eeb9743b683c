import Foundation
import Glibc
import Testing

/// A run of the built `gantry` with pipes on its streams.
final class GantryProcess: Sendable {
    private let process: pid_t
    private let input: Int32
    private let output = Shared<[UInt8]>([])
    private let errors = Shared<[UInt8]>([])
    private let status = Shared<Int32?>(nil)
    private let openStreams = Shared(2)

    /// One start at a time: a pipe that is not marked yet must not get into somebody else's process.
    private static let starting = NSLock()

    /// Starts `gantry` with `arguments` in `folder`.
    init(_ arguments: [String], in folder: String) throws {
        // posix_spawn has no portable way to change the directory; the shell gives its place to `gantry`.
        let words = try ["sh", "-c", "cd \"$0\" && exec \"$@\"", folder, Self.binary()] + arguments
        let (process, streams) = try Self.starting.withLock {
            let streams = try (Pipe(), Pipe(), Pipe())
            return (try Self.spawn(words, streams.0.reading, streams.1.writing, streams.2.writing), streams)
        }
        self.process = process
        input = streams.0.writing
        collect(streams.1.reading, into: output)
        collect(streams.2.reading, into: errors)
        Thread { [status] in
            var result: Int32 = 0
            while waitpid(process, &result, 0) < 0, errno == EINTR {}
            status.change { $0 = result }
        }.start()
    }

    private static func spawn(
        _ words: [String], _ input: Int32, _ output: Int32, _ errors: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in [input, output, errors].enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var process = pid_t()
        // As a shell or systemd starts it: no signal is blocked, whatever the tests' own threads have.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var nothing = sigset_t()
        sigemptyset(&nothing)
        posix_spawnattr_setsigmask(&attributes, &nothing)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let error = posix_spawn(&process, "/bin/sh", &actions, &attributes, &arguments, environ)
        for descriptor in [input, output, errors] { close(descriptor) }
        try #require(error == 0, "posix_spawn: \(String(cString: strerror(error)))")
        return process
    }

    deinit {
        // A test that failed must not leave it running.
        if status.value == nil { kill(process, SIGKILL) }
        close(input)
    }

    private struct Pipe {
        let reading: Int32
        let writing: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            for end in ends { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
            (reading, writing) = (ends[0], ends[1])
        }
    }

    /// The tests and `gantry` lie in the same folder.
    private static func binary() throws -> String {
        let folder = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .deletingLastPathComponent()
        let path = folder.appendingPathComponent("gantry").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) was not built")
        return path
    }

    private func collect(_ descriptor: Int32, into bytes: Shared<[UInt8]>) {
        Thread { [openStreams] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                bytes.change { $0 += buffer[..<count] }
            }
            close(descriptor)
            openStreams.change { $0 -= 1 }
        }.start()
    }

    /// Everything on standard output so far.
    var standardOutput: String { String(decoding: output.value, as: UTF8.self) }

    /// Everything on standard error so far.
    var standardError: String { String(decoding: errors.value, as: UTF8.self) }

    /// Lines of standard output.
    var lines: [String] { standardOutput.split(separator: "\n").map(String.init) }

    func send(_ signal: Int32) { kill(process, signal) }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(input, bytes, bytes.count)
    }

    var hasEnded: Bool { status.value != nil && openStreams.value == 0 }

    /// Waits for the end; the exit status, or minus the signal that killed it.
    func end(sourceLocation: SourceLocation = #_sourceLocation) async throws -> Int32 {
        try await eventually(
            "it ends; so far: \(standardOutput) \(standardError)", sourceLocation: sourceLocation
        ) { hasEnded }
        let status = try #require(status.value)
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    }
}

/// What a run to its end left.
struct Ended: Sendable {
    let status: Int32
    let output: String
    let errors: String
}

/// Runs `gantry` to its end.
func gantry(
    _ arguments: String..., in folder: String = NSTemporaryDirectory(),
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Ended {
    let process = try GantryProcess(arguments, in: folder)
    let status = try await process.end(sourceLocation: sourceLocation)
    return Ended(status: status, output: process.standardOutput, errors: process.standardError)
}
