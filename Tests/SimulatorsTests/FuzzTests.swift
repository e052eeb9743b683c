import Testing

@testable import Simulators

/// Nonsense on the line: the model neither traps nor breaks its own limits, and answers again after a reset.
@Suite struct FuzzTests {
    private static let pieces = [
        "G1", "G28", "G92", "G2 I3 J4", "G4 P10", "M104 S", "M109 S40", "M190 R30", "M105", "M110 N", "M155 S1",
        "M154 S2",
        "M114", "M117 ", "M118 E1 ", "M112", "M0", "M601", "M302 P1", "G91", "N", "*", "99", "-", ".", "0.0001",
        "99999999999999999999", "X", "Y-", "Z", "E", "F", "S", "T", ";", "(", "\"", " ", "\r", "\n", "\n", "\n",
        "\u{80}", "\0",
    ]

    @Test(arguments: FirmwareProfile.all.map(\.name), [nil, 250_000] as [UInt32?])
    func survivesNonsense(_ name: String, _ baud: UInt32?) throws {
        var random = SplitMix64(seed: 42)
        let profile = try #require(FirmwareProfile.named(name))
        var bench = Bench(profile) {
            $0.baud = baud
            $0.keepsCommands = false
            $0.faults = .noisy(seed: 9)
            $0.faults.lateOk = 0.1
        }
        for round in 1...3000 {
            let text = (0...Int.random(in: 0...12, using: &random)).map { _ in
                Self.pieces.randomElement(using: &random) ?? ""
            }
            bench.send(text.joined())
            let before = bench.now
            _ = bench.wait(Double.random(in: 0...0.5, using: &random))
            if let deadline = bench.printer.nextDeadline {
                #expect(deadline > bench.now || bench.now == before, "\(name) is stuck at \(bench.now)")
            }
            if round % 100 == 0 { bench.printer.reset(at: bench.now) }
        }
        let statistics = bench.snapshot().statistics
        #expect(statistics.commandsExecuted > 100)
        #expect(statistics.peakReceiveBuffer < profile.queue.receiveBuffer)
        var quiet = bench
        quiet.printer.reset(at: quiet.now)
        _ = quiet.wait(15)
        // The noisy cable may still damage a line, but not ten in a row.
        #expect((1...10).contains { _ in quiet.ask("M117 hello", wait: 5).contains { $0.contains("ok") } })
    }
}
