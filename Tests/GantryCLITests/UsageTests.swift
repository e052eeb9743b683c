import Foundation
import Testing

@Suite struct UsageTests {
    @Test(arguments: [
        ["print"], ["print", "a.gcode", "b.gcode"], ["print", "a.gcode", "--window", "0"],
        ["print", "a.gcode", "--window", "17"], ["print", "a.gcode", "--baud", "5"],
        ["print", "a.gcode", "--baud", "fast"], ["print", "a.gcode", "--timeout", "0"],
        ["print", "a.gcode", "--frobnicate"],
        ["frobnicate"], ["run", "--log-level", "loud"], ["run", "--type", "MK9"], ["run", "--baudrate", "9"],
        ["register", "--server-port", "99999"], ["register", "--type", "MK9"],
        ["register", "--type", "MK3S", "--serial-number", "S", "--settings", "x.ini", "--hostname", "https://x/"],
        ["simulate", "printer", "--firmware", "klipper"], ["simulate", "printer", "--faults", "seed=x"],
        ["simulate", "printer", "--speed", "0"], ["simulate", "printer", "--baud", "9600", "--unpaced"],
        ["simulate", "connect", "--port", "70000"], ["demo", "--layers", "0"], ["demo", "--speed", "0.5"],
    ])
    func wrongUsageIsStatus2(_ arguments: [String]) async throws {
        let folder = try TemporaryDirectory()
        let process = try GantryProcess(arguments, in: folder.path)
        #expect(try await process.end() == 2)
        #expect(process.standardError.contains("Error: "))
        #expect(process.standardOutput == "")
    }

    @Test(arguments: [["--help"], ["help"], ["print", "--help"], ["simulate", "printer", "--help"]])
    func helpIsStatus0(_ arguments: [String]) async throws {
        let process = try GantryProcess(arguments, in: NSTemporaryDirectory())
        #expect(try await process.end() == 0)
        #expect(process.standardOutput.contains("USAGE: gantry"))
        #expect(process.standardError == "")
    }

    @Test func doctorShowsTheBoard() async throws {
        let ended = try await gantry("doctor")
        #expect(ended.status == 0)
        #expect(ended.output.hasPrefix("gantry "))
    }
}
