extension FirmwareProfile {
    /// Build options of Marlin 2.1.2.
    public struct Marlin2Options: OptionSet, Sendable {
        /// One bit per option.
        public let rawValue: Int
        /// Options of these bits.
        public init(rawValue: Int) { self.rawValue = rawValue }

        /// `ok N1 P14 B3`.
        public static let advancedOk = Marlin2Options(rawValue: 1)
        /// M108, M112 and M410 act while they are received.
        public static let emergencyParser = Marlin2Options(rawValue: 2)
        /// M155.
        public static let autoReportTemperatures = Marlin2Options(rawValue: 4)
        /// M154.
        public static let autoReportPosition = Marlin2Options(rawValue: 8)
        /// `//action:` messages.
        public static let hostActions = Marlin2Options(rawValue: 16)
        /// A heated bed.
        public static let heatedBed = Marlin2Options(rawValue: 32)
    }

    /// Marlin 2.1.2 as printer makers build it: a heated bed and M155, nothing else.
    public static let marlin2 = marlin2(
        [.autoReportTemperatures, .heatedBed], name: "marlin-2.1.2", summary: "Marlin 2.1.2, heated bed, M155")

    /// Marlin 2.1.2 with the stock RAMPS configuration: no bed.
    public static let marlin2Stock = marlin2(
        [.autoReportTemperatures], name: "marlin-2.1.2-stock", summary: "Marlin 2.1.2, stock RAMPS configuration")

    /// Marlin 2.1.2 with everything a host may like.
    public static let marlin2Custom = marlin2(
        [.advancedOk, .emergencyParser, .autoReportTemperatures, .autoReportPosition, .hostActions, .heatedBed],
        name: "marlin-2.1.2-custom",
        summary: "Marlin 2.1.2 with ADVANCED_OK, EMERGENCY_PARSER, M154, M155, host actions, bed")

    /// Marlin 2.1.2 with the given options.
    public static func marlin2(_ options: Marlin2Options, name: String, summary: String) -> FirmwareProfile {
        var profile = FirmwareProfile(name: name, summary: summary, family: .marlin2)
        profile.line.repeated = .dropped
        profile.capabilities.advancedOk = options.contains(.advancedOk)
        profile.capabilities.emergencyParser = options.contains(.emergencyParser)
        profile.capabilities.autoReportTemperatures = options.contains(.autoReportTemperatures)
        profile.capabilities.autoReportPosition = options.contains(.autoReportPosition)
        profile.capabilities.hostActions = options.contains(.hostActions)
        profile.capabilities.reportsPositionAfterHoming = true
        profile.machine.hasBed = options.contains(.heatedBed)
        profile.machine.firstMoveDelay = 100_000_000
        if options.contains(.hostActions) { profile.speed.move = 3_950_000 }
        profile.text.firmware = marlin2Firmware(options)
        profile.text.endstops = ["Reporting endstop status", "x_min: open", "y_min: open", "z_min: open"]
        profile.text.settings = lines(marlin2Settings)
        profile.text.kill = ["echo:M112 Shutdown", "Error:Printer halted. kill() called!"]
        if options.contains(.hostActions) { profile.text.kill.append("//action:poweroff") }
        profile.text.feedRate = "FR:%%"
        profile.text.flow = "echo:E0 Flow: %%"
        profile.boot = marlin2Boot(options)
        return profile
    }

    /// Marlin 1.1.9 with the stock RAMPS configuration: no bed.
    public static let marlin1 = marlin1Profile()

