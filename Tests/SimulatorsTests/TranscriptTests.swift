import Testing

@testable import Simulators

/// The model gives the answers that running firmware gave, exchange by exchange.
@Suite struct TranscriptTests {
    @Test(arguments: [
        "marlin-2.1.2-stock", "marlin-2.1.2-custom", "marlin-1.1.9", "mk3s-3.13.3", "mk3s-3.9.0", "octoprint",
    ])
    func replays(_ name: String) throws {
        let exchanges = try Transcript.exchanges(name)
        let profile = try #require(FirmwareProfile.named(name))
        #expect(exchanges.count > 40)
        var bench = Bench(profile) {
            $0.ambient = name.hasPrefix("mk3s") ? 25.5 : name == "octoprint" ? 21.3 : 25
        }
        // What the printer says unasked may fall before or behind a line of the host, so whole sections are compared.
        var said: [String: [String]] = [:]
        for (index, exchange) in exchanges.enumerated() {
            let next = index + 1 < exchanges.count ? exchanges[index + 1].time : exchange.time + 20
            bench.send(exchange.sent.map { $0 + "\n" }.joined())
            said[exchange.section, default: []] += bench.wait(next - exchange.time)
        }
        for (section, exchanges) in Dictionary(grouping: exchanges, by: \.section) {
            let expected = exchanges.flatMap(\.answers)
            #expect(comparable(said[section] ?? []) == comparable(expected), "\(section)")
        }
    }

    /// Without keep-alive lines, and without what depends on the second: room sensors, steps under way, print time.
    private func comparable(_ lines: [String]) -> [String] {
        lines.filter { !$0.contains("busy:") && $0 != "wait" && $0 != "wait\r" }.map { line in
            var text = line
            if let range = text.range(of: " P:") { text = String(text[..<range.lowerBound]) }
            if text.contains("Count X: "), let range = text.range(of: " Count") {
                text = String(text[..<range.lowerBound])
            }
            if text.contains("FIRMWARE_NAME:Marlin 2") { text = text.replacing(/\([^)]*\)/, with: "") }
            if text.contains(" min, ") { text = text.hasSuffix("\r") ? "time\r" : "time" }
            return text
        }
    }
}
