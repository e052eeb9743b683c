import Testing

@testable import BinaryGCode

/// Unpacks a whole zlib stream.
private func inflate(_ bytes: [UInt8], in pieces: Pieces = .whole) throws(BinaryGCodeError.Reason) -> [UInt8] {
    var window = HistoryWindow()
    var decoder = Inflate()
    decoder.restart()
    let result = try pump(bytes, in: pieces) { (input, output) throws(BinaryGCodeError.Reason) in
        var position = 0
        while !output.isFull {
            guard let byte = try decoder.next(input, &position, &window) else { break }
            output.append(byte)
        }
        return decoder.isFinished ? input.count : position
    }
    let isFinished = decoder.isFinished
    #expect(isFinished)
    return result
}

@Suite struct InflateTests {
    /// File, and how many bytes of `commands.gcode` it holds.
    static let streams: [(String, Int?)] = [
        ("best.zlib", nil), ("fastest.zlib", nil), ("stored.zlib", 3000), ("fixed.zlib", 6000), ("huffman.zlib", 6000),
    ]

    @Test(arguments: streams) func zlibsOwnStreams(_ name: String, _ count: Int?) throws {
        let text = try fixture("commands.gcode")
        let packed = try fixture(name)
        let expected = Array(text.prefix(count ?? text.count))
        for pieces in [Pieces.whole, .of(input: 1, output: 5), .random(SeededGenerator(seed: 1))] {
            let isSame = try inflate(packed, in: pieces) == expected
            #expect(isSame)
        }
    }

    @Test func codeWordsOfAllLengths() throws {
        let expected = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: max(1, $0 < 16 ? 20000 >> $0 : 0)) }
        #expect(try inflate(fixture("skewed.zlib")) == expected)
    }

    @Test func anEmptyStream() throws {
        // Header, a last block with fixed codes that ends at once, Adler-32 of nothing.
        #expect(try inflate([0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01]) == [])
    }

    @Test(
        arguments: [
            ([0x79, 0x9C], .header), ([0x78, 0x9D], .header),
            // A preset dictionary (with a right check value).
            ([0x78, 0xBB], .header),
            // Block type 3.
            ([0x78, 0x9C, 0x07], .blockType),
            // A stored block whose length is not repeated inverted.
            ([0x78, 0x9C, 0x01, 0x05, 0x00, 0xFA, 0xFE], .storedLength),
            // Fixed codes: length 3, distance 1 as the first thing.
            ([0x78, 0x9C, 0x03, 0x02, 0x00], .distance),
            // Fixed codes: the unused length symbol 286.
            ([0x78, 0x9C, 0x1B, 0x03, 0x00], .symbol),
            // Own codes: more lengths of literals than there are (288).
            ([0x78, 0x9C, 0xFD, 0x00, 0x00, 0x00], .codeLengths),
            // Own codes: four code length codes, all of one bit.
            ([0x78, 0x9C, 0x05, 0xC0, 0x24, 0x49, 0x92, 0x24], .codeLengths),
            ([0x78, 0x9C, 0x03, 0x00, 0x00, 0x00, 0x00, 0x02], .checksum),
        ] as [([UInt8], BinaryGCodeError.DeflateProblem)])
    func damage(_ bytes: [UInt8], _ problem: BinaryGCodeError.DeflateProblem) throws {
        #expect(throws: BinaryGCodeError.Reason.deflate(problem)) { try inflate(bytes) }
    }

    @Test func damagedStreamsNeverCrash() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let streams = try Self.streams.map { try fixture($0.0) }
        var failures = 0
        for _ in 0..<300 {
            var bytes = streams.randomElement(using: &generator) ?? []
            bytes = Array(bytes.prefix(Int.random(in: 100...2000, using: &generator)))
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            var window = HistoryWindow()
            var decoder = Inflate()
            decoder.restart()
            var position = 0
            do throws(BinaryGCodeError.Reason) {
                while try decoder.next(bytes.span, &position, &window) != nil {}
            } catch {
                failures += 1
            }
        }
        #expect(failures > 10, "seed \(seed)")
    }
}
