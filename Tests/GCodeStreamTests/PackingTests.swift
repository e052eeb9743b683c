import StreamSimulation
import Testing

@testable import GCodeStream
@testable import Simulators

/// Packed lines, read by the simulated printer's own decoder.
@Suite struct PackingTests {
    static let packings: [Packing] = [.packed, .withoutBlanks, .noSpaces]

    static let commands = [
        "G1 X104.226 Y97.613 E0.03417", "G1 E-.8 F2100", "G0 F7200 X10 Y20E5", "G28", "G10 P1", "G2 X1 Y2 I-3.5 J0",
        "M117 Hello, World E5", "M117 " + String(repeating: "abc ", count: 18), "M105", "T0", "M486 S3", "G1", "G92 E0",
        "M73 P10 R59", "M118 E1 ~{|}", "G29 X",
    ]

    private func buffer(_ text: String) -> CommandBuffer {
        var result = CommandBuffer()
        for byte in text.utf8 { result.append(byte) }
        return result
    }

    /// The line of text that a command becomes.
    private func line(_ command: String, number: UInt32 = 4711, _ packing: Packing) -> CommandBuffer {
        var line = CommandBuffer()
        LineFormat.compose(number: number, command: buffer(command), packing: packing, into: &line)
        return line
    }

    private func text(_ buffer: CommandBuffer) -> String {
        String(decoding: (0..<buffer.count).map { buffer[$0] }, as: UTF8.self)
    }

    private func bytes(_ fill: (inout OutputBuffer) -> Void) -> [UInt8] {
        var output = OutputBuffer()
        fill(&output)
        var result: [UInt8] = []
        output.withBytes { span in for index in span.indices { result.append(span[index]) } }
        return result
    }

    private func packed(_ line: CommandBuffer, _ packing: Packing) -> [UInt8] {
        bytes { MeatPack.write(line, packing, to: &$0) }
    }

    private func beginning(_ packing: Packing) -> [UInt8] { bytes { $0.beginPacking(packing) } }

    private func read(_ bytes: [UInt8], with decoder: inout MeatPackInput) -> String {
        var result: [UInt8] = []
        for byte in bytes {
            decoder.take(byte)
            while let character = decoder.next() { result.append(character) }
        }
        return String(decoding: result, as: UTF8.self)
    }

    @Test(arguments: packings) func theDecoderReadsWhatWasWritten(_ packing: Packing) {
        var decoder = MeatPackInput()
        #expect(read(beginning(packing), with: &decoder) == "\n")
        #expect(decoder.report() == "[MP] PV01 ON \(packing == .noSpaces ? "NSP" : "ESP")")
        for number in [2, 17, 345, 6789, 1_234_567, 1_999_999_999] as [UInt32] {
            for command in Self.commands {
                let line = line(command, number: number, packing)
                #expect(read(packed(line, packing), with: &decoder) == text(line))
            }
        }
    }

    @Test(arguments: packings) func theLengthIsKnownBefore(_ packing: Packing) {
        for number in [2, 17, 345, 6789, 1_234_567, 1_999_999_999] as [UInt32] {
            for command in Self.commands {
                let line = line(command, number: number, packing)
                let length = packed(line, packing).count
                #expect(MeatPack.length(of: line, packing) == length)
                let estimate = LineFormat.wireLength(number: number, command: buffer(command), packing: packing)
                #expect((length...length + 4).contains(estimate), "\(command): \(length), \(estimate)")
            }
        }
        #expect(beginning(packing).count == MeatPack.beginning)
    }

    @Test func blanksAreLeftOutOfMovesOnly() {
        #expect(text(line("G1 X1 Y2 E3", number: 5, .packed)).hasPrefix("N5 G1 X1 Y2 E3*"))
        #expect(text(line("G1 X1 Y2 E3", number: 5, .withoutBlanks)).hasPrefix("N5G1X1Y2 E3*"))
        #expect(text(line("G1 X1 Y2 E3", number: 5, .noSpaces)).hasPrefix("N5G1X1Y2E3*"))
        for packing in Self.packings {
            #expect(text(line("M117 G1 X1", number: 5, packing)).hasPrefix("N5 M117 G1 X1*"))
            #expect(text(line("G10 P1 X2", number: 5, packing)).hasPrefix("N5 G10 P1 X2*"))
            #expect(text(line("G29 X Y", number: 5, packing)).hasPrefix("N5 G29 X Y*"))
        }
    }

