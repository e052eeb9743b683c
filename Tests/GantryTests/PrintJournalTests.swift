import Foundation
import MarlinLink
import PrusaConnect
import Testing

@testable import Gantry

/// What is kept of a print for the case that its process dies.
@Suite struct PrintJournalTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        try folder.makeFolder("run")
    }

    private func open(onProblem: @escaping @Sendable (String) -> Void = { Issue.record("\($0)") }) -> PrintJournal {
        PrintJournal(directory: folder.file("state"), runtimeDirectory: folder.file("run"), onProblem: onProblem)
    }

    private func job(_ name: String = "box.gcode") throws -> Job {
        let file = try JobFile(path: folder.write(Files.moves(50), to: name))
        return Job(id: 77, file: file, path: "/local/" + name, startCommand: 1, now: .now)
    }

    @Test func whatWasBegunIsFoundAgain() throws {
        let job = try job("Tür; 50%\n#1 [x].gcode")
        do {
            let journal = open()
            #expect(journal.interruption == nil)
            journal.begin(job, after: 3)
            journal.stop()
        }
        let found = try #require(open().interruption)
        #expect(found.record == JobRecord(job))
        #expect(found.record.file == job.file.path)
        #expect(found.progress.commands == 3)
        #expect(!found.progress.isPaused)
    }

    @Test func theLastNoteCounts() throws {
        let job = try job()
        do {
            let journal = open()
            journal.begin(job)
            journal.note(job, commands: 10, isPaused: false)
            journal.note(job, commands: 20, isPaused: true)
            journal.stop()
        }
        let progress = try #require(open().interruption).progress
        #expect(progress.commands == 20)
        #expect(progress.isPaused)
        #expect(progress.time > 1_700_000_000)
    }

    @Test func whatEndedIsForgotten() throws {
        do {
            let journal = open()
            journal.begin(try job())
            journal.note(try job(), commands: 10, isPaused: false)
            journal.end()
            journal.stop()
        }
        let journal = open()
        #expect(journal.interruption == nil)
        #expect(journal.ledger?.remains == nil)
    }

    @Test func aSecondProcessKeepsOut() throws {
        let first = open()
        first.begin(try job())
        let problems = Shared<[String]>([])
        let second = open { problem in problems.change { $0.append(problem) } }
        second.end()
        second.stop()
        #expect(problems.value.count == 1)
        first.stop()
        #expect(FileManager.default.fileExists(atPath: folder.file("state/print.ini")))
    }

    @Test func aPlaceThatCannotBeWrittenIsToldOnce() throws {
        let problems = Shared<[String]>([])
        let journal = PrintJournal(
            directory: "/proc/no/such", runtimeDirectory: folder.file("run"),
            onProblem: { problem in problems.change { $0.append(problem) } })
        journal.begin(try job())
        for commands in 1...5 { journal.note(try job(), commands: UInt64(commands), isPaused: false) }
        journal.stop()
        #expect(problems.value.count == 1)
        #expect(problems.value.first?.contains("/proc/no/such") == true)
    }

    @Test(arguments: [
        "", "[print]\n", "[print]\nid = x\n", "rubbish",
        "[print]\nid = 1\nsize = 2\nmodified = 3\npath = %4\nfile = a\n",
    ])
    func aBrokenRecordIsNone(_ text: String) throws {
        try folder.makeFolder("state")
        try folder.write(Array(text.utf8), to: "state/print.ini")
        #expect(open().interruption == nil)
    }
}

