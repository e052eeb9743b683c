import GCodeStream
import Simulators

/// An engine and a simulated printer in one process, under a clock that jumps from event to event.
struct Simulation {
    /// What a run led to.
    struct Outcome {
        var finished = false
        var failure: StreamFailure?
        /// Commands of the job, as the printer executed them.
        var executed: [String] = []
        /// The engine and the printer both had nothing to do, or there was no end.
        var stuck: String?
        var mostBytes = 0
        var mostLines = 0
        var counters = StreamCounters()
        var simulatedSeconds = 0.0
        var printer = MarlinPrinter().currentStatistics
    }

    let commands: [String]
    var profile = FirmwareProfile.marlin2
    var faults = FaultPlan.none
    var settings = StreamSettings()
    var baud: UInt32? = 115_200
    /// Splits what the printer sends into pieces of at most so many bytes.
    var pieces = 64
    /// Prints what goes over the wire.
    var trace = false

    /// A job of short moves with a few commands of other kinds.
    static func job(_ count: Int) -> [String] {
        (0..<count).map { index in
            switch index % 50 {
            case 7: "M204 P\(800 + index % 7)"
            case 21: "M106 S\(index % 256)"
            case 33: "G92 E0"
            default: "G1 X\(index % 180).\(index % 10) Y\(index * 7 % 180).5 F\(3000 + index % 100)"
            }
        }
    }

    func run(limitSeconds: UInt64 = 3600) -> Outcome {
        var configuration = MarlinPrinter.Configuration(profile: profile)
        configuration.baud = baud
        configuration.faults = faults
        configuration.keepsCommands = true
        configuration.digestsOnlyNumbered = true
        configuration.moveTime = .fixed(nanoseconds: 2_000_000)
        var printer = MarlinPrinter(configuration)
        var engine = StreamEngine(settings: settings)
        var now: UInt64 = 20_000_000_000
        let end = now + limitSeconds * 1_000_000_000
        printer.advance(to: now)
        _ = printer.takeOutput(at: now)
        engine.synchronise(now: now)
        var outcome = Outcome()
        var next = 0
        var begun = false
        var sameMoment = 0
        var buffer: [UInt8] = []
        while true {
            if !begun { begun = engine.begin(now: now) }
            feed(&engine, from: &next, begun: begun, now: now)
            engine.withOutput { span in for index in span.indices { buffer.append(span[index]) } }
            engine.wrote(buffer.count)
            if !buffer.isEmpty {
                outcome.mostBytes = max(outcome.mostBytes, engine.unacknowledgedBytes)
                outcome.mostLines = max(outcome.mostLines, engine.unacknowledgedLines)
            }
            if trace { note(">", buffer, now, engine.unacknowledgedBytes) }
            printer.receive(buffer, at: now)
            printer.advance(to: now)
            buffer.removeAll(keepingCapacity: true)
            let answer = printer.takeOutput(at: now)
            if trace { note("<", answer, now, engine.unacknowledgedBytes) }
            for piece in stride(from: 0, to: answer.count, by: pieces) {
                let part = Array(answer[piece..<min(piece + pieces, answer.count)])
                engine.receive(part.span, now: now) { _, _ in }
            }
            var news = false
            while let report = engine.nextReport() {
                news = true
                switch report {
                case .jobFinished: outcome.finished = true
                case .jobFailed(let failure), .linkFailed(let failure): outcome.failure = outcome.failure ?? failure
                default: break
                }
            }
            if outcome.finished || outcome.failure != nil { break }
            if news { continue }
            // A probe has no checksum: one damaged bit makes an M1 of it, and a user would press the button.
            if printer.isWaitingForUser { printer.pressButton(at: now) }
            let target = min(engine.deadline, printer.nextDeadline ?? .max)
            if answer.isEmpty, engine.outputCount == 0 {
                guard target != .max else {
                    outcome.stuck = "nobody has anything to do"
                    break
                }
                sameMoment = target <= now ? sameMoment + 1 : 0
                now = max(now, target)
            } else {
                sameMoment += 1
            }
            guard sameMoment < 10_000 else {
                outcome.stuck = "busy loop"
                break
            }
            guard now < end else {
                outcome.stuck = "no end"
                break
            }
        }
        outcome.counters = engine.counters
        outcome.simulatedSeconds = Double(now - 20_000_000_000) / 1e9
        // What was acknowledged may still be in the queue of a printer that answers on receipt.
        printer.advance(to: now + 60_000_000_000)
        outcome.printer = printer.currentStatistics
        outcome.executed = printer.executedCommands.filter { !Self.isOwn($0) }
        return outcome
    }

    private func note(_ direction: String, _ bytes: [UInt8], _ now: UInt64, _ unacknowledged: Int) {
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        where !line.isEmpty || bytes.count == 1 {
            print(Double(now / 1000) / 1e6, direction, line, "[\(unacknowledged)]")
        }
    }

    private func feed(_ engine: inout StreamEngine, from next: inout Int, begun: Bool, now: UInt64) {
        repeat {
            if engine.wantsCommand {
                if next < commands.count {
                    let bytes = Array(commands[next].utf8)
                    if engine.push(bytes.span, sourceEnd: UInt64(next), now: now) { next += 1 }
                } else {
                    engine.endOfJob()
                }
            }
            engine.advance(now: now)
        } while engine.wantsCommand && engine.outputCount < 200
    }

    /// The engine's own commands.
    private static func isOwn(_ command: String) -> Bool {
        command == "M400" || command == "M105" || command.hasPrefix("M110")
    }

    /// What is wrong with the outcome; nil when the print was right, or ended with a named reason where that may be.
    func problem(with outcome: Outcome, mayFail: Bool = false) -> String? {
        if let stuck = outcome.stuck { return stuck }
        if outcome.mostBytes > settings.windowBytes + 12 { return "\(outcome.mostBytes) bytes unacknowledged" }
        if outcome.finished {
            if outcome.executed == commands { return nil }
            let first = zip(outcome.executed, commands).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            return "finished, but executed \(outcome.executed.count) of \(commands.count), first difference at "
                + "\(first ?? min(outcome.executed.count, commands.count))"
        }
        if !mayFail { return "failed: \(outcome.failure.map { "\($0)" } ?? "no reason")" }
        return Array(commands.prefix(outcome.executed.count)) == outcome.executed ? nil : "executed something else"
    }
}
