import Foundation

@testable import Simulators

/// Lines a host wrote at one moment and what the firmware answered before the host wrote again.
struct Exchange: Sendable {
    var section: String
    var time: Double
    var sent: [String]
    var answers: [String]

    var summary: String { "\(section): \(sent.joined(separator: " | "))" }
}

/// Reads excerpts of sessions with running firmware (`>>` host, `<<` printer, seconds in front).
enum Transcript {
    static func exchanges(_ name: String) throws -> [Exchange] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name).txt")
        var exchanges: [Exchange] = []
        var section = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("## ") {
                section = String(line.dropFirst(3))
                continue
            }
            let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            let text = parts.count > 2 ? unescape(String(parts[2])) : ""
            let time = Double(parts[0]) ?? 0
            if parts[1] == "<<" {
                exchanges[exchanges.count - 1].answers.append(text)
            } else if let last = exchanges.last, last.time == time, last.answers.isEmpty {
                exchanges[exchanges.count - 1].sent.append(text)
            } else {
                exchanges.append(Exchange(section: section, time: time, sent: [text], answers: []))
            }
        }
        return exchanges
    }

    private static func unescape(_ text: String) -> String { text.replacing("\\x0d", with: "\r") }
}

/// A model printer under a simulated clock, for tests.
struct Bench {
    var printer: MarlinPrinter
    var now: UInt64 = 0
    private var rest: [UInt8] = []

    init(_ profile: FirmwareProfile, _ change: (inout MarlinPrinter.Configuration) -> Void = { _ in }) {
        var configuration = MarlinPrinter.Configuration(profile: profile)
        configuration.keepsCommands = true
        change(&configuration)
        printer = MarlinPrinter(configuration)
    }

    static func seconds(_ value: Double) -> UInt64 { UInt64(value * 1e9) }

    mutating func send(_ text: String) { printer.receive(text.utf8, at: now) }

    /// Lets time pass; gives the complete lines said meanwhile.
    mutating func wait(_ seconds: Double) -> [String] {
        now += Self.seconds(seconds)
        rest += printer.takeOutput(at: now)
        var lines: [String] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: rest[..<end], as: UTF8.self))
            rest.removeSubrange(...end)
        }
        return lines
    }

    mutating func ask(_ text: String, wait seconds: Double = 1) -> [String] {
        send(text + "\n")
        return wait(seconds)
    }

    mutating func snapshot() -> PrinterSnapshot { printer.snapshot(at: now) }
}

/// `N<number> <command>*<checksum>` and a newline.
func numbered(_ number: Int, _ command: String) -> String {
    let line = "N\(number) \(command)"
    return "\(line)*\(line.utf8.reduce(0, ^))\n"
}
