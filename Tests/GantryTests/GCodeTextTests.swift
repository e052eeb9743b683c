import PrusaConnect
import Testing

@testable import Gantry

@Suite struct GCodeTextTests {
    @Test(arguments: [
        ("G28", ["G28"]),
        ("G28\nM104 S215\n", ["G28", "M104 S215"]),
        ("\r\n  G28  \r\n\r\n;only a comment\r\nM117 Žluť ; said\r", ["G28", "M117 Žluť"]),
        ("G1 X1;G1 X2", ["G1 X1"]),
        ("\u{FEFF}G28\n", ["G28"]),
        ("M1100\nM11", ["M1100", "M11"]),
    ])
    func commandsOfAText(_ text: String, _ expected: [String]) throws {
        #expect(try ConnectBridge.commands(in: text) == expected)
    }

    @Test(arguments: [
        ("", "There is no command in this G-code"),
        ("\n ; nothing\n\r\n", "There is no command in this G-code"),
        ("G28\nM110 N5\nG28", "Line 2: M110 is not possible, Gantry numbers the lines itself"),
        ("M110", "Line 1: M110 is not possible, Gantry numbers the lines itself"),
        ("M110N0", "Line 1: M110 is not possible, Gantry numbers the lines itself"),
    ])
    func refused(_ text: String, _ expected: String) {
        #expect(throws: CommandError(expected)) { try ConnectBridge.commands(in: text) }
    }

    @Test func aLineThatTheFirmwareCannotTakeIsNamed() {
        let text = "G28\nM117 " + String(repeating: "x", count: 200)
        do {
            _ = try ConnectBridge.commands(in: text)
            Issue.record("a line of 205 characters was taken")
        } catch {
            #expect(error.message.hasPrefix("Line 2: 205 characters are more than the firmware takes: M117 xxx"))
        }
        // With the largest line number and the checksum 95 characters are the limit.
        let longest = "M117 " + String(repeating: "x", count: 74)
        #expect(throws: Never.self) { try ConnectBridge.commands(in: longest) }
        #expect(throws: CommandError.self) { try ConnectBridge.commands(in: longest + "x") }
    }
}
