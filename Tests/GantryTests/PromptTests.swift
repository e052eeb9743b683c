import Foundation
import Simulators
import Testing

@testable import Gantry

/// What the printer asks reaches its user, and the answer the printer.
@Suite struct PromptTests {
    private static let file = Array(
        (["G28"] + (0..<50).map { "G1 X\($0 % 90 + 10).5 F6000" } + ["M0"]
            + (0..<50).map { "G1 X\($0 % 80 + 10) F6000" })
            .joined(separator: "\n").utf8)

    private func attentions(_ rig: MachineRig) -> [String?] {
        rig.changes.value.compactMap { change -> String?? in
            if case .attention(let reason) = change { .some(reason) } else { nil }
        }
    }

    private func begin(_ rig: MachineRig) throws {
        let path = try rig.folder.write(Self.file, to: "box.gcode")
        try rig.machine.startJob(file: path, path: "/local/box.gcode", command: nil)
    }

    private func askingRig() throws -> MachineRig {
        try MachineRig { board in
            let other = board
            board = MarlinPrinter.Configuration(profile: .marlin2Custom.with(.hostPrompts))
            (board.timeScale, board.keepsCommands, board.moveTime) = (
                other.timeScale, other.keepsCommands, other.moveTime
            )
        }
    }

    /// Marlin says nothing when its own button is pressed; nor when M108 ends the wait.
    @Test(arguments: [true, false]) func whoGoesOnAtThePrinterHasAnswered(_ byButton: Bool) async throws {
        let rig = try askingRig()
        try await rig.run { rig in
            try begin(rig)
            try await eventually("it asks") { attentions(rig).last == "M0 Stop" }
            if byButton { rig.printer.pressButton() } else { try rig.machine.resume() }
            try await eventually("printed") { rig.machine.state == .finished }
            try await eventually("nobody has to act") { attentions(rig).last == .some(nil) }
            #expect(rig.machine.prompt == nil)
        }
    }

    @Test func theMachineTellsAndAnswers() async throws {
        let rig = try askingRig()
        try await rig.run { rig in
            #expect(throws: MachineError.self) { _ = try rig.machine.answer(nil) }
            try begin(rig)
            try await eventually("it asks") { rig.machine.prompt != nil }
            try await eventually("told") { attentions(rig).contains("M0 Stop") }
            #expect(try rig.machine.answer(nil) == "M0 Stop (1 Continue)")
            for wrong in [0, 2, -1, .min, .max] {
                #expect(throws: MachineError.self) { _ = try rig.machine.answer(wrong) }
            }
            #expect(try rig.machine.answer(1) == "The printer was told: Continue")
            #expect(rig.machine.prompt == nil)
            try await eventually("printed") { rig.machine.state == .finished }
            try await eventually("nobody has to act") { attentions(rig).last == .some(nil) }
            #expect(rig.printer.executedCommands.filter { $0 == "M876 S0" }.count == 1)
        }
    }

    @Test func aRestartedPrinterHasForgottenIt() async throws {
        let rig = try MachineRig()
        try await rig.run { rig in
            for part in ["begin Level the bed?", "button Yes", "button No", "show"] {
                rig.printer.emitAction("prompt_" + part)
            }
            try await eventually("it asks") { attentions(rig).last == "Level the bed?" }
            rig.printer.pressReset()
            try await eventually("nobody has to act") { attentions(rig).last == .some(nil) }
            #expect(rig.machine.prompt == nil)
        }
    }

    @Test func aPromptWithoutAnswersOnlyTellsSomething() async throws {
        let rig = try MachineRig()
        try await rig.run { rig in
            for part in ["begin Hello", "show"] { rig.printer.emitAction("prompt_" + part) }
            try await eventually("told") {
                rig.changes.value.contains { if case .message("The printer says: Hello") = $0 { true } else { false } }
            }
            #expect(rig.machine.prompt == nil && attentions(rig) == [])
        }
    }

    /// Connect shows a dialog; its button and `gantry answer` press that of the printer.
    @Test(arguments: [true, false]) func connectShowsAndAnswers(_ byConnect: Bool) async throws {
        let rig = try DaemonRig(firmware: .marlin2Custom.with(.hostPrompts), files: ["box.gcode": Self.file])
        try await rig.run { rig in
            rig.server.queue(command: "START_PRINT", kwargs: ["path": "/local/box.gcode"])
            func dialog() -> PlainJSON? { rig.server.events.last { $0.body["dialog_id"] != nil }?.body }
            try await eventually("Connect has it") { dialog() != nil }
            let body = try #require(dialog())
            #expect(body["state"]?.string == "ATTENTION" && body["reason"]?.string == "M0 Stop")
            #expect(body["data"]?["buttons"]?.array?.compactMap(\.string) == ["Continue"])
            #expect(ControlSocket.ask("answer", at: rig.controlSocket) == "M0 Stop (1 Continue)")
            if byConnect {
                rig.server.queue(command: "DIALOG_ACTION", kwargs: ["dialog_id": 1, "button": "Continue"])
            } else {
                #expect(ControlSocket.ask("answer 1", at: rig.controlSocket) == "The printer was told: Continue")
            }
            try await eventually("printed") { rig.daemon.state == .finished }
            #expect(ControlSocket.ask("answer 1", at: rig.controlSocket) == "refused: The printer asks nothing.")
        }
    }
}
