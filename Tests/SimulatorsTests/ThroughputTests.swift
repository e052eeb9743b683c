import CSerial
import Foundation
import Testing

@testable import Simulators

/// How fast the model is; prints figures instead of judging them. Run it in a release build:
/// `GANTRY_BENCHMARK=1 swift test -c release -Xswiftc -enable-testing --filter ThroughputTests`
@Suite(.enabled(if: ProcessInfo.processInfo.environment["GANTRY_BENCHMARK"] != nil))
struct ThroughputTests {
    @Test(arguments: ["marlin-2.1.2", "marlin-2.1.2-custom", "mk3s-3.13.3"])
    func linesPerSecond(_ name: String) throws {
        var configuration = MarlinPrinter.Configuration(profile: try #require(.named(name)))
        configuration.timeScale = .infinity
        configuration.preventsColdExtrusion = false
        var printer = MarlinPrinter(configuration)
        let count = 500_000
        let stream = (1...count).map { Array(numbered($0, "G1 X\($0 % 200).125 Y10.5 E0.04217").utf8) }
        var answers: [UInt8] = []
        let start = cserial_monotonic_ns()
        for (index, line) in stream.enumerated() {
            printer.receive(line, at: UInt64(index) * 1000)
            printer.takeOutput(at: UInt64(index) * 1000, into: &answers)
            answers.removeAll(keepingCapacity: true)
        }
        let seconds = Double(cserial_monotonic_ns() - start) / 1e9
        #expect(printer.currentStatistics.commandsExecuted == count)
        print("\(name): \(Int(Double(count) / seconds)) lines/s")
    }

    @Test(arguments: [1, 4])
    func linesPerSecondThroughAPseudoTerminal(_ window: Int) throws {
        var configuration = MarlinPrinter.Configuration(profile: .marlin2)
        configuration.timeScale = .infinity
        configuration.preventsColdExtrusion = false
        let simulator = PrinterSimulator(.init(printer: configuration))
        let host = try TestHost(try simulator.start())
        defer { simulator.stop() }
        let count = 100_000
        let lines = (1...count).map { numbered($0, "G1 X\($0 % 200).125 Y10.5 E0.04217") }
        let start = cserial_monotonic_ns()
        var sent = 0
        var answered = 0
        while answered < count {
            let next = min(count, answered + window)
            if sent < next { host.send(lines[sent..<next].joined()) }
            sent = max(sent, next)
            while answered < sent {
                #expect(host.line() == "ok")
                answered += 1
            }
        }
        let seconds = Double(cserial_monotonic_ns() - start) / 1e9
        print("window \(window): \(Int(Double(count) / seconds)) lines/s")
    }
}
