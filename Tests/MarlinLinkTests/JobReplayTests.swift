import Foundation
import GCodeStream
import Testing

@testable import MarlinLink

/// The state of a job read from its file.
@Suite struct JobReplayTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static let gcode = """
        ; a comment
        N1 G28*18
        M110 N5
        N7
        M104 S215 ; hot
        ;LAYER_CHANGE
        G1 X10 Y20 F3000

        G1 X11 E1
        ;LAYER_CHANGE
        G1 Z0.4
        """

    @Test func countsWhatTheEngineCounts() throws {
        let file = try JobFile(path: folder.write(Array(Self.gcode.utf8), to: "a.gcode"))
        let replay = JobReplay(file: file)
        #expect(try replay.state(after: 0) == JobState())
        #expect(try replay.state(after: 1).hotend == nil)
        #expect(try replay.state(after: 2).hotend == 215)
        let third = try replay.state(after: 3)
        #expect(third.x == 10)
        #expect(third.e == 0)
        #expect(third.layer == 1)
        #expect(replay.commands == 3)
        #expect(try replay.state(after: 5).z == 0.4)
        #expect(try replay.state(after: 5).layer == 2)
        // There is no more.
        #expect(try replay.state(after: 500).x == 11)
        #expect(replay.commands == 5)
    }

    @Test func goesBackByBeginningAnew() throws {
        let file = try JobFile(path: folder.write(Array(Self.gcode.utf8), to: "a.gcode"))
        let replay = JobReplay(file: file)
        _ = try replay.state(after: 5)
        let second = try replay.state(after: 2)
        #expect(second.x == nil)
        #expect(second.hotend == 215)
        #expect(replay.commands == 2)
    }

    @Test func stepsAndLeapsMeet() throws {
        var text = ""
        for index in 0..<20_000 { text += "G1 X\(index % 200) Y\(index % 7) E0.01\n" }
        let file = try JobFile(path: folder.write(Array("M83\n\(text)".utf8), to: "long.gcode"))
        let steps = JobReplay(file: file)
        for count in stride(from: UInt64(0), through: 20_001, by: 377) {
            let stepped = try steps.state(after: count)
            if count % 13 == 0 { #expect(try JobReplay(file: file).state(after: count) == stepped) }
        }
    }

    @Test func binaryGCodeAsItsText() throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../BinaryGCodeTests/Fixtures")
        func file(_ name: String) throws -> JobFile { try JobFile(path: fixtures.appending(path: name).path) }
        let binary = JobReplay(file: try file("libbgcode-Heatshrink_12_4-none.bgcode"))
        let text = JobReplay(file: try file("commands.gcode"))
        for count: UInt64 in [1, 50, 999, 1000, 100_000] {
            #expect(try binary.state(after: count) == text.state(after: count))
        }
        #expect(binary.commands == binary.file.commands)
        #expect(binary.state.extruded != 0)
    }

    @Test func aFileThatWasCutSaysSo() throws {
        let text = [String](repeating: "G1 X1\n", count: 50_000).joined()
        let path = try folder.write(Array(text.utf8), to: "cut.gcode")
        let file = try JobFile(path: path)
        truncate(path, 100)
        #expect(throws: JobFileError.cut(path: path, expected: UInt64(text.utf8.count), found: 100)) {
            try JobReplay(file: file).state(after: 40_000)
        }
    }

    /// What the link counted and what the replay counts are the same commands.
    @Test func countsAsTheLinkDoes() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        try await rig.print(Array(Self.gcode.utf8))
        let file = try JobFile(path: folder.write(Array(Self.gcode.utf8), to: "a.gcode"))
        let replay = JobReplay(file: file)
        _ = try replay.state(after: 1000)
        #expect(rig.link.snapshot.jobCommands == replay.commands)
    }
}
