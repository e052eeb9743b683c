import GCodeStream
import Simulators
import Testing

@Suite struct CommandScannerTests {
    private func scan(_ bytes: [UInt8]) -> (commands: [String], lines: [UInt64], tooLong: [UInt64]) {
        var scanner = CommandScanner()
        var result: (commands: [String], lines: [UInt64], tooLong: [UInt64]) = ([], [], [])
        func note(_ step: CommandScanner.Step) {
            switch step {
            case .more: break
            case .command:
                var text: [UInt8] = []
                scanner.command.withBytes { for index in $0.indices { text.append($0[index]) } }
                result.commands.append(String(decoding: text, as: UTF8.self))
                result.lines.append(scanner.lineNumber)
            case .tooLong, .damaged: result.tooLong.append(scanner.lineNumber)
            }
        }
        for byte in bytes { note(scanner.feed(byte)) }
        note(scanner.end())
        return result
    }

    /// Piece by piece, however the text is cut, it is the same as byte by byte.
    @Test(arguments: 1...200 as ClosedRange<UInt64>) func piecesAreAsGoodAsBytes(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let parts = [
            "G1 X1.5", " ", "\t", "\n", "\r\n", ";", ";LAYER_CHANGE", ";LAYER:3", "*", "*33", "N12 ", "\0", "\u{FEFF}",
            "ö",
        ]
        let bytes = (0..<80).flatMap { _ in Array(parts[Int.random(in: 0..<parts.count, using: &random)].utf8) }
        var one = CommandScanner()
        var other = CommandScanner()
        var expected: [String] = []
        for byte in bytes { expected += described(one.feed(byte), one) }
        var found: [String] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + 1 + Int.random(in: 0..<20, using: &random), bytes.count)
            let piece = Array(bytes[start..<end])
            var index = 0
            while index < piece.count { found += described(other.feed(piece.span, from: &index), other) }
            start = end
        }
        expected += described(one.end(), one)
        found += described(other.end(), other)
        #expect(found == expected)
        #expect(one.layers == other.layers)
    }

    private func described(_ step: CommandScanner.Step, _ scanner: CommandScanner) -> [String] {
        if step == .more { return [] }
        let text = scanner.command.withBytes { bytes in bytes.indices.map { bytes[$0] } }
        return ["\(step) \(scanner.lineNumber) \(scanner.length) \(text)"]
    }

    @Test(arguments: [
        ("G28\nG1 X1\n", ["G28", "G1 X1"]),
        ("G28\r\nG1 X1\r\n", ["G28", "G1 X1"]),
        ("G28 ; home\n; only\n\n   \n\tG1 X1  \t; x\nM84", ["G28", "G1 X1", "M84"]),
        ("\u{FEFF}G28\n", ["G28"]),
        ("M117 Hello; world\n", ["M117 Hello"]),
        ("M117 Größe\n", ["M117 Größe"]),
        (";a;b\n", []),
        ("N1 G1 X1*33\nN2G1 X2 *34\nN3 M110 N3*1\n", ["G1 X1", "G1 X2", "M110 N3"]),
        ("M117 5*4*3\n", ["M117 5x4x3"]),
        ("N7*12\n", []),
        ("", []),
    ])
    func keepsCommandsOnly(_ text: String, _ expected: [String]) {
        #expect(scan(Array(text.utf8)).commands == expected)
    }

    @Test func latin1InACommentIsNoTrouble() {
        #expect(scan(Array("G1 X1 ; d".utf8) + [0xFC, 0x0A] + Array("G1 X2\n".utf8)).commands == ["G1 X1", "G1 X2"])
    }

    @Test func nulBytesInACommandAreDamageAndElsewhereNothing() {
        #expect(scan(Array("G1 X1\nG1 X4\0\0\0 Y1\nG1 X2\n; \0\n\0\0\0".utf8)).tooLong == [2])
        #expect(scan(Array("\0\0\nG1 X1\n".utf8)).commands == ["G1 X1"])
    }

    @Test func tellsTheLineOfWhatIsTooLong() {
        let long = "M117 " + String(repeating: "x", count: 120)
        let result = scan(Array("G28\n\(long)\n; \(long)\nG1 X1\n".utf8))
        #expect(result.commands == ["G28", "G1 X1"])
        #expect(result.lines == [1, 4])
        #expect(result.tooLong == [2])
    }
}