/// Progress in two sectors.
@Suite struct ProgressFileTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.file("progress") }

    init() throws { folder = try TemporaryDirectory() }

    @Test func theNewerOfTwoCounts() throws {
        let file = try ProgressFile(path: path)
        #expect(file.read() == nil)
        for commands in 1...7 { try file.write(PrintProgress(commands: UInt64(commands), seconds: 5, time: 9)) }
        #expect(file.read() == PrintProgress(commands: 7, seconds: 5, time: 9))
        #expect(try ProgressFile(path: path).read()?.commands == 7)
        // It never grows.
        #expect(try Data(contentsOf: URL(filePath: path)).count == 1024)
    }

    /// Whatever a loss of power leaves of the sector that was being written, the other one stands.
    @Test(arguments: [0, 1, 17, 40, 511]) func aTornSectorIsNone(_ length: Int) throws {
        do {
            let file = try ProgressFile(path: path)
            try file.write(PrintProgress(commands: 1000))
            try file.write(PrintProgress(commands: 2000))
        }
        var bytes = try Data(contentsOf: URL(filePath: path))
        // The second record lies in the first sector: its serial number is even.
        for index in length..<512 { bytes[index] = UInt8(ascii: "7") }
        try bytes.write(to: URL(filePath: path))
        let file = try ProgressFile(path: path)
        #expect(file.read()?.commands == 1000)
        try file.write(PrintProgress(commands: 3000))
        #expect(try ProgressFile(path: path).read()?.commands == 3000)
    }

    @Test func clearedIsEmpty() throws {
        let file = try ProgressFile(path: path)
        try file.write(PrintProgress(commands: 1))
        file.clear()
        #expect(file.read() == nil)
    }
}

/// What a printer is told that lost its place.
@Suite struct RecoveryPreludeTests {
    private func state(_ gcode: String) throws -> JobState {
        let folder = try TemporaryDirectory()
        let file = try JobFile(path: folder.write(Array(gcode.utf8), to: "a.gcode"))
        return try JobReplay(file: file).state(after: 1_000_000)
    }

    @Test func everythingIsSetUpAgain() throws {
        let prelude = try RecoveryPrelude(
            state(
                """
                M140 S60
                M104 S215
                M201 X500 Y500
                G28
                M420 S1
                G90
                M83
                G1 X10 Y20 Z5.2 F3000
                M106 S128
                M204 P800
                G1 X50.5 Y60.25 E1.5 F1800
                """))
        #expect(
            prelude.commands == [
                "M140 S60", "M104 S150", "M190 S60", "M109 S215", "G21", "G90", "M83", "G92 Z5.2 E0", "G1 Z7.2 F300",
                "G28 X Y", "G1 E5 F150", "G1 E-1 F1800", "M201 X500 Y500", "M204 P800", "M420 S1",
                "G1 X50.5 Y60.25 F6000", "G1 Z5.2 F300", "G1 E1 F1800", "M106 S128", "G1 F1800", "G90", "M83",
                "G92 E1.5",
            ])
    }

    @Test func modesComeLast() throws {
        let relative = try RecoveryPrelude(state("M82\nG1 X1 Y1 Z1\nG92 E0\nG1 E12\nG91\nM82"))
        #expect(relative.commands.suffix(3) == ["G91", "M82", "G92 E12"])
        let inches = try RecoveryPrelude(state("G20\nM82\nG1 X1 Y1 Z1 E1 F10"))
        #expect(inches.commands.suffix(5) == ["G1 F254", "G20", "G90", "M82", "G92 E1"])
        #expect(inches.commands.contains("G1 X25.4 Y25.4 F6000"))
    }

    @Test func toolsAndFans() throws {
        let tools = try RecoveryPrelude(state("M104 T0 S200\nM104 T1 S220\nT1\nG1 X1 Y1 Z1\nM106 P1 S99"))
        #expect(tools.commands.prefix(3) == ["M104 T1 S150", "M104 T0 S200", "M109 T1 S220"])
        #expect(tools.commands.contains("T1"))
        #expect(tools.commands.contains("M106 P1 S99"))
    }

    @Test func withoutAPlaceThereIsNothingToGoBackTo() throws {
        #expect(throws: RecoveryPrelude.Refusal.unknownPosition) {
            try RecoveryPrelude(state("M104 S200\nG28\nG1 X1 Y1"))
        }
        #expect(throws: RecoveryPrelude.Refusal.shiftedAxes) { try RecoveryPrelude(state("G1 X1 Y1 Z1\nG92 X0")) }
    }
}
