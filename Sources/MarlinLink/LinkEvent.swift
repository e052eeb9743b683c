import GCodeStream

/// What a printer's firmware says of itself (M115).
public struct FirmwareIdentity: Sendable, Equatable {
    /// `FIRMWARE_NAME`, "Marlin 2.1.2 (…)" or "Prusa-Firmware 3.13.3 based on Marlin"; empty when it did not say.
    public var firmware = ""
    /// `MACHINE_TYPE`, "Prusa i3 MK3S" for example.
    public var machine = ""
    /// `UUID`, empty when it has none.
    public var uuid = ""
    /// `EXTRUDER_COUNT`; 1 when it did not say.
    public var extruders = 1
    /// The `Cap:` lines with a 1.
    public var capabilities: Set<String> = []
    /// How this firmware wants to be spoken to: its row of the table, and what the configuration changes of it.
    public internal(set) var dialect = FirmwareDialect.marlin

    /// Nothing known.
    public init() {}

    /// Takes a line of the answer to M115; true when it was one.
    mutating func take(_ line: String) -> Bool {
        if line.hasPrefix("Cap:") {
            let parts = line.dropFirst(4).split(separator: ":")
            if parts.count == 2, parts[1] == "1" { capabilities.insert(String(parts[0])) }
            return true
        }
        guard let start = line.firstRange(of: "FIRMWARE_NAME:") else { return false }
        for (key, value) in Self.fields(line[start.lowerBound...]) {
            switch key {
            case "FIRMWARE_NAME":
                firmware = value
                let text = Array(value.utf8)
                dialect = .of(text.span)
            case "MACHINE_TYPE": machine = value
            case "UUID": uuid = value
            case "EXTRUDER_COUNT": extruders = Int(value) ?? 1
            default: break
            }
        }
        return true
    }

    /// `KEY:value KEY:value`: a key is upper case with underscores, a value may hold blanks and colons.
    private static func fields(_ line: Substring) -> [(String, String)] {
        var result: [(String, String)] = []
        for word in line.split(separator: " ") {
            if let colon = word.firstIndex(of: ":"), colon != word.startIndex,
                word[..<colon].allSatisfy({ $0.isUppercase || $0 == "_" })
            {
                result.append((String(word[..<colon]), String(word[word.index(after: colon)...])))
            } else if !result.isEmpty {
                result[result.count - 1].1 += " " + word
            }
        }
        return result
    }
}

/// An order of the printer to its host, `//action:…` (Marlin's HOST_ACTION_COMMANDS, Prusa's `// action:…`).
public enum HostAction: Sendable, Equatable {
    /// The host is to pause; `paused`: the printer has.
    case pause, paused
    /// The host is to go on; `resumed`: the printer has.
    case resume, resumed
    /// The host is to end the job.
    case cancel
    /// The host is to start what is selected.
    case start
    /// The printer was set ready, or not ready, at its own display (Prusa).
    case ready, notReady
    /// The printer asks to be switched off after a kill.
    case powerOff
    /// Another action, with its text.
    case other(String)

    /// Reads an action; nil when the line is none.
    init?(line: String) {
        guard line.hasPrefix("//") else { return nil }
        let rest = line.dropFirst(2).drop { $0 == " " }
        guard rest.hasPrefix("action:") else { return nil }
        let text = rest.dropFirst(7).trimmingBlanks
        switch text {
        case "pause": self = .pause
        case "paused": self = .paused
        case "resume": self = .resume
        case "resumed": self = .resumed
        case "cancel": self = .cancel
        case "start": self = .start
        case "ready": self = .ready
        case "not_ready": self = .notReady
        case "poweroff": self = .powerOff
        default: self = .other(text)
        }
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        var text = self
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text.drop { $0.isWhitespace })
    }
}

/// Why a job ended before its end.
public enum JobFailure: Error, Sendable, Equatable {
    /// The engine gave up; `text` is the firmware's own last error, empty when it gave none.
    case stream(StreamFailure, text: String)
    /// The file could not be read on.
    case file(JobFileError)
    /// The connection broke.
    case link(LinkError)
}

extension JobFailure: CustomStringConvertible {
    /// What happened, to what, and what to do.
    public var description: String {
        switch self {
        case .file(let error): return error.description
        case .link(let error): return error.description
        case .stream(let failure, let text):
            let words = text.isEmpty ? "" : " The firmware says: \(text)"
            switch failure {
            case .printerReset: return "The printer restarted during the print; it cannot be continued." + words
            case .printerHalted: return "The firmware halted. Find the cause, then reset the printer." + words
            case .firmwareError: return "The firmware reported an error." + words
            case .printerSilent: return "The printer stopped answering. Check cable and power." + words
            case .tooManyResends(let line):
                return
                    "The printer asked for line \(line) again and again. Is the wire disturbed (cable, power supply)?"
                    + words
            case .resendOutOfRange(let line):
                return "The printer asks for line \(line), which was never sent or long done: its count is lost."
                    + words
            case .notSynchronised: return "The printer does not agree on a line count (M110)." + words
            case .emergencyStopped: return "Emergency stop." + words
            case .commandTooLong: return "A command is longer than the firmware takes: the file was changed." + words
            case .lineNumbersExhausted: return "The job has more commands than line numbers."
            }
        }
    }
}

/// News from the link, delivered in order on a thread of its own.
public enum LinkEvent: Sendable, Equatable {
    /// The printer answered and agreed on a line count: jobs and commands may come.
    case ready(FirmwareIdentity)
    /// Everything of the job was executed.
    case jobFinished
    /// The job ended early. After `.stream(.printerReset…)` a new `.ready` follows by itself.
    case jobFailed(JobFailure)
    /// The job's file cannot be read on, its medium was pulled for example. The job is paused: `continueJob(with:)` when
    /// the file is there again, then `resume`; or `cancel`.
    case mediumLost(JobFileError)
    /// The printer restarted, or a halted one came back, while no job ran; `.ready` follows.
    case printerRestarted
    /// The firmware halted while no job ran; nothing works until it is reset.
    case printerHalted(text: String)
    /// A host action command.
    case action(HostAction)
    /// The printer asks something; nil: no longer. It is forgotten with a restart.
    case prompt(HostPrompt?)
    /// Any other line of the printer, its answers to commands among them.
    case line(String)
    /// The printer asked for a line again.
    case resend(line: UInt32)
    /// The link is down for good: close it and open a new one.
    case down(LinkError)
}
