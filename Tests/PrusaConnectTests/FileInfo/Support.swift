import BinaryGCode
import Foundation
import Glibc
import Testing

@testable import PrusaConnect

/// The path of a G-code fixture.
func sample(_ name: String) throws -> String {
    try #require(Bundle.module.url(forResource: "Fixtures/gcode/" + name, withExtension: nil)).path
}

/// The bytes of a G-code fixture.
func sampleBytes(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: sample(name)))) }

/// Reads a file as SEND_FILE_INFO does.
func read(_ path: String, name: String? = nil) throws -> FileContent {
    let file = try #require(Descriptor.open(path, in: AT_FDCWD, O_RDONLY))
    let status = try #require(file.status)
    let ownName = path.split(separator: "/").last.map(String.init) ?? ""
    return try FileContent.read(descriptor: file.number, size: UInt64(status.st_size), name: name ?? ownName)
}

/// Reads text as a file of the name `x.gcode`.
func read(text: String) throws -> FileContent { try read(bytes: Array(text.utf8)) }

/// Reads bytes as a file of the name `x.gcode`.
func read(bytes: [UInt8]) throws -> FileContent {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.gcode")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try read(path)
}

/// A generator of random numbers whose course is known by its seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
