import GCodeStream
import Simulators
import Testing

@testable import MarlinLink

/// The table of dialects, and what a user may change of it.
@Suite struct FirmwareDialectTests {
    private func row(_ line: String) -> FirmwareDialect {
        let bytes = Array(line.utf8)
        return .of(bytes.span)
    }

    @Test(arguments: [
        ("FIRMWARE_NAME:Marlin 2.1.2 (Nov 22 2026 07:42:22) PROTOCOL_VERSION:1.0", FirmwareDialect.marlin),
        ("FIRMWARE_NAME:Marlin V1; Sprinter/grbl mashup for gen6", .marlin),
        ("FIRMWARE_NAME:Prusa-Firmware 3.13.3 based on Marlin FIRMWARE_URL:https://github.com/", .prusa),
        ("FIRMWARE_NAME:Repetier_1.0.4 PROTOCOL_VERSION:1.0", .marlin),
        ("FIRMWARE_NAME:Smoothieware, PROTOCOL_VERSION:1.0", .marlin),
        ("FIRMWARE_NAME: RepRapFirmware for Duet 2 FIRMWARE_VERSION: 3.4", .marlin),
        ("ok FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0.12.0", .klipper),
    ])
    func theRowFollowsFromTheName(_ line: String, _ expected: FirmwareDialect) { #expect(row(line) == expected) }

    @Test func eachRowHasItsName() {
        for row in FirmwareDialect.all { #expect(FirmwareDialect.named(row.name) == row) }
        #expect(FirmwareDialect.named("PRUSA") == .prusa)
        #expect(FirmwareDialect.named("auto") == nil)
    }

    @Test func theUserKnowsBetter() {
        var overrides = FirmwareOverrides()
        #expect(overrides.applied(to: .prusa) == .prusa)
        overrides.dialect = .klipper
        #expect(overrides.applied(to: .prusa) == .klipper)
        overrides.packing = .packed
        overrides.windowLines = 2
        overrides.windowBytes = 64
        overrides.alarm = .halted
        overrides.pause = .command("PAUSE")
        overrides.resume = FirmwareOverrides.Order.none
        overrides.cancel = .command("M0")
        overrides.promptAnswer = .m876
        let result = overrides.applied(to: .marlin)
        #expect(result.name == "klipper" && result.packing == .packed)
        #expect(result.windowLines == 2 && result.windowBytes == 64 && result.alarm == .halted)
        #expect(result.pause == "PAUSE" && result.resume == nil && result.cancel == "M0")
        #expect(result.promptAnswer == .m876)
    }

    /// What is asked for again is on its way for as long as a full window takes on the wire.
    @Test func aLargerBufferTakesLongerToSettle() {
        let configuration = LinkConfiguration(port: "/dev/null", baud: 10_000)
        var dialect = FirmwareDialect.marlin
        #expect(configuration.stream(for: dialect) == configuration.stream)
        dialect.windowBytes += 100
        #expect(configuration.stream(for: dialect).settleTime == configuration.stream.settleTime + 100_000_000)
    }

    @Test func theWindowIsThatOfTheDialect() async throws {
        for (window, expected) in [(nil, 4), (2, 2), (16, 16)] as [(Int?, UInt8)] {
            let rig = try LinkRig(.marlin1, link: { $0.firmware.windowLines = window })
            try await rig.connect()
            let gcode = GCode.moves(200)
            try await rig.print(gcode)
            #expect(rig.link.snapshot.windowLines == expected)
            #expect(rig.printer.snapshot().digest == GCode.digest(gcode))
        }
    }

    @Test func linesArePackedAsTheUserKnowsIt() async throws {
        let rig = try LinkRig(
            .prusa3_13,
            link: {
                $0.meatPack = true
                $0.firmware.packing = .packed
            })
        let identity = try await rig.connect()
        #expect(rig.link.snapshot.packing == .packed)
        #expect(identity.dialect.packing == .packed && identity.dialect.resume == "M602")
    }

    /// Klipper says `!!` of any command that fails, and works on; to others it is the last word before a reset.
    @Test(arguments: [FirmwareProfile.klipper, .smoothie]) func aLineOfAlarm(_ firmware: FirmwareProfile) async throws {
        let rig = try LinkRig(firmware)
        try await rig.connect()
        try rig.link.print(rig.job(GCode.waitingInItsMidst(20)))
        try await eventually("it prints") { rig.link.snapshot.jobCommands > 20 }
        rig.printer.emit("!! Must home axis first: 1.0 2.0 3.0")
        try await eventually("it has failed") { rig.events.failures.count == 1 }
        if firmware.name == "klipper" {
            guard case .stream(.firmwareError, let text) = rig.events.failures[0] else {
                Issue.record("failed with \(rig.events.failures)")
                return
            }
            #expect(text.contains("Must home axis"))
            rig.printer.pressButton()
            try rig.link.run(["M104 S0"], limit: 10)
        } else {
            guard case .stream(.printerHalted, _) = rig.events.failures[0] else {
                Issue.record("failed with \(rig.events.failures)")
                return
            }
            #expect(throws: LinkError.self) { try rig.link.run(["M104 S0"], limit: 1) }
        }
    }
}
