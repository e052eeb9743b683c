import Foundation
import Simulators
import Testing

/// A simulated printer for a process of its own, and G-code for it.
final class PrinterRig: Sendable {
    let folder: TemporaryDirectory
    let printer: PrinterSimulator
    let port: String

    init(
        firmware: FirmwareProfile = .marlin2Custom, change: (inout MarlinPrinter.Configuration) -> Void = { _ in }
    ) throws {
        folder = try TemporaryDirectory()
        var board = MarlinPrinter.Configuration(profile: firmware)
        board.timeScale = .infinity
        board.keepsCommands = true
        change(&board)
        printer = PrinterSimulator(PrinterSimulator.Options(printer: board))
        port = try printer.start()
    }

    deinit { printer.stop() }

    func start(_ arguments: String...) throws -> GantryProcess {
        try GantryProcess(arguments, in: folder.path)
    }

    /// `gantry print` of a file on this printer.
    func print(_ file: String, _ more: String...) throws -> GantryProcess {
        try GantryProcess(["print", file, "--port", port] + more, in: folder.path)
    }

    var cancelScriptWasExecuted: Bool {
        printer.executedCommands.suffix(4) == ["M104 S0", "M140 S0", "M107", "M84"]
    }
}

/// G-code that the tests print.
enum Files {
    static func moves(_ count: Int) -> String {
        "G90\nM83\n" + (0..<count).map { "G1 X\(10 + $0 % 10).\($0 % 7) Y\($0 % 150) F6000\n" }.joined()
    }

    /// With `slow` a print of a minute, which the tests end earlier.
    static let long = heating(moves: 3000)

    /// Moves that take long enough to meet the print in its midst.
    static func slow(_ configuration: inout MarlinPrinter.Configuration) {
        configuration.moveTime = .fixed(nanoseconds: 20_000_000)
    }

    /// Heats bed and nozzle first, as slicers do.
    static func heating(moves count: Int = 200) -> String {
        "M140 S60\nM104 S200\nM190 S60\nM109 S200\nM106 S255\n" + moves(count)
    }

    static func digest(_ text: String) -> String { CommandDigest.of(file: text.utf8).hexadecimal }
}

/// The one JSON object that a text consists of.
func onlyObject(_ text: String) throws -> [String: Any] {
    #expect(text.hasSuffix("}\n"))
    #expect(text.split(separator: "\n").count == 1, "more than one line: \(text)")
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}
