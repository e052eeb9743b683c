import GCodeStream
import Testing

@testable import MarlinLink

@Suite struct PrinterReadingsTests {
    /// Readings after `lines`, and whether the last one was a reading.
    private func readings(_ lines: String...) -> (PrinterReadings, wasReading: Bool) {
        var readings = PrinterReadings()
        var wasReading = false
        for line in lines {
            let bytes = Array(line.utf8)
            wasReading = readings.update(from: bytes.span, reply: Reply.parse(bytes.span))
        }
        return (readings, wasReading)
    }

    struct Temperatures: Sendable {
        var line: String
        var hotend: Float
        var hotendTarget: Float?
        var bed: Float?
        var bedTarget: Float?
        var chamber: Float?
    }

    // Lines of Marlin 1.1.9 and 2.1.2, MK3S 3.9.0 and 3.13.3 and OctoPrint's virtual printer; the last four as Marlin's
    // documentation of M105 and M155 has them.
    @Test(arguments: [
        Temperatures(line: "ok T:25.00 /0.00 @:0", hotend: 25, hotendTarget: 0),
        Temperatures(line: " T:25.00 /0.00 @:0", hotend: 25, hotendTarget: 0),
        Temperatures(line: " T:32.40 /60.00 @:127 W:?", hotend: 32.4, hotendTarget: 60),
        Temperatures(
            line: "ok T:25.00 /0.00 B:25.00 /0.00 @:0 B@:0", hotend: 25, hotendTarget: 0, bed: 25, bedTarget: 0),
        Temperatures(
            line: " T:199.50 /215.00 B:59.87 /60.00 @:127 B@:33 W:2", hotend: 199.5, hotendTarget: 215, bed: 59.87,
            bedTarget: 60),
        Temperatures(
            line: "ok T:25.5 /0.0 B:25.5 /0.0 T0:25.5 /0.0 @:0 B@:0 P:25.5 A:25.4", hotend: 25.5, hotendTarget: 0,
            bed: 25.5, bedTarget: 0),
        Temperatures(line: "T:28.0 E:0 W:?", hotend: 28),
        Temperatures(line: "T:28.0 E:0 W:?\r", hotend: 28),
        Temperatures(line: "T:25.31", hotend: 25.31),
        Temperatures(
            line: "ok N4 P4 B4 T:21.30/ 0.00 B:21.30/ 0.00 @:64", hotend: 21.3, hotendTarget: 0, bed: 21.3,
            bedTarget: 0),
        Temperatures(
            line: "T:21.30/ 0.00 B:21.30/ 0.00 @:64", hotend: 21.3, hotendTarget: 0, bed: 21.3, bedTarget: 0),
        Temperatures(
            line: "ok T:201.0 /202.0 B:117.0 /120.0 C:49.3 /50.0 @:0", hotend: 201, hotendTarget: 202, bed: 117,
            bedTarget: 120, chamber: 49.3),
        Temperatures(
            line: "ok T0:201.0 /202.0 T1:33.0 /0.0 B:117.0 /120.0 @:0", hotend: 201, hotendTarget: 202, bed: 117,
            bedTarget: 120),
        Temperatures(line: "ok T:-14.00 /0.00 @:0", hotend: -14, hotendTarget: 0),
        Temperatures(line: "ok B:60.00 /60.00 T:180 /200", hotend: 180, hotendTarget: 200, bed: 60, bedTarget: 60),
    ])
    func temperatures(_ expected: Temperatures) {
        let (readings, wasReading) = readings(expected.line)
        #expect(wasReading)
        #expect(readings.hotend.current == expected.hotend)
        #expect(same(readings.hotend.target, expected.hotendTarget))
        #expect(same(readings.bed.current, expected.bed))
        #expect(same(readings.bed.target, expected.bedTarget))
        #expect(same(readings.chamber.current, expected.chamber))
        #expect(readings.temperatureReports == 1)
    }

    private func same(_ value: Float, _ expected: Float?) -> Bool { expected.map { $0 == value } ?? value.isNaN }

    @Test func aReportWithoutTargetKeepsTheTarget() {
        let (readings, _) = readings("ok T:20.0 /215.0 B:20.0 /60.0", "T:28.0 E:0 W:?")
        #expect(readings.hotend.current == 28)
        #expect(readings.hotend.target == 215)
        #expect(readings.bed.target == 60)
    }

    struct Position: Sendable {
        var line: String
        var position: [Float]
    }

