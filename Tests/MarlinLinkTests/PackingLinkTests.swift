import CSerial
import Foundation
import GCodeStream
import Simulators
import Testing

@testable import MarlinLink

/// Packed lines over a real pseudo-terminal.
@Suite struct PackingLinkTests {
    /// What a printer executes of `gcode` when blanks are left out of its moves.
    private func packedDigest(_ gcode: [UInt8]) -> String {
        let lines = String(decoding: gcode, as: UTF8.self).split(separator: "\n").map { line in
            line.hasPrefix("G1 ") ? line.filter { $0 != " " } : String(line)
        }
        return GCode.digest(Array(lines.joined(separator: "\n").utf8))
    }

    @Test func aPrinterThatReadsItGetsPackedLines() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.meatPack), link: { $0.meatPack = true })
        try await rig.connect()
        #expect(rig.link.snapshot.packing == .noSpaces)
        let gcode = GCode.moves(500)
        try await rig.print(gcode)
        #expect(rig.events.finished == 1)
        #expect(rig.printer.snapshot().digest == packedDigest(gcode))
        #expect(rig.printer.snapshot().statistics.resendsRequested == 0)
        let packed = rig.link.snapshot.bytesSent
        let plainRig = try LinkRig(.marlin2Custom.with(.meatPack))
        try await plainRig.connect()
        #expect(plainRig.link.snapshot.packing == .none)
        try await plainRig.print(gcode)
        #expect(packed * 10 < plainRig.link.snapshot.bytesSent * 6)
    }

    /// `Cap:MEATPACK:1` was of another port, or there is none: the query is not answered.
    @Test(arguments: [FirmwareProfile.marlin2, .prusa3_9, .marlin1]) func othersGetPlainLines(
        _ firmware: FirmwareProfile
    ) async throws {
        let rig = try LinkRig(firmware, link: { $0.meatPack = true })
        try await rig.connect()
        #expect(rig.link.snapshot.packing == .none)
        let gcode = GCode.moves(50)
        try await rig.print(gcode)
        #expect(rig.printer.snapshot().digest == GCode.digest(gcode))
    }

    @Test func prusasFirmwareSaysNothingOfItAndHasIt() async throws {
        let rig = try LinkRig(.prusa3_13, link: { $0.meatPack = true })
        let identity = try await rig.connect()
        #expect(identity.dialect == .prusa)
        #expect(rig.link.snapshot.packing == .withoutBlanks)
        // Read as one number, Y20E5 would be two million.
        try await rig.print(Array("G28\nG1 X10 Y20 E5 F6000\nG1 X11 Y21 E6\n".utf8))
        #expect(rig.events.finished == 1)
        #expect(rig.printer.snapshot().position.y == 21)
    }

    @Test func aResetEndsPackingAndTheNextGreetingBeginsIt() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.meatPack), link: { $0.meatPack = true })
        try await rig.connect()
        try rig.link.print(rig.job(GCode.waitingInItsMidst(100)))
        try await eventually("the printer waits") { rig.link.snapshot.readings.waitsForUser }
        rig.printer.pressReset()
        try await eventually("ready again") { rig.events.identities.count == 2 }
        #expect(rig.events.failures.count == 1)
        #expect(rig.link.snapshot.packing == .noSpaces)
        try await rig.print(GCode.moves(100))
        #expect(rig.events.finished == 1)
    }

    /// A process that was killed leaves a printer that takes plain text for packed lines.
    @Test func theNextProcessIsUnderstood() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.meatPack))
        do {
            let port = try SerialPort(path: rig.link.configuration.port, baud: 115_200)
            _ = cserial_write(port.descriptor, [0xFF, 0xFF, 0xFB], 3)
            try await eventually("the printer has it") { rig.printer.snapshot().statistics.bytesReceived == 3 }
        }
        try await rig.connect()
        try await rig.print(GCode.moves(50))
        #expect(rig.printer.snapshot().digest == GCode.digest(GCode.moves(50)))
    }

    @Test func closingLeavesAPrinterThatReadsText() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.meatPack), link: { $0.meatPack = true })
        try await rig.connect()
        rig.link.close()
        let port = try SerialPort(path: rig.link.configuration.port, baud: 115_200)
        let before = rig.printer.snapshot().statistics
        _ = cserial_write(port.descriptor, Array("M115\n".utf8), 5)
        try await eventually("the question is executed") {
            rig.printer.snapshot().statistics.commandsExecuted == before.commandsExecuted + 1
        }
        #expect(rig.printer.snapshot().statistics.unknownCommands == before.unknownCommands)
    }

    @Test func aPulledCableIsToldOnce() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.meatPack), link: { $0.meatPack = true })
        try await rig.connect()
        rig.printer.hangUp()
        try await eventually("down") { rig.events.down != nil }
        rig.link.close()
        #expect(rig.events.all.count { if case .down = $0 { true } else { false } } == 1)
    }

    @Test func anEmergencyStopIsPlainText() async throws {
        let rig = try LinkRig(.marlin2Custom.with(.meatPack), link: { $0.meatPack = true })
        try await rig.connect()
        try rig.link.print(rig.job(GCode.waitingInItsMidst(100)))
        try await eventually("the printer waits") { rig.link.snapshot.readings.waitsForUser }
        try rig.link.emergencyStop()
        try await eventually("halted") { rig.printer.snapshot().state == .halted }
    }
}
