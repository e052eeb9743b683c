import Foundation
import Testing

@testable import BinaryGCode
@testable import MarlinLink

@Suite struct JobFileTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func file(_ text: String) throws -> JobFile {
        try JobFile(path: folder.write(Array(text.utf8), to: "a.gcode"))
    }

    private func error(of bytes: some Sequence<UInt8>) throws -> JobFileError? {
        let path = try folder.write(bytes, to: "a.gcode")
        do throws(JobFileError) {
            _ = try JobFile(path: path)
            return nil
        } catch {
            #expect(error.description.contains(path))
            return error
        }
    }

    private var path: String { folder.file("a.gcode") }

    @Test func whatIsInIt() throws {
        let file = try file("; head\nG28 ; home\n\n;LAYER_CHANGE\nG1 X1\n;LAYER:2\nG1 X2")
        #expect(file.commands == 3)
        #expect(file.layers == 2)
        #expect(file.size == 53)
        #expect(file.path == path)
        #expect(abs(Double(file.modified) - Date.now.timeIntervalSince1970) < 3600)
    }

    @Test func missing() {
        let path = folder.file("none.gcode")
        #expect(throws: JobFileError.missing(path: path)) { try JobFile(path: path) }
        let below = folder.file("none/none.gcode")
        #expect(throws: JobFileError.missing(path: below)) { try JobFile(path: below) }
    }

    @Test func noFile() throws {
        #expect(throws: JobFileError.notAFile(path: folder.path)) { try JobFile(path: folder.path) }
        #expect(throws: JobFileError.notAFile(path: "/dev/null")) { try JobFile(path: "/dev/null") }
        // Nobody writes to it: opening it must not wait.
        let fifo = folder.file("fifo")
        try #require(mkfifo(fifo, 0o600) == 0)
        #expect(throws: JobFileError.notAFile(path: fifo)) { try JobFile(path: fifo) }
    }

    @Test func nothingToPrint() throws {
        #expect(try error(of: []) == .empty(path: path))
        #expect(try error(of: "; only\n\n   \n; comments".utf8) == .noCommands(path: path))
    }

    @Test func binary() throws {
        #expect(
            try error(of: Array("GCDE".utf8) + [1, 0, 0, 0, 2, 0])
                == .binaryGCode(
                    path: path, BinaryGCodeError(reason: .unknownChecksum(2), block: nil, kind: nil, offset: 0)))
        let noise = (0..<4000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        #expect(try error(of: noise) == .binary(path: path))
        #expect(try error(of: [UInt8](repeating: 0, count: 5000)) == .binary(path: path))
    }

    @Test func strayBytesAreText() throws {
        // Latin-1 in a comment, a byte order mark.
        let text = [0xEF, 0xBB, 0xBF] + Array("G28 ; f".utf8) + [0xFC] + Array("r K".utf8) + [0xF6]
        let many = Array(repeating: Array("\nG1 X1 Y1 Z1".utf8), count: 30).flatMap(\.self)
        #expect(try error(of: text + Array("ln\nG1 X1".utf8) + many) == nil)
        // NUL bytes in a command are a hole that a power cut left.
        #expect(
            try error(of: text + Array("ln\nG1 X1".utf8) + [0] + Array("2".utf8) + many)
                == .damaged(path: path, line: 2, text: "G1 X12"))
    }

    @Test func everyLineBreak() throws {
        #expect(try file("G28\r\nG1 X1\rG1 X2\nG1 X3").commands == 4)
    }

    @Test func tooLong() throws {
        let long = "M117 " + String(repeating: "x", count: 120)
        #expect(
            try error(of: "G28\n; comment\n\(long)\nG1 X1\n".utf8)
                == .lineTooLong(path: path, line: 3, length: 125, text: String(long.prefix(96))))
        #expect(throws: JobFileError.self) { try file("G28\n\(long)") }
        // With a number of seven digits and a checksum of three, the firmware's 95 leave room for 82.
        #expect(try file("M117 " + String(repeating: "x", count: 77)).commands == 1)
        #expect(try error(of: ("M117 " + String(repeating: "x", count: 78)).utf8)?.description.contains("83") == true)
        // What a comment adds does not count.
        #expect(try file("G28 ;" + String(repeating: "-", count: 1000)).commands == 1)
    }

    @Test func aLargeFile() throws {
        // More than one buffer of the check, with a command across their border.
        let file = try file(String(repeating: "G1 X10.123 Y20.456 E0.01234\n", count: 20_000))
        #expect(file.commands == 20_000)
    }
}
