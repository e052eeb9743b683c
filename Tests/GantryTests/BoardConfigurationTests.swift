import BoardIO
import PrusaConnect
import Testing

@testable import Gantry

@Suite struct BoardConfigurationTests {
    private func read(_ text: String) throws -> BoardConfiguration {
        try GantryConfiguration(INIFile(text: text, path: "gantry.ini")).board
    }

    private func complaint(_ text: String) -> String {
        do { return "taken: \(try read(text))" } catch { return "\(error)" }
    }

    @Test func withoutSectionsThereIsNothing() throws {
        #expect(try read("[printer]\n").isEmpty)
    }

    @Test func everyKeyIsRead() throws {
        let board = try read(
            """
            [filament_sensor]
            line = gpiochip0:17
            active_low = yes
            pull = up
            debounce = 50
            type = motion
            detection_length = 10.5
            action = m600
            [power]
            line = RELAY
            active_low = on
            drive = open_drain
            at_start = off
            at_exit = off
            boot_time = 9
            idle_off = 30
            hotend_limit = 45
            off_when_halted = no
            cycle_time = 3
            reset = yes
            [usb]
            mount = no
            read_only = no
            directory = /srv/media/
            [emergency_stop]
            line = GPIO5
            [door]
            line = GPIO6
            pull = down
            action = report
            [led]
            line = GPIO13
            """)
        let sensor = try #require(board.filamentSensor)
        #expect(sensor.input.address == .offset(chip: "/dev/gpiochip0", 17))
        #expect(sensor.input.isActiveLow && sensor.input.bias == .pullUp && sensor.input.debounce == 50)
        #expect(sensor.detectionLength == 10.5 && sensor.action == .m600)
        let power = try #require(board.power)
        #expect(
            power.address == .name("RELAY") && power.isActiveLow && power.drive == .openDrain && power.resetsByPower)
        #expect(power.policy.atStart == .off && power.policy.atExit == .off)
        #expect(power.policy.bootTime == 9_000_000_000 && power.policy.cyclePause == 3_000_000_000)
        #expect(power.policy.idleOff == 1_800_000_000_000)
        #expect(power.policy.hotendLimit == 45 && !power.policy.offWhenHalted)
        let sticks = try #require(board.storage)
        #expect(sticks.mounting == .none && !sticks.isReadOnly && sticks.directory == "/srv/media")
        #expect(sticks.reservedNames == ["local"])
        #expect(board.emergencyStop?.address == .name("GPIO5"))
        #expect(board.door?.bias == .pullDown && !board.doorPauses)
        #expect(board.led?.address == .name("GPIO13"))
    }

    @Test func aLineIsEnough() throws {
        let board = try read("[filament_sensor]\nline = GPIO17\n[power]\nline = GPIO27\n[usb]\n")
        #expect(board.filamentSensor?.detectionLength == nil)
        #expect(board.filamentSensor?.action == .pause)
        #expect(board.power?.policy == PowerPolicy.Settings())
        #expect(board.storage?.mounting == .auto && board.storage?.isReadOnly == true)
    }

    @Test(
        arguments: [
            ("auto", .auto), ("udisks2", .udisks2), ("kernel", .kernel), ("none", .none), ("yes", .auto), ("no", .none),
            ("", .auto), ("UDisks2", .udisks2),
        ] as [(String, StickSettings.Mounting)])
    func waysOfMounting(_ word: String, _ expected: StickSettings.Mounting) throws {
        #expect(try read("[usb]\nmount = \(word)\n").storage?.mounting == expected)
    }

    @Test func aMotionSensorHasALength() throws {
        #expect(try read("[filament_sensor]\nline = A\ntype = motion\n").filamentSensor?.detectionLength == 7)
    }

    @Test(arguments: [
        ("[filament_sensor]\n", "gantry.ini:1: line in [filament_sensor]: expected a line such as gpiochip0:17"),
        ("[power]\nline = gpiochip0\n", "gantry.ini:2: line in [power]: expected a line such as gpiochip0:17"),
        ("[power]\nline = 17 18\n", "gantry.ini:2: line in [power]"),
        ("[door]\nline = A\npull = sideways\n", "gantry.ini:3: pull in [door]: expected none, up, down"),
        ("[door]\nline = A\naction = m600\n", "gantry.ini:3: action in [door]: expected pause, report"),
        ("[power]\nline = A\nat_exit = maybe\n", "gantry.ini:3: at_exit in [power]: expected keep, on, off"),
        ("[power]\nline = A\nboot_time = -1\n", "gantry.ini:3: boot_time in [power]: expected a whole number"),
        (
            "[power]\nline = A\nvoltage = 230\n",
            "gantry.ini:3: there is no key voltage; expected one of line, active_low"
        ),
        (
            "[filament_sensor]\nline = A\ndetection_length = 7\n",
            "gantry.ini:3: detection_length in [filament_sensor]: expected nothing, unless type is motion"
        ),
        (
            "[filament_sensor]\nline = A\ntype = motion\ndetection_length = nan\n",
            "gantry.ini:4: detection_length in [filament_sensor]: expected a number"
        ),
        ("[usb]\nmount = fuse\n", "gantry.ini:2: mount in [usb]: expected auto, udisks2, kernel, none"),
        ("[usb]\ndirectory = media\n", "gantry.ini:2: directory in [usb]: expected a path that begins with /"),
        (
            "[relay]\n",
            "gantry.ini:1: there is no section [relay]; expected [printer], [control], [firmware], [scripts]"
        ),
    ])
    func complaintsNameLineAndKey(_ text: String, _ expected: String) {
        #expect(complaint(text).hasPrefix(expected), "\(complaint(text))")
    }
}
