import Testing

@testable import GCodeStream

@Suite struct LineFormatTests {
    private func compose(_ number: UInt32, _ command: String) -> [UInt8] {
        var buffer = CommandBuffer()
        for byte in command.utf8 { buffer.append(byte) }
        var line = CommandBuffer()
        LineFormat.compose(number: number, command: buffer, into: &line)
        return (0..<line.count).map { line[$0] }
    }

    /// What Marlin makes of a line: the last `*` marks the checksum of everything before it.
    private func passes(_ line: some Collection<UInt8>) -> Bool {
        let bytes = Array(line)
        guard let star = bytes.lastIndex(of: UInt8(ascii: "*")) else { return false }
        let digits = String(decoding: bytes[(star + 1)...], as: UTF8.self).prefix { $0.isNumber }
        return Int(digits) == Int(bytes[..<star].reduce(0, ^))
    }

    /// Most checksums that text can have come by; each bit of each line break is flipped, and it is lost.
    @Test func noDamagedLineBreakMakesOneLineOfTwo() {
        let next = compose(4711, "G1 X1").dropLast()
        var checksums = Set<UInt8>()
        for number in 1...700 as ClosedRange<UInt32> {
            for command in ["G1 X10.5", "M220", "T0", "M117 ~{|}"] {
                let line = compose(number, command).dropLast()
                #expect(passes(line))
                checksums.insert(line.prefix { $0 != UInt8(ascii: "*") }.reduce(0, ^))
                #expect(!passes(line + next))
                for bit in 0..<8 as Range<UInt8> {
                    #expect(!passes(line + [UInt8(ascii: "\n") ^ 1 << bit] + next), "line \(number) \(command)")
                }
            }
        }
        #expect(checksums.count > 90)
    }

    @Test func theBlankIsWithinTheLength() {
        for number in 1...700 as ClosedRange<UInt32> {
            #expect(compose(number, "M220").count - 1 <= LineFormat.length(number: number, commandLength: 4))
        }
    }
}
