import GCodeStream

/// Drives an engine by hand: text in, text out, a clock that only moves when told.
final class EngineDriver {
    private var engine: StreamEngine
    var now: UInt64 = 1_000_000_000

    init(_ change: (inout StreamSettings) -> Void = { _ in }) {
        var settings = StreamSettings()
        change(&settings)
        engine = StreamEngine(settings: settings)
    }

    var wantsCommand: Bool { engine.wantsCommand }
    var hasJob: Bool { engine.hasJob }
    var counters: StreamCounters { engine.counters }
    var windowLines: Int { engine.windowLines }
    var unacknowledgedLines: Int { engine.unacknowledgedLines }
    var unacknowledgedBytes: Int { engine.unacknowledgedBytes }
    var deadline: UInt64 { engine.deadline }
    var errorLength: Int { engine.errorText.count }
    func synchronise(packing: Packing = .none) { engine.synchronise(packing: packing, now: now) }
    func begin() -> Bool { engine.begin(now: now) }
    func endOfJob() { engine.endOfJob() }
    func pause() -> Bool { engine.pause() }
    func resume() -> Bool { engine.resume() }
    func cancel() { engine.cancel() }
    func emergencyStop() { engine.emergencyStop(now: now) }
    func answerPrompt(_ answer: UInt8) { engine.answerPrompt(answer, now: now) }
    func interruptHeating() { engine.interruptHeating(now: now) }

    /// Lines that the engine wants written, without their line breaks. The port takes everything.
    func written() -> [String] {
        String(decoding: writtenBytes(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Bytes that the engine wants written, of which the port takes so many.
    @discardableResult
    func writtenBytes(atMost limit: Int = .max) -> [UInt8] {
        engine.advance(now: now)
        var bytes: [UInt8] = []
        engine.withOutput { span in for index in span.indices.prefix(limit) { bytes.append(span[index]) } }
        engine.wrote(bytes.count)
        return bytes
    }

    func receive(_ text: String) {
        let bytes = Array(text.utf8)
        engine.receive(bytes.span, now: now) { _, _ in }
    }

    /// Says one line or several to the engine, then returns what it writes.
    func answer(_ lines: String...) -> [String] {
        for line in lines { receive(line + "\n") }
        return written()
    }

    func wait(milliseconds: UInt64) -> [String] {
        now += milliseconds * 1_000_000
        return written()
    }

    @discardableResult
    func push(_ command: String, end: UInt64 = 0) -> Bool {
        let bytes = Array(command.utf8)
        return engine.push(bytes.span, sourceEnd: end, now: now)
    }

    @discardableResult
    func submit(_ command: String, tag: UInt32 = 0) -> Bool {
        let bytes = Array(command.utf8)
        return engine.submit(bytes.span, tag: tag)
    }

    func reports() -> [StreamReport] {
        var result: [StreamReport] = []
        while let report = engine.nextReport() { result.append(report) }
        return result
    }

    /// Greets, synchronises and begins a job; the next job line is line 2.
    func beginJob() -> Bool {
        engine.synchronise(now: now)
        guard agree() else { return false }
        guard engine.begin(now: now) else { return false }
        return agree()
    }

    private func agree() -> Bool {
        guard written() == ["N0 M110*35"] else { return false }
        guard answer("ok") == ["N1 M105*38"] else { return false }
        _ = answer("ok T:25.00 /0.00 @:0")
        return reports() == [.synchronised]
    }

    /// Pushes commands for as long as the engine takes and sends them; returns what was written.
    func feed(_ commands: [String]) -> [String] {
        var result = written()
        for command in commands {
            push(command)
            result += written()
        }
        return result
    }
}

/// The numbered form of a command, computed independently of the engine: with a blank behind the checksum where a line
/// break with one flipped bit would make it and the next line pass as one.
func numbered(_ number: Int, _ command: String) -> String {
    let body = "N\(number) \(command)"
    let line = body + "*\(body.utf8.reduce(0, ^))"
    let flipped = (0..<8).map { UInt8(ascii: "\n") ^ 1 << UInt8($0) }
    return flipped.contains(line.utf8.reduce(0, ^)) ? line + " " : line
}
