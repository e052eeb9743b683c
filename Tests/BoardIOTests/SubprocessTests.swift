import Foundation
import Glibc
import Testing

@testable import BoardIO

@Suite struct SubprocessTests {
    private static let patience: UInt64 = 60_000_000_000

    private func shell(_ script: String, limit: UInt64 = patience) throws -> Subprocess.Ended {
        try Subprocess.run(["sh", "-c", script], limit: limit)
    }

    @Test func statusAndBothOutputsAreTold() throws {
        #expect(try shell("echo out; echo bad >&2; exit 3") == .init(status: 3, output: "out\nbad\n"))
        #expect(try shell("exit 0") == .init(status: 0, output: ""))
        #expect(try shell("kill -TERM $$") == .init(status: 128 + SIGTERM, output: ""))
    }

    @Test func thereIsNothingToReadAndNoTerminal() throws {
        #expect(try shell("cat; (: </dev/tty) 2>/dev/null || echo none") == .init(status: 0, output: "none\n"))
    }

    @Test func ofMuchOutputTheBeginningIsKept() throws {
        let ended = try shell("echo first; i=0; while [ $i -lt 9000 ]; do echo 0123456789; i=$((i+1)); done")
        #expect(ended.status == 0)
        #expect(ended.output.hasPrefix("first\n0123456789\n"))
        #expect(ended.output.utf8.count == 4096)
    }

    @Test func whatIsNotThereIsAnError() {
        for name in ["no-such-program-4711", "/nowhere/udisksctl"] {
            #expect(throws: Subprocess.Failure.notStarted(code: ENOENT)) {
                _ = try Subprocess.run([name], limit: Self.patience)
            }
        }
        #expect(throws: Subprocess.Failure.notStarted(code: EACCES)) {
            _ = try Subprocess.run(["/etc/passwd"], limit: Self.patience)
        }
    }

    /// It hangs, or closes its output and hangs, or leaves behind a child that holds the output.
    @Test(arguments: ["sleep 1000", "exec >&- 2>&-; sleep 1000", "sleep 1000 & exit 0"])
    func whoTakesTooLongIsEndedWithAllItStarted(_ script: String) throws {
        let folder = try TemporaryDirectory()
        let numbers = folder.file("numbers")
        #expect(throws: Subprocess.Failure.tookTooLong) {
            _ = try shell("echo $$ >'\(numbers)'; \(script)", limit: 300_000_000)
        }
        // The session's number is the process's: nobody of it is left.
        let number = try #require(
            pid_t(try String(contentsOfFile: numbers, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(kill(number, 0) == -1 && errno == ESRCH)
        var members = kill(-number, 0)
        // What it had started is init's to collect.
        for _ in 0..<500 where members == 0 {
            usleep(10_000)
            members = kill(-number, 0)
        }
        #expect(members == -1)
    }
}
