import CSerial
import Foundation
import Testing

@testable import Simulators

/// A host on the other side of the pseudo-terminal.
final class TestHost {
    private let descriptor: Int32
    private var rest: [UInt8] = []

    init(_ path: String) throws {
        descriptor = cserial_open(path)
        try #require(descriptor >= 0)
        try #require(cserial_configure(descriptor, 115_200) >= 0)
    }

    deinit { close() }

    private var isClosed = false

    func close() {
        guard !isClosed else { return }
        isClosed = true
        cserial_close(descriptor)
    }

    func send(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { cserial_write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 { bytes = bytes.dropFirst(written) }
        }
    }

    /// The next line; nil when the port is gone or nothing comes within ten seconds.
    func line() -> String? {
        let end = cserial_monotonic_ns() + 10_000_000_000
        while true {
            if let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeSubrange(...newline) }
                return String(decoding: rest[..<newline], as: UTF8.self)
            }
            let now = cserial_monotonic_ns()
            guard now < end else { return nil }
            var polled = cserial_pollfd(fd: descriptor, events: Int16(CSERIAL_IN), revents: 0)
            _ = cserial_poll(&polled, 1, Int64(end - now))
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = cserial_read(descriptor, &chunk, chunk.count)
            if count > 0 { rest += chunk[..<count] }
            if count == 0 || (count < 0 && count != -Int(EAGAIN)) { return nil }
        }
    }

    /// Lines up to and with the first one that `last` accepts.
    func lines(until last: (String) -> Bool) -> [String] {
        var lines: [String] = []
        while let line = line() {
            lines.append(line)
            if last(line) { break }
        }
        return lines
    }
}

/// Waits for a condition, at most ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = cserial_monotonic_ns() + 10_000_000_000
    while cserial_monotonic_ns() < end {
        if condition() { return true }
        usleep(1000)
    }
    return condition()
}

@Suite struct PrinterSimulatorTests {
    private func simulator(_ change: (inout PrinterSimulator.Options) -> Void = { _ in }) -> PrinterSimulator {
        var configuration = MarlinPrinter.Configuration(profile: .marlin2)
        configuration.timeScale = .infinity
        configuration.keepsCommands = true
        var options = PrinterSimulator.Options(printer: configuration)
        change(&options)
        return PrinterSimulator(options)
    }

    @Test func answersAHost() throws {
        let simulator = simulator()
        let host = try TestHost(try simulator.start())
        defer { simulator.stop() }
        host.send("M105\n")
        #expect(host.line() == "ok T:25.00 /0.00 B:25.00 /0.00 @:0 B@:0")
        for number in 1...2000 {
            host.send(numbered(number, "G1 X\(number % 100) F6000")); #expect(host.line() == "ok")
        }
        #expect(simulator.snapshot().lastLineNumber == 2000)
        #expect(simulator.executedCommands.count == 2001)
        #expect(simulator.snapshot().digestedCommands == 2000)
    }

    @Test func survivesTheHostClosingAndOpeningAgain() throws {
        let simulator = simulator()
        let path = try simulator.start()
        defer { simulator.stop() }
        #expect(!simulator.isOpen)
        for round in 1...5 {
            let host = try TestHost(path)
            host.send("G92 X\(round)\nM114\n")
            #expect(host.lines { $0.hasPrefix("X:") }.last?.hasPrefix("X:\(round).00") == true)
            #expect(simulator.openCount == round)
            host.close()
            #expect(eventually { !simulator.isOpen })
        }
        // A board without auto-reset has kept its state.
        #expect(simulator.snapshot().statistics.resets == 0)
        #expect(simulator.snapshot().position.x == 5)
    }

    @Test func resetsOnOpenLikeBoardsWithDTR() throws {
        let simulator = simulator { $0.resetsOnOpen = true }
        let path = try simulator.start()
        defer { simulator.stop() }
        for _ in 1...3 {
            let host = try TestHost(path)
            let boot = host.lines { $0.contains("M301") }
            #expect(boot.first == "start")
            #expect(boot.contains("Marlin 2.1.2"))
            host.send("M110 N5\n")
            #expect(host.line() == "ok")
            host.close()
            #expect(eventually { !simulator.isOpen })
        }
        #expect(simulator.snapshot().statistics.resets == 3)
    }

    @Test func resetSilenceAndWordsOfItsOwn() throws {
        let simulator = simulator()
        let host = try TestHost(try simulator.start())
        defer { simulator.stop() }
        host.send(numbered(1, "G28"))
        #expect(host.lines { $0 == "ok" }.last == "ok")
        simulator.emit("echo:hello")
        #expect(host.line() == "echo:hello")
        simulator.emitAction("paused")
        #expect(host.line() == "//action:paused")
        simulator.pressReset()
        #expect(host.lines { $0.contains("M301") }.first == "start")
        #expect(simulator.snapshot().lastLineNumber == 0)
        simulator.goSilent()
        host.send("M105\n")
        #expect(simulator.snapshot().state == .silent)
        simulator.pressReset()
        #expect(host.line() == "start")
    }

    @Test func pulledAndPluggedInAgain() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let link = directory.appending(path: "printer").path
        let simulator = simulator { $0.link = link }
        try simulator.start()
        defer { simulator.stop() }
        let host = try TestHost(link)
        host.send("M105\n")
        #expect(host.line() != nil)
        simulator.hangUp()
        #expect(host.line() == nil)
        host.close()
        try simulator.plugIn()
        let again = try TestHost(link)
        again.send("M105\n")
        #expect(again.line()?.hasPrefix("ok T:") == true)
    }

    @Test func aPacedLineOverflowsBehindADwell() throws {
        let simulator = simulator {
            $0.printer.baud = 250_000
            $0.printer.timeScale = 10
            $0.printer.profile = .marlin2Stock
        }
        let host = try TestHost(try simulator.start())
        defer { simulator.stop() }
        host.send(numbered(1, "G4 P10000") + (2...31).map { numbered($0, "G1 X\($0).000 Y10.000 F6000") }.joined())
        #expect(host.lines { _ in simulator.snapshot().statistics.oksSent == 8 }.last == "ok")
        #expect(simulator.snapshot().statistics.overflows > 0)
        #expect(simulator.snapshot().statistics.peakReceiveBuffer == 127)
    }
}
