// Firmware that hosts meet beside the Marlins and Prusa's. Not read off running boards: the answers are those that
// OctoPrint, printcore and the firmwares' own documents describe.

extension FirmwareProfile {
    /// Marlin 1.0, as boards of 2013 still have it: no busy messages, no automatic reports, no capabilities.
    public static let marlin1_0: FirmwareProfile = {
        var profile = FirmwareProfile(name: "marlin-1.0", summary: "Marlin 1.0: no busy messages", family: .marlin1)
        profile.capabilities.autoReportTemperatures = false
        profile.capabilities.busySeconds = 0
        profile.text.firmware = [
            "FIRMWARE_NAME:Marlin V1; Sprinter/grbl mashup for gen6 FIRMWARE_URL:https://github.com/ErikZalm/Marlin/ "
                + "PROTOCOL_VERSION:1.0 MACHINE_TYPE:RepRap EXTRUDER_COUNT:1 "
                + "UUID:00000000-0000-0000-0000-000000000000"
        ]
        profile.text.kill = ["Error:Printer halted. kill() called!"]
        profile.boot = BootScript(lines: script([(0, "start"), (10, "echo:Marlin 1.0.2")]), readyMilliseconds: 50)
        return profile
    }()

    /// Repetier-Firmware 1.0: `ok 5` as soon as a line is in the queue, `Resend:5`, `skip 5` for a repeated line,
    /// temperatures on a line of their own, `wait` when idle.
    public static let repetier: FirmwareProfile = {
        var profile = FirmwareProfile(
            name: "repetier", summary: "Repetier-Firmware: ok on receipt with its line number", family: .marlin1)
        profile.line.repeated = .skipped
        profile.line.renumbering = .prefixOnly
        profile.answers = AnswerRules(
            refusal: .repetier, onReceipt: true, lineNumber: true, temperaturesOnOk: false)
        profile.capabilities.autoReportTemperatures = false
        profile.capabilities.waitText = "wait"
        profile.queue.commands = 16
        profile.queue.commandsWhileBlocked = 16
        profile.text.resend = "Resend:"
        profile.text.busy = "busy:processing"
        profile.text.firmware = [
            "FIRMWARE_NAME:Repetier_1.0.4 FIRMWARE_URL:https://github.com/repetier/Repetier-Firmware/ "
                + "PROTOCOL_VERSION:1.0 MACHINE_TYPE:Mendel EXTRUDER_COUNT:1 REPETIER_PROTOCOL:3"
        ]
        profile.text.kill = ["fatal:Emergency stop"]
        profile.boot = BootScript(lines: script([(0, "start"), (5, "Info:PowerUp")]), readyMilliseconds: 50)
        return profile
    }()

    /// Smoothieware: `rs N5` without a word of explanation and without an `ok`, every wrong line answered for itself.
    public static let smoothie: FirmwareProfile = {
        var profile = FirmwareProfile(
            name: "smoothie", summary: "Smoothieware: rs N5, no ok behind it", family: .marlin1)
        profile.line.errorFlushesBuffer = false
        profile.line.renumbering = .prefixOnly
        profile.answers.refusal = .none
        profile.answers.oksAfterResend = 0
        profile.capabilities.autoReportTemperatures = false
        profile.capabilities.busySeconds = 0
        profile.queue.receiveBuffer = 256
        profile.text.end = "\r\n"
        profile.text.resendEnd = "\r\n"
        profile.text.resend = "rs N"
        profile.text.firmware = [
            "FIRMWARE_NAME:Smoothieware, FIRMWARE_URL:http%3A//smoothieware.org, X-SOURCE_CODE_URL:"
                + "https://github.com/Smoothieware/Smoothieware, FIRMWARE_VERSION:edge, PROTOCOL_VERSION:1.0"
        ]
        profile.text.kill = ["!!"]
        profile.boot = BootScript(lines: script([(0, "Smoothie"), (0, "ok")]), readyMilliseconds: 50)
        return profile
    }()

