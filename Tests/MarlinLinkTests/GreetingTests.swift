import GCodeStream
import Testing

@testable import MarlinLink

/// The greeting alone, with a clock that only moves when told.
@Suite struct GreetingTests {
    private static let second: UInt64 = 1_000_000_000
    private static let limit = 30 * second
    private static let name = "FIRMWARE_NAME:Marlin 2.1.2 PROTOCOL_VERSION:1.0"

    private func greeting() -> Greeting { Greeting(now: 0, limit: Self.limit) }

    /// Hands lines to the greeting as the stream thread does.
    private func hear(_ line: String, _ greeting: inout Greeting, _ now: UInt64) {
        let bytes = Array(line.utf8)
        greeting.take(bytes.span, Reply.parse(bytes.span), now: now)
    }

    private func asks(_ greeting: inout Greeting, _ now: UInt64) -> Bool { greeting.advance(now: now) }

    @Test func answeredAtOnce() {
        var greeting = greeting()
        #expect(greeting.deadline == 0)
        #expect(asks(&greeting, 0))
        hear(Self.name, &greeting, 900)
        hear("ok", &greeting, 1000)
        #expect(greeting.deadline == 1000)
        #expect(!asks(&greeting, 1000))
        #expect(greeting.outcome == .answered)
        #expect(greeting.deadline == .max)
    }

    @Test func asksAgainAndLetsTheAnswersRunOut() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        #expect(!asks(&greeting, Self.second))
        #expect(greeting.deadline == 2 * Self.second)
        #expect(asks(&greeting, 2 * Self.second))
        hear(Self.name, &greeting, 3 * Self.second)
        hear("ok", &greeting, 3 * Self.second)
        #expect(!asks(&greeting, 3 * Self.second))
        #expect(greeting.outcome == .running)
        // The second answer, a little later: the time starts anew.
        hear("ok", &greeting, 3 * Self.second + 200_000_000)
        #expect(!asks(&greeting, 3 * Self.second + 250_000_000))
        #expect(greeting.outcome == .running)
        #expect(!asks(&greeting, 3 * Self.second + 450_000_000))
        #expect(greeting.outcome == .answered)
    }

    @Test func anOkBeforeTheQuestionIsNoAnswer() {
        var greeting = greeting()
        hear("ok", &greeting, 0)
        #expect(asks(&greeting, 0))
        #expect(greeting.outcome == .running)
    }

    @Test func anOkOfSomebodyElse() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        // A line of an interrupted job comes first.
        hear("Error:Line Number is not Last Line Number+1, Last Line: 0", &greeting, 1000)
        hear("Resend: 1", &greeting, 1000)
        hear("ok", &greeting, 1000)
        #expect(!asks(&greeting, 1000))
        #expect(greeting.outcome == .running)
        hear(Self.name, &greeting, 2000)
        hear("ok", &greeting, 3000)
        #expect(!asks(&greeting, 3000))
        #expect(greeting.outcome == .answered)
    }

    @Test func aFirmwareWithoutAName() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        hear("ok", &greeting, 1000)
        #expect(greeting.deadline == 250_001_000)
        #expect(!asks(&greeting, 250_000_000))
        #expect(asks(&greeting, 250_001_000))
        hear("ok", &greeting, 260_000_000)
        #expect(!asks(&greeting, 509_000_000))
        #expect(greeting.outcome == .running)
        #expect(!asks(&greeting, 510_000_000))
        #expect(greeting.outcome == .answered)
    }

    @Test func aBootingBoardIsLeftAloneUntilItIsQuiet() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        hear("start", &greeting, 1 * Self.second)
        #expect(greeting.deadline == 2 * Self.second)
        hear("echo:Free Memory: 5602", &greeting, 1_900_000_000)
        #expect(!asks(&greeting, 2 * Self.second))
        #expect(asks(&greeting, 2_900_000_000))
        // The limit counts from the start.
        hear("start", &greeting, 29 * Self.second)
        #expect(asks(&greeting, 31 * Self.second))
        #expect(greeting.outcome == .running)
    }

    @Test func aBusyPrinterMayTakeItsTime() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        hear("echo:busy: processing", &greeting, 29 * Self.second)
        #expect(asks(&greeting, 31 * Self.second))
        #expect(greeting.outcome == .running)
    }

    @Test func silence() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        #expect(!asks(&greeting, Self.limit))
        #expect(greeting.outcome == .noAnswer)
    }

    @Test func noiseIsNotWaitedForToTheEnd() {
        var greeting = greeting()
        let noise: [UInt8] = [0xF8, 0x00, 0x80, 0x1E, 0x66, 0xE0, 0x98, 0x06, 0x9E, 0xFF]
        greeting.note(noise.span)
        var asked = 0
        while greeting.outcome == .running, asked < 100 {
            if greeting.advance(now: greeting.deadline) { asked += 1 }
        }
        #expect(asked == 3)
        #expect(greeting.outcome == .wrongBaud)
    }

    @Test func textThatIsNoPrinter() {
        var greeting = greeting()
        #expect(asks(&greeting, 0))
        greeting.note(Array("Welcome to Linux\r\nlogin: ".utf8).span)
        #expect(!asks(&greeting, Self.limit))
        #expect(greeting.outcome == .notAPrinter)
    }
}

