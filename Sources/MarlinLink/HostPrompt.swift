/// A question of the printer to its user, `//action:prompt_…` (Marlin's HOST_PROMPT_SUPPORT, Repetier, Klipper's macros).
public struct HostPrompt: Sendable, Equatable {
    /// Something that can be answered.
    public struct Button: Sendable, Equatable {
        /// What stands on it.
        public var label: String
        /// What Klipper wants to get when it is pressed; nil: the label.
        public var command: String?
    }

    /// Its number, from 1, since the link was opened.
    public var number: UInt64
    /// What is asked.
    public var text: String
    /// The answers, in the printer's order. None: it only tells something.
    public var buttons: [Button] = []

    /// Index of the answer that people know by this number, from 1; nil where there is none.
    public func button(numbered number: Int) -> Int? { buttons.indices.first { $0 + 1 == number } }
}

extension HostPrompt: CustomStringConvertible {
    /// `Nozzle Parked (1 Continue, 2 Purge More)`
    public var description: String {
        let answers = buttons.enumerated().map { "\($0.offset + 1) \($0.element.label)" }
        return "\(text) (\(answers.joined(separator: ", ")))"
    }
}

/// Puts a prompt together from the printer's lines.
struct HostPromptAssembly {
    /// What a line led to.
    enum Step: Equatable {
        /// It is no part of a prompt.
        case none
        /// Nothing to show yet.
        case more
        /// A prompt is shown, or what was shown is over (nil).
        case show(HostPrompt?)
    }

    private var count: UInt64 = 0
    private var open: HostPrompt?
    private var isShown = false

    /// What a printer can show; more is a damaged line or a printer gone wrong.
    private static let mostButtons = 9

    /// Takes the text of an action. Labels are cut at Klipper's bars, which nobody else writes.
    mutating func take(_ action: String) -> Step {
        guard action.hasPrefix("prompt_") else { return .none }
        let words = action.split(separator: " ", maxSplits: 1)
        let text = words.count > 1 ? String(words[1]) : ""
        switch words[0] {
        case "prompt_begin":
            // Marlin ends what was there before; a printer that does not means the new one all the same.
            count += 1
            open = HostPrompt(number: count, text: text)
            return close()
        case "prompt_text":
            guard let former = open?.text, !isShown else { return .more }
            open?.text = former.isEmpty ? text : former + " " + text
        case "prompt_button", "prompt_choice", "prompt_footer_button":
            guard let buttons = open?.buttons.count, buttons < Self.mostButtons, !isShown else { return .more }
            let parts = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            let command = parts.count > 1 && !parts[1].isEmpty ? parts[1] : nil
            open?.buttons.append(HostPrompt.Button(label: parts.first ?? "", command: command))
        case "prompt_show":
            guard let open, !isShown else { return .more }
            isShown = true
            return .show(open)
        case "prompt_end":
            open = nil
            return close()
        default: break
        }
        return .more
    }

    private mutating func close() -> Step {
        defer { isShown = false }
        return isShown ? .show(nil) : .more
    }

    /// The printer restarts: what it asked it has forgotten. The count goes on.
    mutating func forget() {
        open = nil
        isShown = false
    }
}

extension PrinterLink {
    /// Presses a button of a prompt, the first is 0, by the way of the printer's dialect. Marlin waits for it in the midst of a
    /// command: it gets it past all queues.
    public func answer(
        _ prompt: HostPrompt, button: Int, by way: FirmwareDialect.PromptAnswer
    ) throws(LinkError) {
        guard prompt.buttons.indices.contains(button) else { throw .badCommand("M876 S\(button)") }
        switch way {
        case .m876: try order(.answerPrompt(button: UInt8(button)))
        case .command: try send(prompt.buttons[button].command ?? prompt.buttons[button].label)
        }
    }
}