    /// Klipper, as far as a host tells it from Marlin: its name, and no capabilities. Not among `all`: it checks no line numbers,
    /// which this printer does.
    public static let klipper: FirmwareProfile = {
        var profile = FirmwareProfile(name: "klipper", summary: "Klipper: its name", family: .marlin1)
        profile.capabilities.autoReportTemperatures = false
        profile.capabilities.busySeconds = 0
        profile.text.firmware = ["FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0.12.0-85-gd785b396a"]
        profile.text.action = "// action:"
        profile.boot = BootScript(lines: script([(0, "// Klipper state: Ready")]), readyMilliseconds: 50)
        return profile
    }()

    /// Habits that some builds and clones have on top of what their firmware is known for.
    public struct Quirks: OptionSet, Sendable {
        /// One bit per habit.
        public let rawValue: Int
        /// Habits of these bits.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// A Resend is followed by no `ok`.
        public static let noOkAfterResend = Quirks(rawValue: 1)
        /// A Resend is followed by two.
        public static let twoOksAfterResend = Quirks(rawValue: 2)
        /// `rs 5` in place of `Resend: 5`.
        public static let shortResend = Quirks(rawValue: 4)
        /// The temperatures of an M105 stand on a line of their own.
        public static let temperaturesApart = Quirks(rawValue: 8)
        /// No busy messages.
        public static let neverBusy = Quirks(rawValue: 16)
        /// `ok N5 P15 B3` (ADVANCED_OK).
        public static let advancedOk = Quirks(rawValue: 32)
        /// An error does not clear the receive buffer: every line that was behind the bad one is refused as well.
        public static let keepsBufferOnError = Quirks(rawValue: 64)
        /// It reads MeatPack (Marlin's build option).
        public static let meatPack = Quirks(rawValue: 128)
        /// It asks its host's user where it waits for one (Marlin's HOST_PROMPT_SUPPORT).
        public static let hostPrompts = Quirks(rawValue: 256)
    }

    /// Whether an `ok` shows what it answers: by a line number, or by the temperatures of an M105.
    public var tellsOksApart: Bool {
        answers.temperaturesOnOk || answers.lineNumber || capabilities.advancedOk
    }

    /// Whether an `ok` says that its command was executed. Repetier's says that the line came in; OctoPrint's virtual
    /// printer names the last line that came in, whatever it answers.
    public var answersWhatWasExecuted: Bool { !answers.onReceipt && family != .octoPrint }

    /// Whether each command is answered by one `ok`, when it was executed, and a refused line by one at most.
    public var answersEachCommandOnce: Bool {
        answersWhatWasExecuted && answers.oksAfterResend <= 1 && !capabilities.secondOkAfterTemperatures
    }

    /// This firmware with these habits on top.
    public func with(_ quirks: Quirks) -> FirmwareProfile {
        var profile = self
        if quirks.contains(.noOkAfterResend) { profile.answers.oksAfterResend = 0 }
        if quirks.contains(.twoOksAfterResend) { profile.answers.oksAfterResend = 2 }
        if quirks.contains(.shortResend) { profile.text.resend = "rs " }
        if quirks.contains(.temperaturesApart) { profile.answers.temperaturesOnOk = false }
        if quirks.contains(.neverBusy) { profile.capabilities.busySeconds = 0 }
        if quirks.contains(.advancedOk) { profile.capabilities.advancedOk = true }
        if quirks.contains(.keepsBufferOnError) { profile.line.errorFlushesBuffer = false }
        if quirks.contains(.meatPack) {
            profile.capabilities.meatPack = true
            profile.text.firmware = profile.text.firmware.map { $0 == "Cap:MEATPACK:0" ? "Cap:MEATPACK:1" : $0 }
        }
        if quirks.contains(.hostPrompts) { profile.capabilities.hostPrompts = true }
        if !quirks.isEmpty { profile.name += "+\(quirks.rawValue)" }
        return profile
    }
}
