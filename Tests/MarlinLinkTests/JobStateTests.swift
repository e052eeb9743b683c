import GCodeStream
import Testing

@testable import MarlinLink

/// What commands set up.
@Suite struct JobStateTests {
    private func state(_ gcode: String, rule: JobState.ExtruderRule = .followsAxes) -> JobState {
        var state = JobState(rule: rule)
        for line in gcode.split(separator: "\n") {
            var command = CommandBuffer()
            command.set(Array(line.utf8).span)
            state.take(command)
        }
        return state
    }

    @Test func movesToAndBy() {
        let moved = state("G1 X10 Y-2.5 Z.2 F3000\nG91\nG1 X1.5 Z0.2\nG0 Y 1 F 1200")
        #expect(moved.x == 11.5)
        #expect(moved.y == -1.5)
        #expect(abs((moved.z ?? 0) - 0.4) < 1e-9)
        #expect(moved.feedRate == 1200)
        #expect(moved.isRelative)
        #expect(moved.highestZ == moved.z)
    }

    @Test func arcsEndWhereTheySay() {
        let arc = state("G1 X0 Y0\nG2 X10 Y5 I5 J0 E1.5")
        #expect(arc.x == 10)
        #expect(arc.y == 5)
        #expect(arc.e == 1.5)
    }

    @Test func aPositionIsUnknownUntilItIsTold() {
        #expect(state("G91\nG1 Z5").z == nil)
        let homed = state("G1 X1 Y2 Z3\nG28 X")
        #expect(homed.x == nil)
        #expect(homed.y == 2)
        #expect(state("G1 X1 Y2 Z3\nG28 W").z == nil)
        #expect(state("G1 X1 Y2 Z3\nG28\nG1 X5").x == 5)
    }

    @Test func extrusionIsCountedInBothModes() {
        let absolute = state("M82\nG92 E0\nG1 X1 E5\nG1 E3\nG92 E0\nG1 X2 E1")
        #expect(absolute.extruded == 4)
        #expect(absolute.e == 1)
        let relative = state("M83\nG1 X1 E5\nG1 E-2\nG1 X2 E1")
        #expect(relative.extruded == 4)
        #expect(relative.isExtruderRelative)
    }

    @Test(arguments: [
        ("G1 X1 E5\nG1 X2 E7.5\n", 7.5), ("M83\nG1 E1\nG1 E1\nG1 E-0.5\n", 1.5), ("G1 E5\nG92 E0\nG1 E5\n", 10),
        ("G92\nG1 E2\n", 2), ("G91\nG1 E2\nG1 E2\nG90\nG1 E3\n", 3), ("; G1 E5\nG1 X1 ; E5\n", 0), ("G1 E5", 5),
        ("g1 x1 e5\n", 5), ("G1X1E5\n", 5), ("M104 S200\nG28 E\nG4 P500\n", 0), ("G2 X1 Y1 I1 J0 E3\r\n", 3),
        ("N5 nonsense\nG1 Exyz\nG1 E1\n", 1), ("M117 E5 left\n", 0),
    ])
    func addsUpWhatIsExtruded(_ text: String, _ expected: Double) {
        var state = JobState()
        var scanner = CommandScanner()
        for byte in text.utf8 where scanner.feed(byte) == .command { state.take(scanner.command) }
        if scanner.end() == .command { state.take(scanner.command) }
        #expect(abs(state.extruded - expected) < 1e-9)
    }

    @Test func whetherG90SetsEIsTheFirmwaresBusiness() {
        #expect(state("M83\nG90").isExtruderRelative == false)
        #expect(state("M83\nG90", rule: .ownMode).isExtruderRelative)
        #expect(state("G91").isExtruderRelative)
        #expect(state("G91", rule: .ownMode).isExtruderRelative == false)
    }

    @Test func aNewNameMovesNothing() {
        let named = state("G1 X10 E4\nG92 X0 E1")
        #expect(named.x == 0)
        #expect(named.e == 1)
        #expect(named.extruded == 4)
        #expect(named.isShifted)
        #expect(state("G92 E0").isShifted == false)
        let all = state("G1 X10 Y1 Z3 E4\nG92")
        #expect([all.x, all.y, all.z, all.e] == [0, 0, 0, 0])
        #expect(state("G1 X10\nG92.1").x == 10)
    }

    @Test func inchesAreMillimetres() {
        let inches = state("G20\nG1 X1 F10")
        #expect(inches.x == 25.4)
        #expect(inches.feedRate == 254)
        #expect(state("G20\nG21\nG1 X1").x == 1)
    }

    @Test func temperaturesByTool() {
        let heated = state("M104 S210\nM104 T1 S200\nM140 S60\nM190 R55\nT1\nM109 R205\nM141 S40")
        #expect(heated.hotends == [0: 210, 1: 205])
        #expect(heated.hotend == 205)
        #expect(heated.bed == 55)
        #expect(heated.chamber == 40)
        #expect(heated.tool == 1)
    }

    @Test(arguments: ["T?", "Tx", "Tc", "M117 T1 G1 X5", "", "X5", "G", ";"])
    func otherThingsChangeNothing(_ command: String) {
        var untouched = JobState()
        var buffer = CommandBuffer()
        buffer.set(Array(command.utf8).span)
        untouched.take(buffer)
        #expect(untouched == JobState())
    }

    @Test func fans() {
        #expect(state("M106 S127.6\nM106 P1\nM106 S300 P2\nM107 P1").fans == [0: 127, 1: 0, 2: 255])
    }

    @Test func settingsAreMergedByLetter() {
        let set = state("M900 K0.05\nM204 P1250 T1500\nM201 X500 Y500\nM204 P800\nM221 S95\nM84 X")
        #expect(
            set.settings.map(\.command)
                == ["M201 X500 Y500", "M204 P800 T1500", "M221 S95", "M900 K0.05"])
    }

    @Test func firmwareRetraction() {
        #expect(state("G10").isRetracted)
        #expect(state("G10\nG11").isRetracted == false)
        #expect(state("G10 P0 S200").isRetracted == false)
    }

    @Test func smallLettersAndBlanksCount() {
        let small = state(" g1x1y2 e.5\ng 1 x 3")
        #expect(small.x == 3)
        #expect(small.y == 2)
        #expect(small.e == 0.5)
    }

    @Test func numbersAsGCodeHasThem() {
        #expect(0.05.gcode() == "0.05")
        #expect(1250.0.gcode() == "1250")
        #expect((-12.345678).gcode(digits: 3) == "-12.346")
        #expect(0.000001.gcode() == "0")
        #expect((-0.000001).gcode() == "0")
        #expect(100.0.gcode(digits: 0) == "100")
        #expect(Double.nan.gcode() == "0")
        #expect(Double.infinity.gcode() == "0")
    }

    @Test(arguments: [
        "G1 X99999999999999999999999999999", "M106 S1e99", "T99999", "M104 T-1 S5", "M104 T300 S5", "G1 X--5 Y.",
        "G1 X1.2.3",
    ])
    func oddNumbersDoNoHarm(_ command: String) { _ = state(command) }
}
