import Testing

@testable import Simulators

/// Lines per second on a paced line under the simulated clock, against what firmware reached in real time.
@Suite struct PaceTests {
    /// Sends 500 numbered lines with so many unanswered at most; gives acknowledged lines per second.
    private func rate(_ profile: FirmwareProfile, baud: UInt32, window: Int, _ command: (Int) -> String) -> Double {
        var printer = MarlinPrinter(
            {
                var configuration = MarlinPrinter.Configuration(profile: profile)
                configuration.baud = baud
                return configuration
            }())
        var now: UInt64 = 0
        var sent = 0
        var answered = 0
        while answered < 500 {
            while sent < 500, sent - answered < window {
                sent += 1
                printer.receive(numbered(sent, command(sent)).utf8, at: now)
            }
            guard let next = printer.nextDeadline else { return 0 }
            now = max(now, next)
            answered += printer.takeOutput(at: now).count { $0 == UInt8(ascii: "\n") }
        }
        return 500 / (Double(now) / 1e9)
    }

    /// Modes only bind line and processor, short moves the planner; the model has no acceleration and so plans the
    /// latter up to twice as fast.
    @Test(arguments: [
        ("marlin-2.1.2-stock", 250_000, 1326, 147), ("marlin-2.1.2-custom", 115_200, 596, 156),
        ("marlin-1.1.9", 250_000, 1165, 151), ("mk3s-3.13.3", 115_200, 881, 113), ("mk3s-3.9.0", 115_200, 834, 128),
    ])
    func isNearTheFirmware(_ name: String, _ baud: UInt32, _ modes: Double, _ moves: Double) throws {
        let profile = try #require(FirmwareProfile.named(name))
        let modeRate = rate(profile, baud: baud, window: 3) { _ in "G90" }
        #expect((0.7 * modes...1.5 * modes).contains(modeRate))
        let moveRate = rate(profile, baud: baud, window: 3) { "G1 X\(Double($0) / 10) F6000" }
        #expect((0.8 * moves...2.2 * moves).contains(moveRate))
    }
}