/// The same with real pseudo-terminals.
@Suite struct GreetingOnAPortTests {
    /// What becomes of a link to a terminal that says `words` whenever it is asked.
    private func outcome(
        milliseconds: UInt64, answering words: @escaping @Sendable (String) -> String
    ) async throws -> LinkError? {
        let terminal = try RawTerminal()
        terminal.answerLines(words)
        let events = EventLog()
        var configuration = LinkConfiguration(port: terminal.path)
        configuration.greetingLimit = milliseconds * 1_000_000
        let link = PrinterLink(configuration: configuration) { events.add($0) }
        try link.open()
        try await eventually("the greeting ends") { events.down != nil }
        #expect(link.snapshot.phase == .down)
        #expect(!link.isReady)
        try await terminal.stop()
        return events.down.map { error in
            switch error {
            case .noAnswer(terminal.path): .noAnswer(path: "")
            case .wrongBaud(terminal.path, 115_200): .wrongBaud(path: "", baud: 115_200)
            case .notAPrinter(terminal.path): .notAPrinter(path: "")
            default: error
            }
        }
    }

    @Test func nothing() async throws {
        #expect(try await outcome(milliseconds: 100) { _ in "" } == .noAnswer(path: ""))
    }

    @Test func text() async throws {
        #expect(try await outcome(milliseconds: 300) { _ in "login:\nPassword:\n" } == .notAPrinter(path: ""))
    }

    @Test func noise() async throws {
        let terminal = try RawTerminal()
        let events = EventLog()
        var configuration = LinkConfiguration(port: terminal.path)
        configuration.greetingLimit = 300_000_000
        let link = PrinterLink(configuration: configuration) { events.add($0) }
        try link.open()
        terminal.say([0xF8, 0x00, 0x80, 0x1E, 0x66, 0xE0, 0x98, 0x06, 0x9E, 0xFF, 0x0A, 0xE6, 0x86, 0x0A])
        try await eventually("the greeting ends") { events.down != nil }
        #expect(events.down == .wrongBaud(path: terminal.path, baud: 115_200))
    }

    @Test func bootsLate() async throws {
        // Deaf until it has booted, a while after the first question.
        let rig = try LinkRig(
            .prusa3_13, printer: { $0.bootloaderMilliseconds = 500 }, options: { $0.resetsOnOpen = true })
        let identity = try await rig.connect()
        #expect(identity.machine == "Prusa i3 MK3S")
        #expect(rig.printer.snapshot().statistics.resets == 1)
        try await rig.print(GCode.moves(50))
        #expect(rig.events.finished == 1)
    }

    @Test func resetsOnOpen() async throws {
        let rig = try LinkRig(
            .marlin2, printer: { $0.bootloaderMilliseconds = 300 }, options: { $0.resetsOnOpen = true })
        let identity = try await rig.connect()
        #expect(identity.firmware.hasPrefix("Marlin 2.1.2"))
        #expect(rig.printer.snapshot().statistics.resets == 1)
    }

    @Test func closedAndOpenedAgain() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let second = EventLog()
        let again = PrinterLink(configuration: rig.link.configuration) { second.add($0) }
        #expect(throws: LinkError.portBusy(path: rig.link.configuration.port)) { try again.open() }
        rig.link.close()
        // The port is free when close returns.
        try again.open()
        try await eventually("the printer is ready again") { !second.identities.isEmpty }
        again.close()
        #expect(again.snapshot.phase == .down)
        #expect(rig.events.down == nil)
    }

    @Test func notReadyBeforeItIs() async throws {
        let rig = try LinkRig()
        let job = try rig.job(GCode.moves(1))
        #expect(throws: LinkError.notReady) { try rig.link.print(job) }
        #expect(throws: LinkError.notReady) { try rig.link.send("G28") }
        #expect(throws: LinkError.notReady) { try rig.link.emergencyStop() }
        try await rig.connect()
        #expect(throws: LinkError.noJob) { try rig.link.pause() }
        rig.link.close()
        #expect(throws: LinkError.notReady) { try rig.link.print(job) }
        #expect(throws: LinkError.notReady) { try rig.link.run(["G28"]) }
    }
}
