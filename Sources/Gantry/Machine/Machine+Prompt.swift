import MarlinLink

// Questions of the printer.
extension Machine {
    /// What the printer asks now; nil when it asks nothing.
    public var prompt: HostPrompt? { core.withLock { $0.prompt } }

    /// Answers what the printer asks; `number` is that of the answer, from 1. Says what was asked where it is nil.
    public func answer(_ number: Int?) throws(MachineError) -> String {
        guard let prompt else { throw .wrongState("The printer asks nothing.") }
        guard let number else { return prompt.description }
        guard let button = prompt.button(numbered: number) else {
            throw .wrongState("There is no such answer. The printer asks: \(prompt)")
        }
        let link = try readyLink()
        let way = identity.dialect.promptAnswer
        do { try link.answer(prompt, button: button, by: way) } catch { throw .link(error) }
        noteForeignCommands()
        core.withLock { core in
            if core.prompt == prompt { core.prompt = nil }
        }
        noteAttention(waitsForUser: link.snapshot.readings.waitsForUser)
        return "The printer was told: \(prompt.buttons[button].label)"
    }

    /// Takes a new prompt of the printer, or its end. One without answers only tells something.
    func take(_ prompt: HostPrompt?) {
        if let prompt, prompt.buttons.isEmpty { return tell(.message("The printer says: \(prompt.text)")) }
        core.withLock { $0.prompt = prompt }
        noteAttention(waitsForUser: snapshot.readings.waitsForUser)
    }

    /// Tells whether somebody has to act.
    func noteAttention(waitsForUser: Bool) {
        let (isNew, reason) = core.withLock { core in
            // Marlin does not say so when somebody answers at the printer itself.
            if core.promptWaits, !waitsForUser { core.prompt = nil }
            core.promptWaits = core.prompt != nil && waitsForUser
            let reason = core.lostFile ?? core.prompt?.text ?? (waitsForUser ? "The printer waits for its user" : nil)
            defer { (core.attention, core.promptTold) = (reason, core.prompt) }
            return (core.attention != reason || core.promptTold != core.prompt, reason)
        }
        if isNew { tell(.attention(reason)) }
    }
}
