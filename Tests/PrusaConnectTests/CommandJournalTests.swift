import Foundation
import Testing

@testable import PrusaConnect

@Suite struct CommandJournalTests {
    private let folder: TemporaryDirectory
    private let files = FaultyFiles()

    init() throws { folder = try TemporaryDirectory() }

    private func journal(_ registration: UInt64 = 7) -> CommandJournal {
        CommandJournal(directory: directory(), registration: registration)
    }

    private func directory() -> StateDirectory {
        StateDirectory(path: folder.path, fingerprint: Fingerprint(serialNumber: testSerial), files: files)
    }

    private func answer(_ id: UInt64, length: Int = 0) -> StoredEvent {
        let event = Event(
            kind: .finished, source: .connect, commandID: id, reason: String(repeating: "x", count: length),
            state: .idle, timestamp: Timestamp(tenths: Int64(id)))
        return StoredEvent(event, isAnswer: true)
    }

    @Test("Answers are there after a restart, 0 is an id, and the last end counts")
    func restart() {
        do {
            let first = journal()
            for id in [0, 5, 6] as [UInt64] {
                first.begin(id)
                first.end(id, answer: answer(id))
            }
            first.begin(8)
            first.end(5, answer: answer(5, length: 3))
        }
        let second = journal()
        #expect(second.ended.map(\.id) == [0, 6, 5] && second.interrupted == [8])
        #expect(second.ended.map(\.answer) == [answer(0), answer(6), answer(5, length: 3)])
    }

    @Test("The last 32, and a file that does not grow for ever; long answers are made again")
    func bounded() throws {
        do {
            let first = journal()
            for id in 0..<700 as Range<UInt64> {
                first.begin(id)
                first.end(id, answer: answer(id, length: 2000))
            }
            first.begin(3000)
            first.end(3000, answer: answer(3000, length: CommandJournal.longestAnswer))
        }
        #expect(try SystemFiles().sizeOf(directory().commands) < 1 << 20)
        let second = journal()
        #expect(second.ended.map(\.id) == Array(669..<700) && second.interrupted.isEmpty)
    }

    @Test("Another registration knows nothing of it, before and after a restart")
    func registrations() {
        do {
            let first = journal()
            first.end(1, answer: answer(1))
            first.changeRegistration(to: 8)
            #expect(first.ended.isEmpty)
            first.end(2, answer: answer(2))
        }
        #expect(journal(8).ended.map(\.id) == [2])
        #expect(journal(7).ended.isEmpty)
        #expect(journal(8).ended.isEmpty)
    }

    @Test("A disk that fails costs the memory, is told once, and comes back")
    func trouble() {
        do {
            files.faults.change { $0.open = EROFS }
            let first = journal()
            first.end(1, answer: answer(1))
            first.end(2, answer: answer(2))
            #expect(first.takeNotes().map(\.level) == [.warning])
            #expect(first.ended.map(\.id) == [1, 2])
            files.faults.change { $0.open = nil }
            first.end(3, answer: answer(3))
        }
        #expect(journal().ended.map(\.id) == [1, 2, 3])
    }

    @Test("A command that was under way when the process ended is called failed and is not carried out again")
    func interrupted() throws {
        journal(CoreRig().core.settings?.registration ?? 0).begin(9)
        let rig = CoreRig(state: directory())
        rig.skipTelemetry()
        let failure = try #require(rig.next())
        #expect(
            failure.text
                == #"events {"event": "FAILED", "source": "WUI", "data": {"error": "The printer's software was restarted before the command ended"}, "command_id": 9, "reason": "Command error", "state": "BUSY"}"#
        )
        rig.answer(failure, 204)
        let beat = try #require(rig.next())
        rig.answer(beat, 200, [("Command-Id", "9"), ("Content-Type", "application/json")], body: #"{"command": "GCODE"}"#)
        #expect(rig.runs.isEmpty)
        #expect(rig.next()?.text == failure.text)
    }
}
