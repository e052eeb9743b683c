import Testing

@testable import BinaryGCode

@Suite struct BinaryGCodeDecoderTests {
    /// Files of libbgcode, and where the text is that libbgcode itself unpacks of them.
    static let files = [
        ("none-none", "commands"), ("Deflate-none", "commands"), ("Heatshrink_12_4-none", "commands"),
        ("Deflate-MeatPack", "libbgcode-MeatPack"), ("Heatshrink_11_4-MeatPack", "libbgcode-MeatPack"),
        ("Heatshrink_12_4-MeatPackComments", "libbgcode-MeatPackComments"),
    ]

    /// The commands between the marks of the fixtures, without blank lines.
    private func commands(_ text: [UInt8]) -> [String] {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        let first = lines.firstIndex(of: "M117 First command") ?? 0
        let last = lines.firstIndex(of: "M117 Last command") ?? lines.count - 1
        return first <= last ? Array(lines[first...last]) : []
    }

    @Test(arguments: files) func theSameTextAsLibbgcode(_ name: String, _ expected: String) throws {
        let bytes = try fixture("libbgcode-\(name).bgcode")
        let theirs = commands(try fixture(expected + ".gcode"))
        #expect(theirs.count > 1500)
        let decoder = FileDecoder()
        let whole = try decoder.text(of: bytes).get()
        #expect(decoder.offset == UInt64(bytes.count))
        #expect(commands(whole) == theirs)
        for pieces in [Pieces.of(input: 1, output: 3), .of(input: 4096, output: 7), .random(SeededGenerator(seed: 3))] {
            let isSame = try decoder.text(of: bytes, in: pieces).get() == whole
            #expect(isSame)
        }
    }

    @Test(arguments: ["specification.bgcode", "specification-unchecked.bgcode"])
    func blocksWithoutGCodeArePassedOver(_ name: String) throws {
        let decoder = FileDecoder()
        let text = try decoder.text(of: fixture(name)).get()
        #expect(String(decoding: text, as: UTF8.self) == "G28\nG1 X10 Y20\nM104 S0\nM84\nM117 done\n")
        #expect(decoder.blocks == 10)
    }

    @Test func aBlockOfGCodeThatOneBitMadeAPicture() throws {
        var bytes = try fixture("specification.bgcode")
        let block = try #require(try blocks(of: bytes).first { $0.header.kind == .gcode }).header
        bytes[Int(block.offset)] ^= 4
        guard case .failure(let error) = FileDecoder().text(of: bytes) else {
            Issue.record("its commands are missing and nobody is told")
            return
        }
        #expect(error.block == block.number)
    }

    @Test func aFileWithoutBlocks() throws {
        #expect(try FileDecoder().text(of: Array("GCDE\u{1}\0\0\0\u{1}\0".utf8)).get() == [])
    }

    @Test func cutAnywhere() throws {
        let bytes = try fixture("specification.bgcode")
        // Ends of blocks: there the file could end just as well.
        let ends = Set(try blocks(of: bytes).map { Int($0.header.end(.crc32)) } + [FileHeader.size])
        let decoder = FileDecoder()
        for count in 0..<bytes.count where !ends.contains(count) {
            guard case .failure(let error) = decoder.text(of: Array(bytes[..<count])) else {
                Issue.record("cut at \(count): no error")
                continue
            }
            #expect(error.reason == .cut)
            #expect(error.offset <= UInt64(count))
        }
    }

    @Test func sizesThatAreNotTrue() throws {
        // "M104 S0\nM84\n", DEFLATE, 12 bytes announced; as block 0 without checksum.
        let original = try fixture("specification-unchecked.bgcode")
        let deflated = try #require(
            try blocks(of: original).first { $0.header.kind == .gcode && $0.header.compression == .deflate })
        let start = Int(deflated.header.offset)
        let end = Int(deflated.header.end(.none))
        func result(announced: UInt8) -> Result<[UInt8], BinaryGCodeError> {
            var block = Array(original[start..<end])
            block[4] = announced
            return FileDecoder().text(of: Array(original[..<10]) + block)
        }
        #expect(try result(announced: 12).get() == Array("M104 S0\nM84\n".utf8))
        let wrong: [(UInt8, BinaryGCodeError.Reason)] = [(11, .tooLong), (0, .tooLong), (13, .tooShort)]
        for (announced, reason) in wrong {
            guard case .failure(let error) = result(announced: announced) else {
                Issue.record("no error")
                continue
            }
            #expect(error == BinaryGCodeError(reason: reason, block: 0, kind: .gcode, offset: 10))
        }
    }

    /// Whatever is wrong with a file that has checksums: an error that says so, or the right text.
    @Test func damageIsNamedOrHarmless() throws {
        try damage(seed: .random(in: 0 ... .max))
        // A size in a block that is passed over, or a kind: led on behind a block of G-code.
        try damage(seed: 1_252_135_901_322_325_887)
    }

    private func damage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let decoder = FileDecoder()
        var failures = 0
        var originals = try Self.files.map { try fixture("libbgcode-\($0.0).bgcode") }
        originals.append(try fixture("specification.bgcode"))
        let texts = try originals.map { try decoder.text(of: $0).get() }
        for _ in 0..<30 {
            let index = Int.random(in: 0..<originals.count, using: &generator)
            var bytes = originals[index]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                // Half of it at the headers in the beginning.
                let range = Bool.random(using: &generator) ? 0..<min(2000, bytes.count) : 0..<bytes.count
                bytes[Int.random(in: range, using: &generator)] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            }
            switch decoder.text(of: bytes, in: .random(generator)) {
            case .success(let text):
                let isRight = text == texts[index]
                #expect(isRight, "seed \(seed)")
            case .failure(let error):
                failures += 1
                #expect(error.offset <= UInt64(bytes.count), "seed \(seed)")
            }
        }
        #expect(failures > 8, "seed \(seed)")
    }

    @Test func noiseNeverCrashes() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let decoder = FileDecoder()
        for _ in 0..<300 {
            var bytes = Array("GCDE\u{1}\0\0\0\0\0".utf8)
            for _ in 0..<3 {
                let compression = UInt8.random(in: 0...3, using: &generator)
                let size = UInt8.random(in: 0...255, using: &generator)
                bytes += [1, 0, compression, 0, UInt8.random(in: 0...255, using: &generator), 0, 0, 0]
                if compression > 0 { bytes += [size, 0, 0, 0] }
                bytes += [UInt8.random(in: 0...2, using: &generator), 0]
                bytes += (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
            }
            _ = decoder.text(of: bytes, in: .random(generator))
        }
    }
}