    @Test func aTypicalMoveTakesLittleMoreThanHalfOfTheWire() {
        let plain = line("G1 X104.226 Y97.613 E0.03417", number: 12345, .none).count
        let sizes = Self.packings.map { packed(line("G1 X104.226 Y97.613 E0.03417", number: 12345, $0), $0).count }
        #expect([plain] + sizes == [39, 24, 23, 21])
    }

    /// Whatever a flipped or lost byte does to the decoder: behind what switches packing on, lines are read as they are.
    @Test(arguments: packings) func packingBeginsAnewAfterAnyDamage(_ packing: Packing) {
        let first = packed(line("G1 X104.226 Y97.613 E0.03417", packing), packing)
        let second = line("G1 X18.4 Y88.48 E.4", number: 4712, packing)
        var damaged: [[UInt8]] = []
        for index in first.indices {
            for bit in 0..<8 as Range<UInt8> {
                var copy = first
                copy[index] ^= 1 << bit
                damaged.append(copy)
            }
            damaged.append(Array(first[..<index] + first[(index + 1)...]))
            damaged.append(Array(first[...index]))
        }
        // In the midst of an order, too.
        damaged += [[0xFF], [0xFF, 0xFF], [0xFF, 0xFF, 0xFA], [0xFF, 0xFF, 0xFD], [0xFF, 0x41]]
        for rubbish in damaged {
            var decoder = MeatPackInput()
            _ = read(beginning(packing) + rubbish, with: &decoder)
            let rest = read(beginning(packing) + packed(second, packing), with: &decoder)
            #expect(rest.hasSuffix("\n" + text(second)), "after \(rubbish)")
        }
    }

    @Test func everythingOfAJobGoesOutPacked() throws {
        for packing in Self.packings {
            let driver = EngineDriver()
            driver.synchronise(packing: packing)
            var decoder = MeatPackInput()
            #expect(read(driver.writtenBytes(), with: &decoder) == "\nN0 M110*35\n")
            driver.receive("ok\n")
            #expect(read(driver.writtenBytes(), with: &decoder) == "N1 M105*38\n")
            driver.receive("ok T:25.00 /0.00 @:0\n")
            #expect(driver.begin())
            #expect(read(driver.writtenBytes(), with: &decoder) == "\nN0 M110*35\n")
            driver.receive("ok\n")
            #expect(read(driver.writtenBytes(), with: &decoder) == "N1 M105*38\n")
            driver.receive("ok T:25.00 /0.00 @:0\n")
            driver.push("G1 X1 E2")
            #expect(read(driver.writtenBytes(), with: &decoder) == text(line("G1 X1 E2", number: 2, packing)))
            // A probe brings the decoder into order.
            driver.now += 600_000_000
            #expect(read(driver.writtenBytes(), with: &decoder) == "\n" + text(line("M105", number: 3, packing)))
            driver.receive("ok\nok T:25.00 /0.00 @:0\n")
            driver.interruptHeating()
            #expect(read(driver.writtenBytes(), with: &decoder) == "\nM108\n\n")
            #expect(decoder.isActive)
            driver.emergencyStop()
            #expect(driver.writtenBytes() == [0xFF, 0xFF, 0xF9] + Array("\nM112\n".utf8))
        }
    }

    /// Faults of every kind but on the bytes to the printer: see `Packing`.
    @Test func packedSeedsOfTheSwarmHold() {
        var seeds = 0
        for seed in 1...2000 as ClosedRange<UInt64> where seeds < 40 {
            guard Scenario.swarm(seed: seed).packing != .none else { continue }
            seeds += 1
            let outcome = Simulation.run(seed: seed)
            #expect(outcome.violation == nil, "\(Simulation.description(seed: seed))")
        }
        #expect(seeds == 40)
    }

    /// A disturbed wire can change a packed line unseen, but it cannot make a print hang.
    @Test(arguments: packings) func aDisturbedWireEndsAPrintOrMendsIt(_ packing: Packing) {
        for seed in 1...12 as ClosedRange<UInt64> {
            var scenario = Scenario.moves(400)
            scenario.profile = FirmwareProfile.marlin2.with(.meatPack)
            scenario.packing = packing
            scenario.faults.seed = seed
            scenario.faults.toPrinter = .init(flip: 2e-4, loss: 2e-4, double: 2e-4)
            scenario.mayFailWith = { _ in true }
            let outcome = Simulation(scenario).run()
            let isDamaged = outcome.violation?.hasPrefix("executed \"") ?? false
            #expect(outcome.violation == nil || isDamaged, "seed \(seed): \(outcome.violation ?? "")")
        }
    }
}
