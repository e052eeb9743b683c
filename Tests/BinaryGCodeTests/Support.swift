import Foundation
import Testing

@testable import BinaryGCode

/// A fixture's bytes.
func fixture(_ name: String) throws -> [UInt8] {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/" + name, withExtension: nil))
    return try Array(Data(contentsOf: url))
}

/// A generator of random numbers whose course is known by its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
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

/// Sizes of the pieces in which data is handed over and fetched.
enum Pieces {
    case whole
    case of(input: Int, output: Int)
    case random(SeededGenerator)

    mutating func next(_ most: Int) -> (input: Int, output: Int) {
        switch self {
        case .whole: return (most, 65536)
        case .of(let input, let output): return (input, output)
        case .random(var generator):
            defer { self = .random(generator) }
            return (Int.random(in: 0...300, using: &generator), Int.random(in: 1...300, using: &generator))
        }
    }
}

/// Hands `bytes` to `decode` piece by piece, and room for output with it, until everything was taken and nothing more
/// comes.
func pump<Failure: Error>(
    _ bytes: [UInt8], in pieces: Pieces,
    _ decode: (Span<UInt8>, inout OutputSpan<UInt8>) throws(Failure) -> Int
) throws(Failure) -> [UInt8] {
    var pieces = pieces
    var result: [UInt8] = []
    var position = 0
    var idle = 0
    while true {
        let size = pieces.next(bytes.count)
        let end = min(bytes.count, position + size.input)
        let room = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: size.output)
        defer { room.deallocate() }
        var output = OutputSpan(buffer: room, initializedCount: 0)
        let taken = try decode(bytes.span.extracting(position..<end), &output)
        let count = output.finalize(for: room)
        result.append(contentsOf: room[..<count])
        position += taken
        if position == bytes.count, count < size.output { return result }
        // A decoder that stands still shall fail its test, not hang it.
        idle = taken == 0 && count == 0 ? idle + 1 : 0
        if idle > 100 { return result }
    }
}

/// The decoders that hold large values in place live in a class, as they should.
final class FileDecoder {
    private var decoder = BinaryGCodeDecoder()

    /// The text of a whole file, or the error.
    func text(of bytes: [UInt8], in pieces: Pieces = .whole) -> Result<[UInt8], BinaryGCodeError> {
        decoder.restart()
        do throws(BinaryGCodeError) {
            let text = try pump(bytes, in: pieces) { (input, output) throws(BinaryGCodeError) in
                try decoder.decode(input, into: &output)
            }
            try decoder.end()
            return .success(text)
        } catch {
            return .failure(error)
        }
    }

    var offset: UInt64 { decoder.offset }
    var blocks: UInt32 { decoder.blocks }
}

/// The headers of a file's blocks, and their decoded data.
func blocks(of bytes: [UInt8]) throws -> [(header: BlockHeader, data: [UInt8])] {
    let file = try #require(try FileHeader.parse(bytes.span))
    var found: [(BlockHeader, [UInt8])] = []
    var offset = FileHeader.size
    var decoder = BlockDecoder()
    while offset < bytes.count {
        let rest = bytes[offset...]
        let header = try #require(
            try BlockHeader.parse(rest.span, number: UInt32(found.count), offset: UInt64(offset)))
        decoder.begin(header, checksum: file.checksum)
        let body = Array(rest.dropFirst(header.size))
        let data = try pump(body, in: .whole) { (input, output) throws(BinaryGCodeError) in
            _ = try decoder.decode(input, into: &output)
            return input.count
        }
        let isFinished = decoder.isFinished
        #expect(isFinished)
        found.append((header, data))
        offset = Int(header.end(file.checksum))
    }
    return found
}
