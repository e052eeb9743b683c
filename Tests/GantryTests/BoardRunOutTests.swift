import BoardIO
import Foundation
import Simulators
import Testing

@testable import Gantry

/// A run-out that the firmware deals with: from the sensor's edge to the M600 that the printer executes.
@Suite struct BoardRunOutTests {
    private func board(
        _ action: BoardConfiguration.RunOutAction, detectionLength: Double? = nil
    ) -> BoardConfiguration {
        var board = BoardConfiguration()
        board.filamentSensor = .init(
            input: .init(address: .offset(chip: "/dev/gpiochip4711", 0)), detectionLength: detectionLength,
            action: action)
        return board
    }

    private func filament(_ isPresent: Bool, isFirst: Bool = false, in rig: DaemonRig) {
        rig.daemon.board.take(.level(line: BoardDuties.filament, isActive: isPresent, isFirst: isFirst, at: 0))
    }

    private func changes(_ rig: DaemonRig) -> Int { rig.printer.executedCommands.count { $0 == "M600" } }

    @Test func theEdgeBecomesAnM600AndThePrintIsWhole() async throws {
        let file = Files.moves(300)
        let rig = try DaemonRig(files: ["a.gcode": file], board: board(.m600), printer: Files.slow)
        try await rig.run { rig in
            filament(true, isFirst: true, in: rig)
            try await rig.startPrint("a.gcode")
            try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 20 }
            filament(false, in: rig)
            try await eventually("the printer changes filament") { rig.daemon.snapshot.readings.waitsForUser }
            #expect(changes(rig) == 1)
            // In the midst of the print, not behind it.
            #expect(rig.printer.snapshot().digestedCommands < 300)
            #expect(rig.daemon.state == .printing)
            try await rig.waitForState("ATTENTION")
            let reasons = rig.server.events.compactMap { $0.name == "STATE_CHANGED" ? $0.reason : nil }
            #expect(reasons.contains("Filament ran out. The printer changes it."))
            filament(true, in: rig)
            // Connect's button for a printer that waits.
            #expect(try await rig.order("RESUME_PRINT").name == "FINISHED")
            try await rig.waitForState("FINISHED")
            let moves = String(decoding: file, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("G1 ") }
            #expect(rig.printer.executedCommands.filter { $0.hasPrefix("G1 ") } == moves.map(String.init))
            #expect(changes(rig) == 1)
        }
    }

    @Test func aSecondRunOutIsASecondChange() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], board: board(.m600), printer: Files.slow)
        try await rig.run { rig in
            filament(true, isFirst: true, in: rig)
            try await rig.startPrint("a.gcode")
            for count in 1...2 {
                filament(false, in: rig)
                try await eventually("it waits") { changes(rig) == count && rig.daemon.snapshot.readings.waitsForUser }
                filament(true, in: rig)
                rig.printer.pressButton()
                try await rig.waitForState("PRINTING")
            }
            try await rig.order("STOP_PRINT")
        }
    }

    /// A motion sensor has no level that says "filament": its pulses say so.
    @Test func aMotionSensorSeesTheNextRunOutToo() async throws {
        let file = Array(("M83\n" + (0..<3000).map { "G1 X\($0 % 90) E0.5 F6000\n" }.joined()).utf8)
        let rig = try DaemonRig(
            files: ["a.gcode": file], board: board(.m600, detectionLength: 10), printer: Files.slow)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            for count in 1...2 {
                try await eventually("it waits") { changes(rig) == count && rig.daemon.snapshot.readings.waitsForUser }
                try await rig.waitForState("ATTENTION")
                rig.printer.pressButton()
                rig.daemon.board.take(.pulses(line: BoardDuties.filament, count: 1))
                try await rig.waitForState("PRINTING")
            }
            try await rig.order("STOP_PRINT")
        }
    }

    /// While the start script runs there is nothing that could be paused: the pause follows.
    @Test func missingAtTheStartThePrintIsPausedBehindTheStartScript() async throws {
        var scripts = Scripts()
        scripts.start = Script(constant: ["M0"])
        let rig = try DaemonRig(
            files: ["a.gcode": Files.long], board: board(.pause), scripts: scripts, printer: Files.slow)
        try await rig.run { rig in
            filament(false, isFirst: true, in: rig)
            try await eventually("it is known") { rig.daemon.board.hasFilament == false }
            try await rig.startPrint("a.gcode")
            try await eventually("the printer waits") { rig.daemon.snapshot.readings.waitsForUser }
            rig.printer.pressButton()
            try await eventually("the print is paused") { rig.daemon.state == .paused }
            try await rig.order("STOP_PRINT")
        }
    }
}
