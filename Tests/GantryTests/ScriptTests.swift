import MarlinLink
import PrusaConnect
import Testing

@testable import Gantry

/// Commands with variables.
@Suite struct ScriptTests {
    @Test func variablesAreFilledIn() throws {
        var values = ScriptValues()
        values.file = "box.gcode"
        values.percent = 42
        values.layer = 7
        var state = JobState()
        state.x = 1.23456
        state.feedRate = 1800.4
        state.hotends = [0: 215]
        values.state = state
        let script = try Script([
            "M117 {percent}% of {file}, layer {layer}", "G1 X{x} F{feed_rate}", "M104 S{hotend}", "M106 S{fan}",
        ])
        #expect(
            script.rendered(values) == ["M117 42% of box.gcode, layer 7", "G1 X1.235 F1800", "M104 S215", "M106 S0"])
    }

    @Test func aCommandWithoutItsValueIsLeftOut() throws {
        let script = try Script(["G1 Z{z}", "M84"])
        #expect(script.rendered() == ["M84"])
    }

    @Test func whatIsNoScript() {
        #expect(throws: ScriptError.unknownVariable("foo")) { try Script(["G1 X{foo}"]) }
        #expect(throws: ScriptError.openBrace("G1 X{x")) { try Script(["G1 X{x"]) }
        #expect(throws: ScriptError.openBrace("G1 X}")) { try Script(["G1 X}"]) }
        #expect(throws: ScriptError.unavailable("z")) { try Script(["G1 Z{z}"], isPause: false) }
        #expect(throws: ScriptError.badCommand("M110 N5")) { try Script(["M110 N5"]) }
        #expect(throws: ScriptError.badCommand("N5 G1")) { try Script(["N5 G1"]) }
        let long = "M117 " + String(repeating: "x", count: 90)
        #expect(throws: ScriptError.badCommand(long)) { try Script([long]) }
    }

    private func scripts(_ text: String) throws -> Scripts {
        try GantryConfiguration(INIFile(text: text, path: "gantry.ini")).scripts
    }

    @Test func configuration() throws {
        #expect(try scripts("") == Scripts())
        let read = try scripts("[scripts]\npause = G91 | G1 Z5 F600 |G90|\ncancel = none\nresume =\n")
        #expect(read.pause.rendered() == ["G91", "G1 Z5 F600", "G90"])
        #expect(read.cancel.isEmpty)
        #expect(read.resume.isEmpty)
        #expect(try scripts("[scripts]\nresume =\n").cancel.rendered() == ["M104 S0", "M140 S0", "M107", "M84"])
    }

    @Test func aBadScriptIsNamedWithItsLine() throws {
        do {
            _ = try scripts("[scripts]\nstart = G28\npause = G1 X{there}\n")
            Issue.record("it was read")
        } catch let error as ConfigurationError {
            #expect(
                "\(error)".hasPrefix(
                    "gantry.ini:3: pause in [scripts]: expected commands with variables of these: {x} {y}"))
            #expect("\(error)".hasSuffix("there is no {there}"))
        }
        #expect(throws: ConfigurationError.self) { try scripts("[scripts]\nstart = G1 Z{z}\n") }
        #expect(throws: ConfigurationError.self) { try scripts("[scripts]\nbegin = G28\n") }
    }
}
