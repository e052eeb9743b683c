extension FirmwareProfile {
    /// Prusa MK3S, firmware 3.13.3.
    public static let prusa3_13 = prusa3_13Profile()

    /// Prusa MK3S, firmware 3.9.0.
    public static let prusa3_9 = prusa3_9Profile()

    private static func prusa(name: String, summary: String) -> FirmwareProfile {
        var profile = FirmwareProfile(name: name, summary: summary, family: .prusa)
        profile.line.comment = .swallowsLines
        profile.line.long = .split
        profile.line.refusesChecksumWithoutNumber = true
        profile.line.fullBufferText = "Full RX Buffer"
        profile.queue.commands = 64
        profile.queue.commandsWhileBlocked = 3
        profile.queue.bytes = 388
        profile.machine.startPosition = SIMD4(0, 0, 0.15, 0)
        profile.machine.homePosition = SIMD4(0.2, -3.8, 0.15, 0)
        profile.machine.lowest = SIMD4(0, -4, 0.15, -.infinity)
        profile.machine.highest = SIMD4(255, 212.5, 210, .infinity)
        profile.machine.stepsPerMillimetre = SIMD4(100, 100, 400, 280)
        profile.machine.highestSpeed = SIMD4(200, 200, 12, 120)
        profile.machine.homingNanoseconds = 20_200_000_000
        profile.machine.coldExtrusionBelow = 175
        profile.machine.residency = 3_000_000_000
        profile.speed = ProcessorSpeed(line: 800_000, report: 0, move: 3_500_000)
        profile.capabilities.autoReportPosition = false
        profile.text.toolChange = "echo:Active Extruder: 0"
        profile.text.action = "// action:"
        profile.text.homing = [
            (4, "tmc2130_home_enter(axes_mask=0x04)\n"),
            (461, "tmc2130_home_exit tmc2130_sg_homing_axes_mask=0x04\n"),
            (465, "tmc2130_home_enter(axes_mask=0x01)\n"),
            (1514, "  0 step= 0 mscnt=   0\n"),
            (1530, "tmc2130_home_exit tmc2130_sg_homing_axes_mask=0x01\n"),
            (1619, "tmc2130_home_enter(axes_mask=0x02)\n"),
            (2731, "  0 step= 0 mscnt=   0\n"),
            (2744, "tmc2130_home_exit tmc2130_sg_homing_axes_mask=0x02\n"),
        ]
        return profile
    }

    private static func identity(_ version: String) -> String {
        "FIRMWARE_NAME:Prusa-Firmware \(version) based on Marlin "
            + "FIRMWARE_URL:https://github.com/prusa3d/Prusa-Firmware PROTOCOL_VERSION:1.0 "
            + "MACHINE_TYPE:Prusa i3 MK3S EXTRUDER_COUNT:1 UUID:00000000-0000-0000-0000-000000000000"
    }

    private static func prusa3_13Profile() -> FirmwareProfile {
        var profile = prusa(name: "mk3s-3.13.3", summary: "Prusa MK3S, firmware 3.13.3")
        profile.line.unfinishedLineTimeout = 2_000_000_000
        profile.capabilities.secondOkAfterTemperatures = true
        profile.capabilities.meatPack = true
        profile.capabilities.rebootAfterKill = 4_500_000_000
        profile.text.firmware =
            [identity("3.13.3")]
            + ["AUTOREPORT_TEMP:1", "AUTOREPORT_FANS:1", "AUTOREPORT_POSITION:1", "EXTENDED_M20:1", "PRUSA_MMU2:1"]
            .map { "Cap:\($0)" }
        profile.text.endstops = endstops(x: "TRIGGERED", y: "TRIGGERED")
        profile.text.settings = lines(settings3_13)
        profile.text.kill = ["Error:Printer halted. kill() called!", "M112 called. Emergency Stop."]
        profile.text.toolChangeEndsLine = false
        profile.text.feedRate = "%%"
        profile.text.flow = "%%"
        profile.text.screenChange = "LCD status changed"
        let memory = "echo: Free Memory: 2457  PlannerBufferBytes: 1760"
        let updated = "echo: Last Updated: 2024-02-27 17:16:52 | Author: (none, default config)"
        profile.boot = BootScript(
            lines: script([
                (0, "start"), (1064, ";S"), (1156, "SN update failed"), (1158, "echo: 3.13.3-7591"),
                (1159, "SpoolJoin is Off"), (1160, "PowerUp"), (1167, updated), (1172, memory),
                (1212, "echo:Hardcoded Default Settings Loaded"), (1290, "adc_init"),
                (2433, "Hotend fan type: NOCTUA"), (2435, "CrashDetect ENABLED!"), (5850, "echo:SD init fail"),
                (7160, "echo:SD init fail"),
            ]),
            afterKill: script([
                (0, "start"), (628, ";S"), (667, "SN update failed"), (667, "echo: 3.13.3-7591"),
                (667, "SpoolJoin is Off"), (670, updated), (671, memory),
                (672, "echo:Hardcoded Default Settings Loaded"), (701, "adc_init"), (926, "Hotend fan type: NOCTUA"),
                (927, "CrashDetect ENABLED!"),
            ]),
            readyMilliseconds: 7200)
        return profile
    }

    private static func prusa3_9Profile() -> FirmwareProfile {
        var profile = prusa(name: "mk3s-3.9.0", summary: "Prusa MK3S, firmware 3.9.0")
        profile.line.findsCodeAnywhere = true
        profile.capabilities.autoReportTemperatures = false
        profile.capabilities.busyWhileHeating = false
        profile.text.end = "\r\n"
        profile.text.firmware = [identity("3.9.0")]
        profile.text.endstops = endstops(x: "open", y: "open")
        profile.text.settings = lines(settings3_9)
        profile.text.kill = ["KILL: 2\n", "Error:Printer halted. kill() called!", "M112 called. Emergency Stop."]
        profile.boot = BootScript(
            lines: [
                (0, "start\n"), (3098, "echo: 3.9.0-3421\n"), (3099, "PowerUp\n"),
                (3106, "echo: Last Updated: Jun  2 2020 09:00:51 | Author: (none, default config)\r\n"),
                (3108, "Compiled: Jun  2 2020\r\n"),
                (3113, "echo: Free Memory: 1712  PlannerBufferBytes: 1792\r\n"),
                (3117, "echo:Hardcoded Default Settings Loaded\r\n"), (3119, "adc_init\n"),
                (4211, "Extruder fan type: NOCTUA\r\n"), (4212, "CrashDetect ENABLED!\n"),
                (5308, "FSensor DISABLED (sensor board revision: 0.3 or older)\n"),
                (7495, "echo:SD init fail\r\n"), (9527, "echo:SD init fail\r\n"),
            ],
            readyMilliseconds: 9550)
        return profile
    }

    private static func endstops(x: String, y: String) -> [String] {
        [
            "Reporting endstop status", "x_min: open", "x_max: \(x)", "y_min: open", "y_max: \(y)", "z_min: open",
            "z_max: TRIGGERED",
        ]
    }

    private static let settingsHead = """
        echo:Steps per unit:
        echo:  M92 X100.00 Y100.00 Z400.00 E280.00
        echo:UStep resolution:\u{20}
        echo: M350 X16 Y16 Z16 E32
        echo:Maximum feedrates - normal (mm/s):
        echo:  M203 X200.00 Y200.00 Z12.00 E120.00
        echo:Maximum feedrates - stealth (mm/s):
        echo:  M203 X100.00 Y100.00 Z12.00 E120.00
        echo:Maximum acceleration - normal (mm/s2):
        echo:  M201 X1000 Y1000 Z200 E5000
        echo:Maximum acceleration - stealth (mm/s2):
        echo:  M201 X960 Y960 Z200 E5000
        """

    private static let settingsTail = """
        echo:Home offset (mm):
        echo:  M206 X0.00 Y0.00 Z0.00
        echo:PID settings:
        echo:   M301 P16.13 I1.16 D56.23
        echo:PID heatbed settings:
        echo:   M304 P126.13 I4.30 D924.76
        echo:Retract: S=Length (mm) F:Speed (mm/m) Z: ZLift (mm)
        echo:   M207 S3.00 F2700.00 Z0.00
        echo:Recover: S=Extra length (mm) F:Speed (mm/m)
        echo:   M208 S0.00 F480.00
        echo:Auto-Retract: S=0 to disable, 1 to interpret extrude-only moves as retracts or recoveries
        echo:   M209 S0
        echo:Filament settings: Disabled
        """

    private static let settings3_13 =
        settingsHead + """

            echo:Acceleration: P=print, R=retract, T=travel
            echo:  M204 P1250.00 R1250.00 T1250.00
            echo:Advanced variables: S=Min feedrate (mm/s), T=Min travel feedrate (mm/s), B=minimum segment time (us), \
            X=maximum XY jerk (mm/s),  Z=maximum Z jerk (mm/s),  E=maximum E jerk (mm/s)
            echo:  M205 S0.00 T0.00 B20000 X10.00 Y10.00 Z0.40 E4.50

            """ + settingsTail + """

            echo:Arc Settings: P:Max length(mm) S:Min length (mm) N:Corrections R:Min segments F:Segments/sec.
            echo:  M214 P1.00 S0.50 N25 R20 F0
            """

    private static let settings3_9 =
        settingsHead + """

            echo:Acceleration: S=acceleration, T=retract acceleration
            echo:  M204 S1250.00 T1250.00
            echo:Advanced variables: S=Min feedrate (mm/s), T=Min travel feedrate (mm/s), B=minimum segment time (ms), \
            X=maximum XY jerk (mm/s),  Z=maximum Z jerk (mm/s),  E=maximum E jerk (mm/s)
            echo:  M205 S0.00 T0.00 B0.00 X10.00 Y10.00 Z0.40 E4.50

            """ + settingsTail
}
