import MarlinLink
import PrusaConnect
import Testing

@testable import Gantry

@Suite struct GantryConfigurationTests {
    private func read(_ text: String) throws -> GantryConfiguration {
        try GantryConfiguration(INIFile(text: text, path: "gantry.ini"))
    }

    private func complaint(_ text: String) -> String {
        do {
            let configuration = try read(text)
            return "taken: \(configuration)"
        } catch {
            return "\(error)"
        }
    }

    @Test func defaultsAreThoseOfTheDocumentation() throws {
        for text in [
            "", "[printer]\n", "# nothing\n", "[printer]\nport =\nbaudrate=\ntype =\nserial_number=\nfirmware =\n",
        ] {
            let configuration = try read(text)
            #expect(configuration == GantryConfiguration())
        }
        let defaults = GantryConfiguration()
        #expect(defaults.port == "auto")
        #expect(defaults.baudrate == 115_200)
        #expect(defaults.type == nil)
        #expect(defaults.serialNumber == nil)
        #expect(defaults.firmware == nil)
        #expect(defaults.settings == "./prusa_printer_settings.ini")
        #expect(defaults.directory == "./gcodes")
        #expect(defaults.state == nil && defaults.stateDirectory == "./gantry-state")
    }

    @Test func everyKeyIsRead() throws {
        let configuration = try read(
            """
            ; a comment
            [printer]
            port = /dev/ttyACM0
            baudrate: 250000
            type = I3MK3S
            serial_number = CZPX4720X004XC34242
            firmware = 3.14.0-8237
            settings = /etc/gantry/prusa_printer_settings.ini
            directory = /srv/g code
            state = /var/lib/gantry/state
            """)
        #expect(configuration.port == "/dev/ttyACM0")
        #expect(configuration.baudrate == 250_000)
        #expect(configuration.type == .mk3s)
        #expect(configuration.serialNumber == "CZPX4720X004XC34242")
        #expect(configuration.firmware == "3.14.0-8237")
        #expect(configuration.settings == "/etc/gantry/prusa_printer_settings.ini")
        #expect(configuration.directory == "/srv/g code")
        #expect(configuration.stateDirectory == "/var/lib/gantry/state")
        #expect(configuration.link.port == "/dev/ttyACM0")
        #expect(configuration.link.baud == 250_000)
    }

    @Test(arguments: ["I3MK3S", "i3mk3s", "1.3.1"]) func typesByNameAndNumbers(_ name: String) throws {
        #expect(try read("[printer]\ntype = \(name)\n").type == .mk3s)
    }

    @Test(arguments: [
        ("printer.ini", "./gantry-state"), ("/etc/gantry/printer.ini", "/etc/gantry/gantry-state"),
    ])
    func theStateIsBesideTheSettings(_ settings: String, _ state: String) throws {
        #expect(try read("[printer]\nsettings = \(settings)\nstate =\n").stateDirectory == state)
    }

    @Test(arguments: [("on", true), ("Off", false), ("", false)]) func packing(_ value: String, _ isOn: Bool) throws {
        #expect(try read("[printer]\nmeatpack = \(value)\n").link.meatPack == isOn)
    }

    @Test func whatIsKnownBetterOfTheFirmware() throws {
        #expect(try read("[firmware]\ndialect = auto\n").link.firmware == FirmwareOverrides())
        let firmware = try read(
            """
            [firmware]
            dialect = Prusa
            packing = packed
            window = 8
            buffer = 255
            alarm = command_failed
            pause = M601
            resume = M602
            cancel = none
            prompt_answer = command
            """
        ).link.firmware
        var expected = FirmwareOverrides()
        expected.dialect = .prusa
        expected.packing = .packed
        (expected.windowLines, expected.windowBytes) = (8, 255)
        expected.alarm = .commandFailed
        (expected.pause, expected.resume, expected.cancel) = (
            .command("M601"), .command("M602"), FirmwareOverrides.Order.none
        )
        expected.promptAnswer = .command
        #expect(firmware == expected)
    }

    @Test(arguments: [
        ("dialect = grbl", "auto, prusa, klipper, marlin"), ("packing = on", "packed, without_blanks, no_spaces"),
        ("window = 17", "a whole number from 1 to 16"), ("buffer = 12", "a whole number from 64 to 1024"),
        ("alarm = yes", "halted, command_failed"), ("pause = M25 | M400", "one command, or none"),
        ("prompt_answer = M877", "m876, command"),
    ])
    func complaintsAboutTheFirmware(_ line: String, _ expected: String) {
        let key = line.prefix { $0 != " " }
        #expect(complaint("[firmware]\n\(line)\n") == "gantry.ini:2: \(key) in [firmware]: expected \(expected)")
    }

    @Test func keysMayBeWrittenInCapitals() throws {
        #expect(try read("[printer]\nPort = /dev/ttyS1\n").port == "/dev/ttyS1")
    }

    @Test(arguments: [
        (
            "[printer]\nport = a\nspeed = 9\n",
            "gantry.ini:3: there is no key speed; expected one of port, baudrate, meatpack, type, serial_number, "
                + "firmware, settings, directory, state"
        ),
        (
            "# x\n\n[printr]\nport = a\n",
            "gantry.ini:3: there is no section [printr]; expected [printer], [control], [firmware], [scripts], "
                + "[filament_sensor], [power], [usb], [emergency_stop], [door], [led]"
        ),
        (
            "[printer]\nbaudrate = fast\n",
            "gantry.ini:2: baudrate in [printer]: expected a whole number from 1200 to 4000000"
        ),
        (
            "[printer]\nbaudrate = 300\n",
            "gantry.ini:2: baudrate in [printer]: expected a whole number from 1200 to 4000000"
        ),
        (
            "[printer]\nbaudrate = -1\n",
            "gantry.ini:2: baudrate in [printer]: expected a whole number from 1200 to 4000000"
        ),
        (
            "[printer]\nbaudrate = 99999999999999999999\n",
            "gantry.ini:2: baudrate in [printer]: expected a whole number from 1200 to 4000000"
        ),
        ("[printer]\nmeatpack = maybe\n", "gantry.ini:2: meatpack in [printer]: expected on or off"),
        (
            "[printer]\n\ntype = MK9\n",
            "gantry.ini:3: type in [printer]: expected a model such as I3MK3S, MK4S or MINI, or its dotted numbers such as 1.3.1"
        ),
        ("port = /dev/ttyS0\n", "gantry.ini:1: port stands before the first [section]"),
        ("[printer\n", "gantry.ini:1: expected a heading such as [section]"),
        ("[printer]\nport\n", "gantry.ini:2: expected \"key = value\", \"[section]\" or a comment"),
        ("[printer]\nport = a\nport = b\n", "gantry.ini:3: port comes a second time in [printer], first in line 2"),
        ("[printer]\n[printer]\n", "gantry.ini:2: [printer] comes a second time, first in line 1"),
    ])
    func complaintsNameFileLineAndWhatWasExpected(_ text: String, _ expected: String) {
        #expect(complaint(text) == expected)
    }

    @Test func aMissingFileIsNamed() {
        #expect(throws: ConfigurationError.self) { try GantryConfiguration(path: "/nowhere/gantry.ini") }
        do {
            _ = try GantryConfiguration(path: "/nowhere/gantry.ini")
        } catch {
            #expect("\(error)" == "/nowhere/gantry.ini: cannot open: No such file or directory")
        }
    }

    @Test func theExampleForInstallationIsRight() throws {
        let example = try sourceText("hardware/gantry.ini")
        _ = try GantryConfiguration(INIFile(text: example, path: "hardware/gantry.ini"))
    }
}
