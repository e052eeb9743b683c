import Foundation
import GCodeStream
import MarlinLink
import Simulators
import Testing

/// Commands beside the job.
@Suite struct CommandTests {
    /// What `run` came to, on a thread of its own.
    private func run(_ commands: [String], limit: Double = 60, on link: PrinterLink) -> Shared<LinkError??> {
        onThread {
            do throws(LinkError) {
                try link.run(commands, limit: limit)
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func runWaitsForEachAnswer() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let result = run(["M117 one", "G28", "M117 two"], on: rig.link)
        try await eventually("it returns") { result.value != nil }
        #expect(result.value == .some(nil))
        let executed = rig.printer.executedCommands
        #expect(executed.suffix(3) == ["M117 one", "G28", "M117 two"])
    }

    @Test func runGivesUp() async throws {
        let rig = try LinkRig { $0.timeScale = 1 }
        try await rig.connect()
        let result = run(["G4 S20", "M117 never"], limit: 0.05, on: rig.link)
        try await eventually("it returns") { result.value != nil }
        #expect(result.value == .commandTimedOut("G4 S20"))
        #expect(!rig.printer.executedCommands.contains("M117 never"))
    }

    @Test func runEndsWithAReset() async throws {
        let rig = try LinkRig { $0.timeScale = 1 }
        try await rig.connect()
        // The first is being executed, so it was sent; the second waits behind it.
        let first = run(["G4 S600"], limit: 3600, on: rig.link)
        try await eventually("it dwells") { rig.printer.snapshot().state == .busy }
        let second = run(["M117 never"], limit: 3600, on: rig.link)
        rig.printer.pressReset()
        try await eventually("both return") { first.value != nil && second.value != nil }
        #expect(first.value == .commandDropped("G4 S600"))
        // The reset may have been faster than the second, which then is refused, or comes when the printer is there again.
        let wasLate = rig.printer.executedCommands.contains("M117 never")
        let answers: [LinkError?] = wasLate ? [nil] : [.commandDropped("M117 never"), .notReady]
        #expect(answers.contains { second.value == .some($0) })
    }

    @Test func runEndsWithClose() async throws {
        let rig = try LinkRig { $0.timeScale = 1 }
        try await rig.connect()
        let result = run(["G4 S600"], limit: 3600, on: rig.link)
        try await eventually("it dwells") { rig.printer.snapshot().state == .busy }
        rig.link.close()
        try await eventually("it returns") { result.value != nil }
        #expect(result.value == .commandDropped("G4 S600"))
    }

    @Test func runEndsWhenThePortIsLost() async throws {
        let rig = try LinkRig { $0.timeScale = 1 }
        try await rig.connect()
        let result = run(["G4 S600"], limit: 3600, on: rig.link)
        try await eventually("it dwells") { rig.printer.snapshot().state == .busy }
        rig.printer.hangUp()
        try await eventually("it returns") { result.value != nil }
        #expect(result.value == .commandDropped("G4 S600"))
    }

    @Test(arguments: [
        "", "G28\nM112", "G28\r", "M117 " + String(repeating: "x", count: 80), String(repeating: "G", count: 300),
    ])
    func badCommands(_ command: String) async throws {
        let rig = try LinkRig()
        try await rig.connect()
        #expect(throws: LinkError.badCommand(command)) { try rig.link.send(command) }
        #expect(throws: LinkError.badCommand(command)) { try rig.link.run([command]) }
    }

    @Test func aFullLane() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        try rig.link.send("M0")
        try await eventually("it waits for the button") { rig.printer.snapshot().state == .waitingForUser }
        var taken: [String] = []
        for number in 1...100 {
            do throws(LinkError) {
                try rig.link.send("M117 \(number)")
                taken.append("M117 \(number)")
            } catch {
                #expect(error == .laneFull)
                break
            }
        }
        #expect(taken.count >= Limits.priorityLane - 2)
        #expect(taken.count < 100)
        rig.printer.pressButton()
        // Nothing that was taken gets lost, and there is room again.
        try await eventually("all were executed") { rig.printer.executedCommands.suffix(taken.count) == taken[...] }
        try await eventually("there is room again") { (try? rig.link.send("M117 last")) != nil }
        try await eventually("it was executed") { rig.printer.snapshot().message == "last" }
    }

    @Test func commandsGoBeforeTheJobs() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        let file = GCode.waitingInItsMidst(100)
        try rig.link.print(rig.job(file))
        try await eventually("it is in its midst") { rig.printer.snapshot().state == .waitingForUser }
        let between = (1...10).map { "M117 \($0)" }
        for command in between { try rig.link.send(command) }
        rig.printer.pressButton()
        try await eventually("it is finished") { rig.events.finished == 1 }
        // All together, and nothing of the job is missing or moved.
        let executed = rig.printer.executedCommands
        let start = try #require(executed.firstIndex(of: "M117 1"))
        #expect(Array(executed[start..<min(start + 10, executed.count)]) == between)
        let job = executed.filter { !$0.hasPrefix("M117") }.joined(separator: "\n")
        #expect(GCode.digest(Array(job.utf8)) == GCode.digest(file))
    }

    @Test func answersAreTold() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        try rig.link.send("M9999")
        try await eventually("the answer comes") { rig.events.lines.contains("echo:Unknown command: \"M9999\"") }
        try rig.link.send("M114")
        try await eventually("the position is known") { !rig.link.snapshot.readings.x.isNaN }
    }

    @Test func noResetLine() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        // A pseudo-terminal has no DTR; nothing else changes.
        let result = onThread { () -> LinkError? in
            do throws(LinkError) {
                try rig.link.reset()
                return nil
            } catch {
                return error
            }
        }
        try await eventually("it returns") { result.value != nil }
        #expect(result.value == .noResetLine(path: rig.link.configuration.port))
        try await rig.print(GCode.moves(5))
        #expect(rig.events.finished == 1)
    }
}