    @Test(arguments: [
        Position(line: "X:0.00 Y:0.00 Z:0.15 E:0.00 Count X:0 Y:0 Z:600", position: [0, 0, 0.15, 0]),
        Position(line: "X:60.00 Y:20.50 Z:0.00 E:-1.25 Count X:4800 Y:1600 Z:0", position: [60, 20.5, 0, -1.25]),
        Position(
            line: "X:0.00 Y:-4.00 Z:0.15 E:0.00 Count X: 0.00 Y:-4.00 Z:0.15 E:0.00\r", position: [0, -4, 0.15, 0]),
        Position(line: "ok N0 P4 B4 X:10.0 Y:20.0 Z:0 E:0 Count: A:6000 B:2000 C:0", position: [10, 20, 0, 0]),
        Position(line: "X:10.0 Y:10.0 Z:0.0 E:0.0 Count: A:1000 B:1000 C:0", position: [10, 10, 0, 0]),
    ])
    func positions(_ expected: Position) {
        let (readings, wasReading) = readings(expected.line)
        #expect(wasReading)
        #expect([readings.x, readings.y, readings.z, readings.e] == expected.position)
        #expect(readings.temperatureReports == 0)
    }

    @Test(arguments: [
        "echo:busy: processing", "start", "ok", "Error:checksum mismatch, Last Line: 3", "Resend: 4",
        "echo:  M92 X80.00 Y80.00 Z400.00 E500.00", "x_min: open", "FIRMWARE_NAME:Marlin 2.1.2",
        "Cap:AUTOREPORT_TEMP:1",
        "TM: error |-1.226590|>1.200000", "echo:Unknown command: \"M9999\"", "Probe at T:now", "T:", "X:1.0 Y:2.0", "",
    ])
    func linesThatAreNone(_ line: String) {
        let (readings, wasReading) = readings(line)
        #expect(!wasReading)
        #expect(readings.hotend.current.isNaN)
        #expect(readings.x.isNaN)
        #expect(readings.temperatureReports == 0)
    }

    @Test func fansOfPrusa() {
        let (readings, wasReading) = readings("E0:4800 RPM PRN1:3540 RPM E0@:255 PRN1@:120")
        #expect(wasReading)
        #expect(readings.hotendFan == 4800)
        #expect(readings.printFan == 3540)
        #expect(readings.hotend.current.isNaN)
    }

    @Test func cardProgress() {
        let (readings, wasReading) = readings("SD printing byte 123456/4567890")
        #expect(wasReading)
        #expect(readings.sdPosition == 123_456)
        #expect(readings.sdTotal == 4_567_890)
        #expect(!self.readings("Not SD printing").wasReading)
    }

    @Test func heatingEndsWithTheOk() {
        #expect(readings(" T:32.40 /60.00 @:127 W:?").0.isHeating)
        #expect(readings("T:28.0 E:0 W:?", "echo:busy: processing").0.isHeating)
        #expect(!readings("T:28.0 E:0 W:?", "ok").0.isHeating)
        #expect(!readings(" T:32.40 /60.00 @:127").0.isHeating)
    }

    @Test func waitingForAUserEnds() {
        #expect(readings("echo:busy: paused for user").0.waitsForUser)
        #expect(readings("echo:busy: paused for input").0.waitsForUser)
        #expect(!readings("echo:busy: paused for user", "echo:busy: processing").0.waitsForUser)
        #expect(!readings("echo:busy: paused for user", "ok").0.waitsForUser)
    }

    struct Progress: Sendable {
        var command: String
        var percent: Int32 = -1
        var minutes: Int32 = -1
    }

    @Test(arguments: [
        Progress(command: "M73 P12 R34", percent: 12, minutes: 34), Progress(command: "M73 R7", minutes: 7),
        Progress(command: "M73 P100", percent: 100), Progress(command: "M73 P250 R0", percent: 100, minutes: 0),
        // Q and S are the values of silent mode.
        Progress(command: "M73 Q5 S90"), Progress(command: "M73 Q5 S90 P4 R88", percent: 4, minutes: 88),
        Progress(command: "M730 P5"), Progress(command: "M73"), Progress(command: "G1 P5 R6"),
        Progress(command: "M73 P", percent: -1),
    ])
    func progress(_ expected: Progress) {
        var command = CommandBuffer()
        for byte in expected.command.utf8 { command.append(byte) }
        var readings = PrinterReadings()
        readings.noteProgress(command)
        #expect(readings.progress == expected.percent)
        #expect(readings.minutesLeft == expected.minutes)
    }

    @Test func hugeNumbersTrapNothing() {
        for line in [
            "ok T:99999999999999999999999999 /1e9", "E0:99999999999999999999 RPM PRN1:88888888888888888888 RPM",
            "SD printing byte 99999999999999999999999/99999999999999999999999", "X:9999999999999999999999 Y:1 Z:1",
        ] {
            _ = readings(line)
        }
    }
}
