import Foundation
import Testing

@testable import MarlinLink

/// The ledger of lines that outlives its process.
@Suite struct LineLedgerTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.file("lines") }

    init() throws { folder = try TemporaryDirectory() }

    @Test func whatWasNotedIsThereAgain() throws {
        do {
            let ledger = try LineLedger(path: path)
            #expect(ledger.remains == nil)
            ledger.begin(job: 7, after: 1000)
            for line in 1...UInt32(200) { ledger.note(line: line, commands: 1000 + UInt64(line) - 1) }
        }
        let remains = try #require(try LineLedger(path: path).remains)
        #expect(remains.job == 7)
        #expect(remains.firstCommand == 1000)
        #expect(remains.lastLine == 200)
        #expect(remains.commands(through: 200) == 1199)
        #expect(remains.commands(through: 137) == 1136)
        // Older ones are forgotten, later ones were never sent.
        #expect(remains.commands(through: 136) == nil)
        #expect(remains.commands(through: 201) == nil)
        #expect(remains.commands(through: 0) == nil)
    }

    @Test func aJobThatSentNothing() throws {
        try LineLedger(path: path).begin(job: 9)
        let remains = try #require(try LineLedger(path: path).remains)
        #expect(remains.lastLine == 0)
        #expect(remains.firstCommand == 0)
    }

    @Test func aNewJobForgetsTheOldOne() throws {
        let ledger = try LineLedger(path: path)
        ledger.begin(job: 1)
        ledger.note(line: 5, commands: 5)
        ledger.begin(job: 2)
        #expect(ledger.remains?.lastLine == 0)
        #expect(ledger.remains?.job == 2)
        ledger.clear()
        #expect(ledger.remains == nil)
    }

    @Test func oneProcessAtATime() throws {
        let ledger = try LineLedger(path: path)
        #expect(throws: LineLedgerError(path: path, errno: EBUSY)) { try LineLedger(path: path) }
        ledger.clear()
    }

    /// Killed between the two halves of a note: the line was not sent yet.
    @Test func aHalfNoteIsNoNote() throws {
        do {
            let ledger = try LineLedger(path: path)
            ledger.begin(job: 1)
            for line in 1...UInt32(64) { ledger.note(line: line, commands: UInt64(line)) }
        }
        var bytes = try Data(contentsOf: URL(filePath: path))
        // Line 65 takes the place of line 1.
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: UInt64(65), toByteOffset: (4 + 2) * 8, as: UInt64.self) }
        try bytes.write(to: URL(filePath: path))
        let remains = try #require(try LineLedger(path: path).remains)
        #expect(remains.lastLine == 64)
        #expect(remains.commands(through: 65) == nil)
        #expect(remains.commands(through: 64) == 64)
    }

    @Test(arguments: [[UInt8](), [1, 2, 3], [UInt8](repeating: 0xA5, count: 8192)])
    func rubbishIsNoJob(_ bytes: [UInt8]) throws {
        _ = try folder.write(bytes, to: "lines")
        #expect(try LineLedger(path: path).remains == nil)
    }

    @Test func onlyItsOwnerReadsIt() throws {
        _ = try LineLedger(path: path)
        var info = stat()
        #expect(stat(path, &info) == 0)
        #expect(info.st_mode & 0o777 == 0o600)
    }

    @Test func aPlaceThatIsNoneIsNamed() {
        #expect(throws: LineLedgerError(path: "/nowhere/lines", errno: ENOENT)) {
            try LineLedger(path: "/nowhere/lines")
        }
    }
}
