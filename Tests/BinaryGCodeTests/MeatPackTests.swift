import Testing

@testable import BinaryGCode

/// Packs text as the protocol says, without touching it otherwise: an independent way back.
enum MeatPackEncoder {
    static let alphabet = Array("0123456789. \nGX".utf8)

    /// `FF FF` and the command.
    static func command(_ number: UInt8) -> [UInt8] { [0xFF, 0xFF, number] }

    /// Packs `text`, which must end with a line feed; each line by itself, as encoders do, padded with a line feed.
    static func pack(_ text: String, omitsSpaces: Bool = false) -> [UInt8] {
        var packed: [UInt8] = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            var characters = Array(line) + [UInt8(ascii: "\n")]
            if characters.count % 2 == 1 { characters.append(UInt8(ascii: "\n")) }
            for index in stride(from: 0, to: characters.count, by: 2) {
                let pair = characters[index...index + 1]
                let codes = pair.map { code($0, omitsSpaces) }
                packed.append(codes[1] << 4 | codes[0])
                packed.append(contentsOf: zip(pair, codes).filter { $0.1 == 15 }.map(\.0))
            }
        }
        return packed
    }

    private static func code(_ character: UInt8, _ omitsSpaces: Bool) -> UInt8 {
        if omitsSpaces, character == UInt8(ascii: "E") { return 11 }
        if omitsSpaces, character == UInt8(ascii: " ") { return 15 }
        return alphabet.firstIndex(of: character).map { UInt8($0) } ?? 15
    }
}

private func unpack(_ bytes: [UInt8]) throws(BinaryGCodeError.Reason) -> (text: String, isComplete: Bool) {
    var decoder = MeatPackDecoder()
    decoder.restart()
    var text: [UInt8] = []
    for byte in bytes {
        try decoder.feed(byte)
        while let character = decoder.next() { text.append(character) }
    }
    return (String(decoding: text, as: UTF8.self), decoder.isComplete)
}

@Suite struct MeatPackTests {
    static let on = MeatPackEncoder.command(251)
    static let noSpaces = MeatPackEncoder.command(247)

    /// Packed bytes behind "packing on", and what they mean; worked out from the protocol by hand.
    @Test(
        arguments: [
            // G 1, line feed and padding.
            ([0x1D, 0xCC], "G1\n"),
            // The first character in the low half; the other half of a line feed is padding whatever it is.
            ([0x10, 0x32, 0x3C], "0123\n"),
            // The first as a byte of its own: M, 8 held; 4, line feed.
            ([0x8F, 0x4D, 0xC4], "M84\n"),
            // The second as a byte of its own.
            ([0xF1, 0x41, 0xCC], "1A\n"),
            // Both.
            ([0xFF, 0x4D, 0x54, 0xCC], "MT\n"),
            // A blank and a point.
            ([0xBA, 0xCC], ". \n"),
            ([], ""),
        ] as [([UInt8], String)])
    func byHand(_ packed: [UInt8], _ text: String) throws {
        let result = try unpack(Self.on + packed)
        #expect(result.text == text)
        #expect(result.isComplete)
    }

    @Test func commands() throws {
        // Off in between, back on, spaces given up for E, and reset.
        let bytes =
            Array("; plain\n".utf8) + Self.on + [0x1D, 0xCC] + MeatPackEncoder.command(250) + Array(";Z:0.2\n".utf8)
            + Self.on + Self.noSpaces + [0x2B, 0xCC] + MeatPackEncoder.command(246) + [0x2B, 0xCC]
            + MeatPackEncoder.command(248) + MeatPackEncoder.command(249) + Array("G1\n".utf8)
        #expect(try unpack(bytes).text == "; plain\nG1\n;Z:0.2\nE2\n 2\nG1\n")
        #expect(throws: BinaryGCodeError.Reason.unknownMeatPackCommand(1)) { try unpack([0xFF, 0xFF, 1]) }
    }

    @Test func blanksComeBackInFrontOfParameters() throws {
        func unpacked(_ text: String) throws -> String {
            try unpack(Self.on + Self.noSpaces + MeatPackEncoder.pack(text, omitsSpaces: true)).text
        }
        #expect(try unpacked("G1X10Y-2.5E.05F1800\nM104S215\n") == "G1 X10 Y-2.5 E.05 F1800\nM104S215\n")
        #expect(try unpacked("G28W\nG4P20S1\nG29.1\nG1x5\n") == "G28 W\nG4 P20 S1\nG29.1\nG1 x5\n")
        #expect(try unpacked("M117 GX and G1\nG1 X10\n") == "M117 GX and G1\nG1 X10\n")
        #expect(try unpacked("G1X1;EVERYTHING\n") == "G1 X1;EVERYTHING\n")
    }

    @Test func bytesBeyondASCII() throws {
        #expect(try unpack(Self.on + MeatPackEncoder.pack("M117 Žluť 🦊\n")).text == "M117 Žluť 🦊\n")
        // A single FF is no command.
        #expect(try unpack([0x41, 0xFF, 0x42]).text == String(decoding: [0x41, 0xFF, 0x42] as [UInt8], as: UTF8.self))
    }

    @Test func anEndInTheMidst() throws {
        for bytes in [[0xFF], [0xFF, 0xFF], Self.on + [0x8F], Self.on + [0xF1], Self.on + [0xFF, 0x4D]] as [[UInt8]] {
            #expect(try !unpack(bytes).isComplete)
        }
    }

    @Test func randomLinesComeBack() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let characters = Array("0123456789. GXYZEMS-;\"aé")
        for _ in 0..<500 {
            let length = Int.random(in: 0...40, using: &generator)
            // M first: lines that begin with G get blanks.
            let line = "M" + String((0..<length).map { _ in characters.randomElement(using: &generator) ?? "0" }) + "\n"
            let bytes = Self.on + MeatPackEncoder.pack(line)
            #expect(try unpack(bytes).text == line, "seed \(seed)")
        }
    }
}
