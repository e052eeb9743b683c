extension FirmwareProfile {
    /// Like OctoPrint 1.11.8's virtual printer: `Resend:2` without a blank, N P B on every `ok`, M105's temperatures
    /// behind them, `wait` when idle.
    public static let octoPrintLike: FirmwareProfile = {
        var profile = FirmwareProfile(
            name: "octoprint", summary: "Like the virtual printer of OctoPrint 1.11.8", family: .octoPrint)
        profile.line.comment = .acknowledged
        profile.line.maximumLength = 319
        profile.line.renumbering = .prefixOnly
        profile.line.refusesNumberWithoutChecksum = false
        profile.line.errorFlushesBuffer = false
        profile.line.checksChecksumFirst = true
        profile.answers.refusal = .octoPrint
        profile.capabilities.advancedOk = true
        profile.capabilities.autoReportPosition = true
        profile.capabilities.emergencyParser = true
        profile.capabilities.waitText = "wait"
        profile.capabilities.busySeconds = 1
        profile.queue.receiveBuffer = 4096
        profile.queue.commands = 5
        profile.queue.commandsWhileBlocked = 5
        profile.machine.plannerBlocks = 5
        profile.machine.coldExtrusionBelow = 0
        profile.machine.homingNanoseconds = 0
        profile.machine.highest = SIMD4(repeating: .infinity)
        profile.machine.lowest = SIMD4(repeating: -.infinity)
        profile.machine.residency = 1_000_000_000
        profile.machine.stepsPerMillimetre = SIMD4(100, 100, 100, 100)
        profile.text.resend = "Resend:"
        profile.text.busy = "busy:processing"
        profile.text.firmware =
            ["FIRMWARE_NAME:Virtual Marlin 1.0 PROTOCOL_VERSION:1.0"]
            + [
                "AUTOREPORT_TEMP:1", "AUTOREPORT_SD_STATUS:1", "AUTOREPORT_POS:0", "EMERGENCY_PARSER:1",
                "EXTENDED_M20:0", "LFN_WRITE:0",
            ].map { "Cap:\($0)" }
        profile.text.settings = ["echo:; Steps per unit:", "echo: M92 X80.0 Y80.0 Z800.0 E90.0"]
        profile.text.kill = ["echo:EMERGENCY SHUTDOWN DETECTED. KILLED."]
        profile.text.toolChange = "Active Extruder: 0"
        profile.boot = BootScript(
            lines: script([(0, "start"), (0, "Marlin: Virtual Marlin!"), (0, "\u{80}"), (0, "SD card ok")]),
            readyMilliseconds: 0)
        return profile
    }()
}