    static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
    }

    static func script(_ steps: [(UInt64, String)], end: String = "\n") -> [(milliseconds: UInt64, text: String)] {
        steps.map { (milliseconds: $0.0, text: $0.1 + end) }
    }

    private static func marlin2Firmware(_ options: Marlin2Options) -> [String] {
        let identity =
            "FIRMWARE_NAME:Marlin 2.1.2 (Nov 22 2026 07:42:22) SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin "
            + "PROTOCOL_VERSION:1.0 MACHINE_TYPE:3D Printer EXTRUDER_COUNT:1 "
            + "UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff"
        let options: [(String, Bool)] = [
            ("SERIAL_XON_XOFF", false), ("BINARY_FILE_TRANSFER", false), ("EEPROM", options.contains(.hostActions)),
            ("VOLUMETRIC", true), ("AUTOREPORT_POS", options.contains(.autoReportPosition)),
            ("AUTOREPORT_TEMP", options.contains(.autoReportTemperatures)), ("PROGRESS", false), ("PRINT_JOB", true),
            ("AUTOLEVEL", false), ("RUNOUT", false), ("Z_PROBE", false), ("LEVELING_DATA", false),
            ("BUILD_PERCENT", false), ("SOFTWARE_POWER", false), ("TOGGLE_LIGHTS", false),
            ("CASE_LIGHT_BRIGHTNESS", false), ("EMERGENCY_PARSER", options.contains(.emergencyParser)),
            ("HOST_ACTION_COMMANDS", options.contains(.hostActions)),
            ("PROMPT_SUPPORT", options.contains(.hostActions)), ("SDCARD", false), ("REPEAT", false),
            ("SD_WRITE", false), ("AUTOREPORT_SD_STATUS", false), ("LONG_FILENAME", false), ("LFN_WRITE", false),
            ("CUSTOM_FIRMWARE_UPLOAD", false), ("EXTENDED_M20", false), ("THERMAL_PROTECTION", true),
            ("MOTION_MODES", false), ("ARCS", true), ("BABYSTEPPING", false), ("CHAMBER_TEMPERATURE", false),
            ("COOLER_TEMPERATURE", false), ("MEATPACK", false), ("CONFIG_EXPORT", false),
        ]
        return [identity] + options.map { "Cap:\($0.0):\($0.1 ? 1 : 0)" }
    }

    private static func marlin2Boot(_ options: Marlin2Options) -> BootScript {
        var steps: [(UInt64, String)] = [
            (0, "start"), (2, "Marlin 2.1.2"),
            (9, "echo: Last Updated: 2022-12-17 | Author: (none, default config)"),
            (9, "echo: Compiled: Nov 22 2026"),
            (12, "echo: Free Memory: 5602  PlannerBufferBytes: 1136"),
        ]
        if options.contains(.hostActions) {
            steps += [
                (22, "echo:EEPROM version mismatch (EEPROM=? Marlin=V87)"),
                (26, "//action:notification EEPROM Version Error"),
                (30, "//action:notification EEPROM Version Error"),
                (36, "//action:notification Hardcoded Default Settings Loaded"),
                (40, "echo:Hardcoded Default Settings Loaded"), (69, "//action:prompt_end"),
            ]
        } else {
            steps.append((13, "echo:Hardcoded Default Settings Loaded"))
            steps += lines(marlin2Settings).map { (14, $0) }
        }
        return BootScript(lines: script(steps), readyMilliseconds: options.contains(.hostActions) ? 75 : 50)
    }

    private static func marlin1Profile() -> FirmwareProfile {
        var profile = FirmwareProfile(
            name: "marlin-1.1.9", summary: "Marlin 1.1.9, stock RAMPS configuration", family: .marlin1)
        profile.capabilities.positionWaitsForMoves = true
        profile.capabilities.reportsPositionAfterHoming = true
        profile.machine.hasBed = false
        profile.machine.stepsPerMillimetre = SIMD4(80, 80, 4000, 500)
        profile.machine.homingNanoseconds = 12_600_000_000
        let identity =
            "FIRMWARE_NAME:Marlin 1.1.9 (Github) SOURCE_CODE_URL:https://github.com/MarlinFirmware/Marlin "
            + "PROTOCOL_VERSION:1.0 MACHINE_TYPE:3D Printer EXTRUDER_COUNT:1 "
            + "UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff"
        let capabilities = [
            "SERIAL_XON_XOFF:0", "EEPROM:0", "VOLUMETRIC:1", "AUTOREPORT_TEMP:1", "PROGRESS:0", "PRINT_JOB:1",
            "AUTOLEVEL:0", "Z_PROBE:0", "LEVELING_DATA:0", "BUILD_PERCENT:0", "SOFTWARE_POWER:0", "TOGGLE_LIGHTS:0",
            "CASE_LIGHT_BRIGHTNESS:0", "EMERGENCY_PARSER:0", "AUTOREPORT_SD_STATUS:0", "THERMAL_PROTECTION:1",
        ]
        profile.text.firmware = [identity] + capabilities.map { "Cap:\($0)" }
        profile.text.endstops = ["Reporting endstop status", "x_min: open", "y_min: open", "z_min: open"]
        profile.text.settings = lines(marlin1Settings)
        profile.text.kill = ["Error:Printer halted. kill() called!"]
        profile.text.toolChange = "echo:Active Extruder: 0"
        profile.text.flow = "echo:E0 Flow: %%"
        let steps: [(UInt64, String)] =
            [
                (0, "start"), (1, "echo:Marlin 1.1.9"), (1, ""),
                (4, "echo: Last Updated: 2018-08-01 | Author: (none, default config)"),
                (6, "echo:Compiled: Nov 22 2026"),
                (8, "echo: Free Memory: 5581  PlannerBufferBytes: 1232"),
                (10, "echo:Hardcoded Default Settings Loaded"),
            ] + lines(marlin1Settings).map { (11, $0) }
        profile.boot = BootScript(lines: script(steps), readyMilliseconds: 50)
        return profile
    }

    private static let marlin2Settings = """
        echo:; Linear Units:
        echo:  G21 ; (mm)
        echo:; Temperature Units:
        echo:  M149 C ; Units in Celsius
        echo:; Filament settings (Disabled):
        echo:  M200 S0 D1.75
        echo:; Steps per unit:
        echo:  M92 X80.00 Y80.00 Z400.00 E500.00
        echo:; Max feedrates (units/s):
        echo:  M203 X300.00 Y300.00 Z5.00 E25.00
        echo:; Max Acceleration (units/s2):
        echo:  M201 X3000.00 Y3000.00 Z100.00 E10000.00
        echo:; Acceleration (units/s2) (P<print-accel> R<retract-accel> T<travel-accel>):
        echo:  M204 P3000.00 R3000.00 T3000.00
        echo:; Advanced (B<min_segment_time_us> S<min_feedrate> T<min_travel_feedrate> J<junc_dev>):
        echo:  M205 B20000.00 S0.00 T0.00 J0.01
        echo:; Home offset:
        echo:  M206 X0.00 Y0.00 Z0.00
        echo:; Hotend PID:
        echo:  M301 P22.20 I1.08 D114.00
        """

    private static let marlin1Settings = """
        echo:  G21    ; (mm)

        echo:Filament settings: Disabled
        echo:  M200 D3.00
        echo:  M200 D0
        echo:Steps per unit:
        echo:  M92 X80.00 Y80.00 Z4000.00 E500.00
        echo:Maximum feedrates (units/s):
        echo:  M203 X300.00 Y300.00 Z5.00 E25.00
        echo:Maximum Acceleration (units/s2):
        echo:  M201 X3000 Y3000 Z100 E10000
        echo:Acceleration (units/s2): P<print_accel> R<retract_accel> T<travel_accel>
        echo:  M204 P3000.00 R3000.00 T3000.00
        echo:Advanced: Q<min_segment_time_us> S<min_feedrate> T<min_travel_feedrate> X<max_x_jerk> Y<max_y_jerk> \
        Z<max_z_jerk> E<max_e_jerk>
        echo:  M205 Q20000 S0.00 T0.00 X10.00 Y10.00 Z0.30 E5.00
        echo:Home offset:
        echo:  M206 X0.00 Y0.00 Z0.00
        echo:PID settings:
        echo:  M301 P22.20 I1.08 D114.00
        """
}
