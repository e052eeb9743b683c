import Foundation
import Glibc
import Testing

/// A run of `EventPoster`, the program that is killed. It lies beside the tests.
final class EventPosterProcess: @unchecked Sendable {
    // @unchecked: Foundation's classes are used by the thread of the test only, the count is in a `Shared` box.
    private let process = Process()
    private let output = Pipe()
    private let lines = Shared(0)

    init(port: UInt16, state: String, count: Int = 100_000, environment: [String: String] = [:]) throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = [own, Bundle.module.bundlePath].map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
        let binary = try #require(
            folders.map { $0.appendingPathComponent("EventPoster") }.first {
                FileManager.default.isExecutableFile(atPath: $0.path)
            })
        process.executableURL = binary
        process.arguments = [String(port), state, String(count)]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        output.fileHandleForReading.readabilityHandler = { [lines] handle in
            let count = handle.availableData.count { $0 == UInt8(ascii: "\n") }
            lines.change { $0 += count }
        }
        try process.run()
    }

    /// A test that failed must not leave it running.
    deinit { kill() }

    /// Events that it says it has posted.
    var posted: Int { lines.value }

    /// SIGKILL: nothing of it runs any more afterwards. Nothing happens the second time.
    func kill() {
        guard process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        output.fileHandleForReading.readabilityHandler = nil
        #expect(process.terminationReason == .uncaughtSignal)
    }
}
