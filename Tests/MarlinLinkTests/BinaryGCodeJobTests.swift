import BinaryGCode
import Foundation
import Testing

@testable import MarlinLink

/// Binary G-code printed like text. The files were written by libbgcode from the text beside them; see the README in
/// that folder.
@Suite struct BinaryGCodeJobTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static func fixture(_ name: String) throws -> [UInt8] {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../BinaryGCodeTests/Fixtures")
        return try Array(Data(contentsOf: fixtures.appending(path: name)))
    }

    /// Each way of compressing and encoding that libbgcode has, and the text that is in it.
    private static let files = [
        ("libbgcode-none-none.bgcode", "commands.gcode"),
        ("libbgcode-Deflate-none.bgcode", "commands.gcode"),
        ("libbgcode-Deflate-MeatPack.bgcode", "libbgcode-MeatPack.gcode"),
        ("libbgcode-Heatshrink_11_4-MeatPack.bgcode", "libbgcode-MeatPack.gcode"),
        ("libbgcode-Heatshrink_12_4-MeatPackComments.bgcode", "libbgcode-MeatPackComments.gcode"),
        ("libbgcode-Heatshrink_12_4-none.bgcode", "commands.gcode"),
    ]

    @Test(arguments: files) func printsWhatTheTextPrints(_ binary: String, _ text: String) async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let bytes = try Self.fixture(binary)
        try await rig.print(bytes)
        #expect(rig.events.failures == [])
        #expect(rig.printer.snapshot().digest == GCode.digest(try Self.fixture(text)))
        let snapshot = rig.link.snapshot
        #expect(snapshot.jobCommands > 1000)
        // The last commands stand in front of the checksum.
        #expect(snapshot.jobOffset <= UInt64(bytes.count))
        #expect(snapshot.jobOffset > UInt64(bytes.count) - 16)
    }

    @Test func countsTheSameCommands() throws {
        let path = folder.file("a.bgcode")
        for (binary, text) in Self.files {
            let job = try JobFile(path: folder.write(try Self.fixture(binary), to: "a.bgcode"))
            let plain = try JobFile(path: folder.write(try Self.fixture(text), to: "a.gcode"))
            #expect(job.isBinary)
            #expect(!plain.isBinary)
            #expect(job.commands == plain.commands)
            #expect(job.layers == plain.layers, "\(path)")
        }
    }

    @Test func damageIsFoundBeforeThePrint() throws {
        var bytes = try Self.fixture("libbgcode-Deflate-MeatPack.bgcode")
        bytes[bytes.count - 2000] ^= 4
        let path = try folder.write(bytes, to: "a.bgcode")
        do throws(JobFileError) {
            _ = try JobFile(path: path)
            Issue.record("it passed")
        } catch {
            guard case .binaryGCode(path, let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(reason.kind == .gcode)
            #expect(error.description.contains("Copy it again"))
        }
    }

    @Test func aFileThatEndsEarly() throws {
        let bytes = try Self.fixture("libbgcode-Deflate-MeatPack.bgcode")
        let path = try folder.write(bytes.dropLast(500), to: "a.bgcode")
        #expect {
            try JobFile(path: path)
        } throws: { error in
            guard case JobFileError.binaryGCode(path, let reason) = error else { return false }
            return reason.reason == .cut
        }
    }
}
