import Foundation
import MarlinLink
import Simulators
import Testing

@testable import Gantry

/// A simulated printer behind a pseudo-terminal and a machine, without Connect.
final class MachineRig: Sendable {
    let folder: TemporaryDirectory
    let printer: PrinterSimulator
    let machine: Machine
    let changes = Shared<[Machine.Change]>([])
    private let isRunning = Shared(false)

    init(
        scripts: Scripts = Scripts(), firmware: FirmwareOverrides = FirmwareOverrides(),
        printer change: (inout MarlinPrinter.Configuration) -> Void = { _ in }
    ) throws {
        folder = try TemporaryDirectory()
        var board = MarlinPrinter.Configuration(profile: .marlin2Custom)
        board.timeScale = .infinity
        board.keepsCommands = true
        board.moveTime = .fixed(nanoseconds: 500_000)
        change(&board)
        printer = PrinterSimulator(PrinterSimulator.Options(printer: board))
        let port = try printer.start()
        var configuration = LinkConfiguration(port: port)
        configuration.firmware = firmware
        machine = Machine(configuration: configuration, scripts: scripts) { [changes] change in
            changes.change { $0.append(change) }
        }
    }

    /// The warnings that were told.
    var warnings: [String] {
        changes.value.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }

    var states: [MachineState] {
        changes.value.compactMap { change in
            if case .state(let state, _, _) = change { state } else { nil }
        }
    }

    func run(_ body: (MachineRig) async throws -> Void) async throws {
        isRunning.change { $0 = true }
        let started = startThread { [self] in
            machine.run()
            isRunning.change { $0 = false }
        }
        try #require(started)
        do {
            try await eventually("the printer is idle") { machine.state == .idle }
            try await body(self)
        } catch {
            machine.stop()
            throw error
        }
        machine.stop()
        try await eventually("the machine ends") { !isRunning.value }
        printer.stop()
    }

    func file(_ moves: Int) throws -> String { try folder.write(Files.moves(moves), to: "\(moves).gcode") }
}
