import Foundation
import MarlinLink
import Simulators
import Testing

/// A simulated printer behind a pseudo-terminal, a link to it, and what the link told.
final class LinkRig: Sendable {
    let printer: PrinterSimulator
    let link: PrinterLink
    let events: EventLog
    let folder: TemporaryDirectory
    private let configuration: LinkConfiguration

    /// Everything that takes a printer time takes none, unless `printer` changes that.
    init(
        _ firmware: FirmwareProfile = .marlin2Custom,
        printer changePrinter: (inout MarlinPrinter.Configuration) -> Void = { _ in },
        options changeOptions: (inout PrinterSimulator.Options) -> Void = { _ in },
        link changeLink: (inout LinkConfiguration) -> Void = { _ in },
        ledger: LineLedger? = nil
    ) throws {
        var board = MarlinPrinter.Configuration(profile: firmware)
        board.timeScale = .infinity
        board.keepsCommands = true
        changePrinter(&board)
        var options = PrinterSimulator.Options(printer: board)
        changeOptions(&options)
        printer = PrinterSimulator(options)
        var configuration = LinkConfiguration(port: try printer.start())
        configuration.pollInterval = 20_000_000
        changeLink(&configuration)
        let events = EventLog()
        self.events = events
        self.configuration = configuration
        link = PrinterLink(configuration: configuration, ledger: ledger) { events.add($0) }
        folder = try TemporaryDirectory()
    }

    deinit {
        link.close()
        printer.stop()
    }

    /// Opens the link and waits until the printer is ready.
    @discardableResult
    func connect() async throws -> FirmwareIdentity {
        try link.open()
        try await eventually("the printer is ready") { !events.identities.isEmpty }
        return try #require(events.identities.last)
    }

    /// Another link to the same printer, as a process has it that starts when the first is dead.
    func makeLink(ledger: LineLedger, events: EventLog) -> PrinterLink {
        PrinterLink(configuration: configuration, ledger: ledger) { events.add($0) }
    }

    /// A checked file of `bytes`.
    func job(_ bytes: [UInt8], name: String = "job.gcode") throws -> JobFile {
        try JobFile(path: folder.write(bytes, to: name))
    }

    /// Prints `bytes` and waits for the end, whatever it is.
    func print(_ bytes: [UInt8]) async throws {
        let before = events.ends
        try link.print(job(bytes))
        try await eventually("the job ends") { events.ends > before }
    }
}

/// What a link told, in order.
final class EventLog: Sendable {
    private let events = Shared<[LinkEvent]>([])

    func add(_ event: LinkEvent) { events.change { $0.append(event) } }

    var all: [LinkEvent] { events.value }

    func contains(_ event: LinkEvent) -> Bool { all.contains(event) }

    /// One for each `.ready`.
    var identities: [FirmwareIdentity] {
        all.compactMap { if case .ready(let identity) = $0 { identity } else { nil } }
    }

    var failures: [JobFailure] {
        all.compactMap { if case .jobFailed(let failure) = $0 { failure } else { nil } }
    }

    var finished: Int { all.count { $0 == .jobFinished } }

    /// Jobs that ended, well or badly.
    var ends: Int { finished + failures.count }

    var down: LinkError? {
        for case .down(let error) in all { return error }
        return nil
    }

    var lines: [String] {
        all.compactMap { if case .line(let line) = $0 { line } else { nil } }
    }
}

/// G-code for tests.
enum GCode {
    /// `count` moves that differ from each other, with comments and blank lines between them.
    static func moves(_ count: Int) -> [UInt8] {
        var text = "; made for a test\nG90\n\nG28 ; home\n"
        for move in 0..<count {
            if move % 100 == 0 { text += ";LAYER_CHANGE\n" }
            text += "G1 X\(move % 180).\(move % 10) Y\(move % 170) F6000\n"
        }
        return Array(text.utf8)
    }

    /// Twice `count` moves; between them the printer waits until its button is pressed.
    static func waitingInItsMidst(_ count: Int) -> [UInt8] { moves(count) + Array("M0\n".utf8) + moves(count) }

    /// What a printer must have executed of it.
    static func digest(_ bytes: [UInt8]) -> String { CommandDigest.of(file: bytes).hexadecimal }
}
