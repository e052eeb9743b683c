import Testing

@testable import GCodeStream

@Suite struct ReplyTests {
    private func parse(_ text: String) -> Reply {
        let bytes = Array(text.utf8)
        return Reply.parse(bytes.span)
    }

    private static func ok(line: UInt32? = nil, planner: UInt8? = nil, queue: UInt8? = nil, t: Bool = false) -> Reply {
        var fields = OkFields()
        fields.line = line
        fields.plannerFree = planner
        fields.queueFree = queue
        fields.hasTemperature = t
        return .ok(fields)
    }

    /// Lines as real firmware sends them.
    @Test(arguments: [
        ("ok", ok()),
        ("ok ", ok()),
        (" ok", ok()),
        ("ok P15 B3", ok(planner: 15, queue: 3)),
        ("ok N12 P14 B3", ok(line: 12, planner: 14, queue: 3)),
        ("ok T:25.00 /0.00 B:25.00 /0.00 @:0 B@:0", ok(t: true)),
        ("ok T:25.5 /0.0 B:25.5 /0.0 T0:25.5 /0.0 @:0 B@:0 P:25.5 A:25.4", ok(t: true)),
        ("ok N1 P4 B4 T:21.30/ 0.00 B:21.30/ 0.00 @:64", ok(line: 1, planner: 4, queue: 4, t: true)),
        ("echo:Active Extruder: 0ok", ok()),
        ("echo:Active Extruder: 0ok T:25.0 /0.0 B:25.0 /0.0", ok(t: true)),
        ("echo:Active Extruder: 0ok then", .other),
        ("echo:0", .other),
        ("okay", .other),
        ("skip 12", .skipped(12)),
        ("Smoothie", .start),
        ("Smoothieware", .other),
        ("Resend: 16", .resend(16)),
        ("Resend:2", .resend(2)),
        ("rs 7", .resend(7)),
        ("rs N7", .resend(7)),
        ("Resend: -2147483648", .resend(nil)),
        ("Resend: 99999999999", .resend(nil)),
        ("Resend:", .resend(nil)),
        ("echo:busy: processing", .busy),
        ("echo:busy: paused for user", .busyForUser),
        ("T:28.0 E:0 W:?", .busy),
        (" T:32.19 /60.00 B:25.00 /40.00 @:127 B@:0 W:?", .busy),
        (" T:25.00 /0.00 B:25.00 /0.00 @:0 B@:0", .other),
        ("start", .start),
        ("\u{0}start", .start),
        ("T:205.3 /205.0 B:6start", .start),
        ("\u{FC}\u{1}start", .start),
        ("layer-start", .other),
        ("echo:layer_start", .other),
        ("echo:restart", .other),
        ("echo: start", .other),
        ("echo:start", .other),
        ("//action:start", .other),
        ("ok 5", ok(line: 5)),
        ("starting", .other),
        ("wait", .wait),
        ("Error:checksum mismatch, Last Line: 1", .lineError),
        ("Error:No Checksum with line number, Last Line: 3", .lineError),
        ("Error:No Line Number with checksum, Last Line: 4", .lineError),
        ("Error:Line Number is not Last Line Number+1, Last Line: 3", .lineError),
        ("Error: Missing checksum", .lineError),
        ("Error: expected line 3 got 9", .lineError),
        ("Error:Printer halted. kill() called!", .halted),
        ("Error:Thermal Runaway, system stopped! Heater_ID: 0", .fatalError),
        ("Error:Heating failed, system stopped! Heater_ID: bed", .fatalError),
        ("Error:MINTEMP triggered, system stopped! Heater_ID: 0", .fatalError),
        ("Error:volume.init failed", .otherError),
        ("!!", .alarm),
        ("fatal: Heater/sensor error - Printer stopped", .halted),
        ("error:20", .foreignError),
        ("Grbl 1.1h ['$' for help]", .foreignError),
        ("echo:Unknown command: \"ok\"", .other),
        ("", .other),
    ])
    func readsALine(_ text: String, _ expected: Reply) {
        #expect(parse(text) == expected)
    }

    @Test func linesAreFoundHoweverTheBytesAreSplit() {
        var assembler = ReplyAssembler()
        var lines: [String] = []
        for byte in Array("ok\r\n\r\n T:1\n\nok N1\rstart\n".utf8) where assembler.feed(byte) {
            assembler.takeLine { span in
                lines.append(String(decoding: span.indices.map { span[$0] }, as: UTF8.self))
            }
        }
        #expect(lines == ["ok", " T:1", "ok N1", "start"])
    }

    @Test func aLineWithoutEndHurtsNothingBehindIt() {
        var assembler = ReplyAssembler()
        var lengths: [Int] = []
        for byte in Array((String(repeating: "x", count: 10_000) + "\nok\n").utf8) where assembler.feed(byte) {
            lengths.append(assembler.takeLine { $0.count })
        }
        #expect(lengths == [Limits.reply, 2])
    }
}
