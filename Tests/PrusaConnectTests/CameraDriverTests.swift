import Foundation
import Glibc
import Testing

@testable import PrusaConnect

private func configuration(_ driver: String, _ settings: [String: String]) -> CameraConfiguration {
    CameraConfiguration(id: CameraID(plainID: "x"), name: "x", driver: driver, settings: settings)
}

@Suite(.timeLimit(.minutes(2))) struct FileCameraTests {
    @Test("An image file, also one that comes later; no pipes, no folders, nothing too large")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("a.jpg")
        let settings = configuration("File", ["path": path])
        let camera = try ImageFileDriver().open(settings)
        #expect(throws: CameraError.system(FileError(operation: "open", path: path, code: ENOENT))) {
            try camera.takePicture(settings)
        }
        let picture = jpeg(String(repeating: "x", count: 100_000))
        try Data(picture).write(to: URL(fileURLWithPath: path))
        #expect(try camera.takePicture(settings) == picture)
        truncate(path, off_t(Picture.longest + 1))
        #expect(throws: CameraError.tooLarge) { try camera.takePicture(settings) }
        mkfifo(directory.file("pipe"), 0o600)
        for other in ["pipe", "."] {
            let settings = configuration("File", ["path": directory.file(other)])
            #expect(throws: CameraError.self) { try ImageFileDriver().open(settings).takePicture(settings) }
        }
        #expect(throws: CameraError.self) { try ImageFileDriver().open(configuration("File", [:])) }
    }
}

@Suite(.timeLimit(.minutes(2))) struct CommandCameraTests {
    private func run(_ words: [String], timeout: Duration = .seconds(20)) throws(CameraError) -> [UInt8] {
        try CommandCamera(words: words, timeout: timeout).takePicture(configuration("Command", [:]))
    }

    @Test(
        "Words of a command",
        arguments: [
            ("", []), ("a", ["a"]), (" a  b\tc ", ["a", "b", "c"]),
            ("'a b' \"c 'd'\" e'f g'h ''", ["a b", "c 'd'", "ef gh", ""]),
            ("a 'b", nil), ("$HOME ; ls `x`", ["$HOME", ";", "ls", "`x`"]),
        ] as [(String, [String]?)])
    func words(_ text: String, _ expected: [String]?) { #expect(CommandDriver.words(text) == expected) }

    @Test("Its output is the picture; it reads nothing and may say what it likes")
    func output() throws {
        let directory = try TemporaryDirectory()
        let picture = jpeg(String(repeating: "x", count: 300_000))
        try Data(picture).write(to: URL(fileURLWithPath: directory.file("a b.jpg")))
        let settings = configuration("Command", ["command": "cat '\(directory.file("a b.jpg"))' -", "timeout": "20"])
        #expect(try CommandDriver().open(settings).takePicture(settings) == picture)
        #expect(try run(["sh", "-c", "echo trouble >&2; cat; echo out"]) == Array("out\n".utf8))
    }

    @Test("What can go wrong has a name")
    func trouble() throws {
        #expect(throws: CameraError.command(status: 3)) { try run(["sh", "-c", "exit 3"]) }
        #expect(throws: CameraError.command(status: 128 + SIGTERM)) { try run(["sh", "-c", "kill -TERM $$"]) }
        #expect(throws: CameraError.system(FileError(operation: "start", path: "no-such-program", code: ENOENT))) {
            try run(["no-such-program"])
        }
        #expect(throws: CameraError.tooLarge) { try run(["cat", "/dev/zero"]) }
        #expect(throws: CameraError.timeout) { try run(["sleep", "1000"], timeout: .milliseconds(50)) }
        for settings in [[:], ["command": ""], ["command": "'"], ["command": "a", "timeout": "0"]] {
            #expect(throws: CameraError.self) { try CommandDriver().open(configuration("Command", settings)) }
        }
    }

    @Test("Nothing of it is left: not the command, not what it has started")
    func killsAll() throws {
        let directory = try TemporaryDirectory()
        let pids = directory.file("pids")
        let script = "echo $$ >> '\(pids)'; sleep 1000 & echo $! >> '\(pids)'; wait"
        #expect(throws: CameraError.timeout) { try run(["sh", "-c", script], timeout: .milliseconds(200)) }
        // It closes its output and stays.
        let closing = "echo x; echo $$ >> '\(pids)'; exec >&-; sleep 1000"
        #expect(throws: CameraError.command(status: 128 + SIGKILL)) { try run(["sh", "-c", closing]) }
        let text = (try? String(contentsOfFile: pids, encoding: .utf8)) ?? ""
        for pid in text.split(separator: "\n").compactMap({ pid_t($0) }) {
            eventually("\(pid) is gone") {
                let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                // A zombie of another parent is gone as well.
                return stat.map { $0.contains(") Z ") } ?? true
            }
        }
        #expect(text.split(separator: "\n").count >= 1)
    }
}
