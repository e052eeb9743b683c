import Simulators
import Testing

@testable import MarlinLink

/// Questions of the printer to its user.
@Suite struct HostPromptTests {
    private func steps(_ actions: String...) -> [HostPromptAssembly.Step] {
        var assembly = HostPromptAssembly()
        return actions.map { assembly.take($0) }
    }

    private func prompt(_ text: String, _ labels: String..., number: UInt64 = 1) -> HostPrompt {
        HostPrompt(number: number, text: text, buttons: labels.map { HostPrompt.Button(label: $0, command: nil) })
    }

    @Test func aPromptIsShownAsAWholeAndEnds() {
        #expect(
            steps(
                "prompt_end", "prompt_begin Filament Runout T0", "prompt_button Purge More", "prompt_choice Continue",
                "prompt_show", "prompt_show", "prompt_button late", "prompt_end", "prompt_end")
                == [
                    .more, .more, .more, .more, .show(prompt("Filament Runout T0", "Purge More", "Continue")), .more,
                    .more, .show(nil), .more,
                ])
    }

    @Test func theNextOneReplacesIt() {
        #expect(
            steps("prompt_begin A", "prompt_show", "prompt_begin B", "prompt_button C", "prompt_show")
                == [.more, .show(prompt("A")), .show(nil), .more, .show(prompt("B", "C", number: 2))])
    }

    @Test func whatWasLostOfItDoesNoHarm() {
        #expect(
            steps("prompt_button A", "prompt_show", "prompt_text B", "notification C", "paused") == [
                .more, .more, .more, .none, .none,
            ])
        var assembly = HostPromptAssembly()
        _ = assembly.take("prompt_begin A")
        for _ in 0..<100 { _ = assembly.take("prompt_button B") }
        guard case .show(let shown?) = assembly.take("prompt_show") else {
            Issue.record("nothing is shown")
            return
        }
        #expect(shown.buttons.count == 9)
    }

    @Test func klippersButtonsHaveTheirCommand() {
        #expect(
            steps(
                "prompt_begin Dock", "prompt_text tilted", "prompt_button Again|REDO AXIS=X|warning",
                "prompt_button Go",
                "prompt_button_group_start", "prompt_show"
            ).last
                == .show(
                    HostPrompt(
                        number: 1, text: "Dock tilted",
                        buttons: [.init(label: "Again", command: "REDO AXIS=X"), .init(label: "Go", command: nil)])))
    }

    private func shown(_ rig: LinkRig) -> [HostPrompt?] {
        rig.events.all.compactMap { event -> HostPrompt?? in
            if case .prompt(let prompt) = event { .some(prompt) } else { nil }
        }
    }

    /// M0 waits in the midst of the queue, which the engine has filled behind it.
    @Test func marlinIsAnsweredPastItsQueue() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.hostPrompts))
        let identity = try await rig.connect()
        #expect(identity.capabilities.contains("PROMPT_SUPPORT"))
        let gcode = GCode.waitingInItsMidst(100)
        try rig.link.print(rig.job(gcode))
        try await eventually("it asks") { !shown(rig).isEmpty }
        let asked = try #require(shown(rig).last ?? nil)
        #expect(asked == prompt("M0 Stop", "Continue"))
        #expect(throws: LinkError.self) { try rig.link.answer(asked, button: 1, by: .m876) }
        try rig.link.answer(asked, button: 0, by: identity.dialect.promptAnswer)
        try await eventually("the job ends") { rig.events.ends == 1 }
        #expect(rig.events.finished == 1)
        #expect(rig.printer.snapshot().digest == GCode.digest(gcode))
        #expect(rig.printer.executedCommands.contains("M876 P1"))
        #expect(rig.printer.executedCommands.contains("M876 S0"))
    }

    @Test func firmwareWithoutPromptsIsNotToldOfThem() async throws {
        let rig = try LinkRig(.marlin2)
        try await rig.connect()
        try await rig.print(GCode.moves(20))
        #expect(!rig.printer.executedCommands.contains { $0.hasPrefix("M876") })
    }

    @Test func klipperGetsTheCommandOfTheButton() async throws {
        let rig = try LinkRig(.klipper)
        let identity = try await rig.connect()
        for part in ["begin Really?", "footer_button Yes|DO_IT NOW=1|error", "button No", "show"] {
            rig.printer.emitAction("prompt_" + part)
        }
        try await eventually("it asks") { !shown(rig).isEmpty }
        let asked = try #require(shown(rig).last ?? nil)
        try rig.link.answer(asked, button: 0, by: identity.dialect.promptAnswer)
        try await eventually("answered") { rig.printer.executedCommands.contains("DO_IT NOW=1") }
        rig.printer.emitAction("prompt_end")
        try await eventually("over") { shown(rig).last == .some(nil) }
    }
}
