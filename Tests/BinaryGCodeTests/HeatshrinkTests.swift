import Testing

@testable import BinaryGCode

/// Unpacks heatshrink data of a known size.
private func unpack(_ bytes: [UInt8], windowBits: Int, size: Int, in pieces: Pieces = .whole) -> [UInt8] {
    var window = HistoryWindow()
    window.restart(reach: 1 << windowBits)
    var decoder = Heatshrink()
    decoder.restart(windowBits: windowBits)
    var left = size
    let result = pump(bytes, in: pieces) { (input, output) in
        var position = 0
        while !output.isFull, left > 0 {
            guard let byte = decoder.next(input, &position, &window) else { break }
            output.append(byte)
            left -= 1
        }
        return position
    }
    #expect(left == 0)
    #expect(!decoder.hasLeftover)
    return result
}

@Suite struct HeatshrinkTests {
    @Test(arguments: [11, 12]) func theEncodersOwnData(_ bits: Int) throws {
        let text = try fixture("commands.gcode")
        let packed = try fixture("commands.hs\(bits)")
        for pieces in [Pieces.whole, .of(input: 1, output: 1), .random(SeededGenerator(seed: 2))] {
            let isSame = unpack(packed, windowBits: bits, size: text.count, in: pieces) == text
            #expect(isSame)
        }
    }

    @Test func zeros() throws {
        #expect(unpack(try fixture("zeros.hs11"), windowBits: 11, size: 5000) == [UInt8](repeating: 0, count: 5000))
    }

    @Test func byHand() {
        // 1 01000001 (A), 1 01000010 (B), 0 00000000001 0011 (2 back, 4 bytes), padding.
        let packed: [UInt8] = [0b1010_0000, 0b1101_0000, 0b1000_0000, 0b0000_0100, 0b1100_0000]
        #expect(unpack(packed, windowBits: 11, size: 6) == Array("ABABAB".utf8))
    }

    @Test func beforeTheBeginningStandZeros() {
        // 0 11111111111 0001: 2048 back, 2 bytes.
        #expect(unpack([0b0111_1111, 0b1111_0001], windowBits: 11, size: 2) == [0, 0])
    }
}
