import Foundation
import MarlinLink
import Simulators
import Testing

@testable import Gantry

@Suite struct PrintSessionTests {
    /// A print on a thread of its own, and what it said.
    private final class Rig: Sendable {
        let folder: TemporaryDirectory
        let printer: PrinterSimulator
        let session: PrintSession
        let statuses = Shared<[PrintSession.Status]>([])
        let messages = Shared<[String]>([])
        let result = Shared<Result<PrintReport, LinkError>?>(nil)

        init(
            _ file: [UInt8], firmware: FirmwareProfile = .marlin2Custom,
            printer change: (inout MarlinPrinter.Configuration) -> Void = { _ in }
        ) throws {
            folder = try TemporaryDirectory()
            var board = MarlinPrinter.Configuration(profile: firmware)
            board.timeScale = .infinity
            board.keepsCommands = true
            change(&board)
            printer = PrinterSimulator(PrinterSimulator.Options(printer: board))
            let port = try printer.start()
            var link = LinkConfiguration(port: port)
            link.greetingLimit = 10_000_000_000
            session = PrintSession(file: try JobFile(path: folder.write(file, to: "a.gcode")), configuration: link)
        }

        func start() throws {
            let started = startThread { [self] in
                do throws(LinkError) {
                    let report = try session.run {
                        status in
                        statuses.change { $0.append(status) }
                    } onMessage: { text in
                        messages.change { $0.append(text) }
                    }
                    result.change { $0 = .success(report) }
                } catch {
                    result.change { $0 = .failure(error) }
                }
            }
            try #require(started)
        }

        func end() async throws -> PrintReport {
            try await eventually("the session ends") { result.value != nil }
            defer { printer.stop() }
            return try #require(result.value).get()
        }

        var scriptWasExecuted: Bool { printer.executedCommands.suffix(4) == ["M104 S0", "M140 S0", "M107", "M84"] }
    }

    @Test(arguments: ["marlin-2.1.2", "marlin-2.1.2-custom", "marlin-1.1.9", "mk3s-3.13.3", "mk3s-3.9.0", "octoprint"])
    func printsToTheEnd(_ firmware: String) async throws {
        let file = Files.moves(500)
        let rig = try Rig(file, firmware: try #require(FirmwareProfile.named(firmware)))
        try rig.start()
        let report = try await rig.end()
        #expect(report.outcome == .printed)
        #expect(report.lines == 502)
        #expect(report.bytes == UInt64(file.count))
        #expect(report.seconds > 0)
        #expect(rig.printer.snapshot().digest == Files.digest(file))
        #expect(
            rig.messages.value.contains { $0.hasPrefix("Printer: ") } == (firmware != "octoprint")
                || firmware == "octoprint")
    }

    @Test func whatThePrinterAsksIsShownAndAnswered() async throws {
        let file = Array("G28\nG1 X10 F6000\nM0\nG1 X20 F6000\n".utf8)
        let rig = try Rig(file, firmware: .marlin2Custom.with(.hostPrompts))
        try rig.start()
        try await eventually("it asks") { rig.statuses.value.last?.prompt?.buttons.count == 1 }
        #expect(rig.messages.value.contains("The printer asks: M0 Stop (1 Continue)"))
        rig.session.answer(2)
        try await eventually("refused") {
            rig.messages.value.contains("2 is no answer. The printer asks: M0 Stop (1 Continue)")
        }
        rig.session.answer(1)
        #expect(try await rig.end().outcome == .printed)
        #expect(rig.printer.snapshot().digest == Files.digest(file))
    }

    @Test func progressGrowsAndEndsAtTheEnd() async throws {
        let rig = try Rig(Files.moves(150), printer: Files.slow)
        try rig.start()
        let report = try await rig.end()
        #expect(report.outcome == .printed)
        let percents = rig.statuses.value.filter { $0.elapsed > 0 }.map(\.progress.percent)
        #expect(percents == percents.sorted())
        #expect(percents.contains { (1...99).contains($0) })
    }

    @Test(arguments: [true, false]) func cancelledWhileHeating(_ hasEmergencyParser: Bool) async throws {
        let firmware: FirmwareProfile = hasEmergencyParser ? .marlin2Custom : .marlin2
        let rig = try Rig(Files.heating(), firmware: firmware) { board in
            // Without emergency parser the printer first heats to the end: that must be soon.
            board.timeScale = hasEmergencyParser ? 1 : 8
        }
        try rig.start()
        try await eventually("it heats") { rig.statuses.value.last?.snapshot.readings.isHeating ?? false }
        rig.session.cancel()
        let report = try await rig.end()
        #expect(report.outcome == .cancelled)
        #expect(report.lines < 200)
        #expect(rig.scriptWasExecuted, "\(rig.printer.executedCommands.suffix(6))")
        #expect(rig.printer.snapshot().hotendTarget == 0)
        #expect(rig.printer.snapshot().bedTarget == 0)
        #expect(rig.statuses.value.last?.isCancelling == true)
    }

    @Test func cancelledWhilePrinting() async throws {
        let rig = try Rig(Files.long, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.session.cancel()
        let report = try await rig.end()
        #expect(report.outcome == .cancelled)
        #expect(report.lines > 20)
        #expect(report.lines < 3000)
        #expect(report.bytes > 0)
        #expect(rig.scriptWasExecuted)
        #expect(report.cancelScript == .executed)
        let printer = rig.printer.snapshot()
        #expect(printer.hotendTarget == 0)
        #expect(printer.bedTarget == 0)
        #expect(printer.fan == 0)
    }

    @Test func cancelledBeforeThePrinterAnswered() async throws {
        let rig = try Rig(Files.moves(10))
        rig.printer.goSilent()
        try rig.start()
        try await eventually("the port is open") { rig.printer.isOpen }
        rig.session.cancel()
        #expect(try await rig.end().outcome == .cancelled)
    }

    @Test func aCancelThatThePrinterDoesNotHearIsToldApart() async throws {
        let rig = try Rig(Files.long, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.printer.goSilent()
        rig.session.cancel()
        try await eventually("it cancels") { rig.statuses.value.last?.isCancelling == true }
        rig.printer.hangUp()
        let report = try await rig.end()
        #expect(report.outcome == .cancelled)
        guard case .failed = report.cancelScript else {
            Issue.record("\(String(describing: report.cancelScript))")
            return
        }
    }

    @Test func cancelledBecauseThePrinterSaysSo() async throws {
        let rig = try Rig(Files.long, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.printer.emitAction("cancel")
        #expect(try await rig.end().outcome == .cancelled)
        #expect(rig.scriptWasExecuted)
    }

    @Test func pausedAndResumedByThePrinter() async throws {
        let file = Files.moves(500)
        let rig = try Rig(file, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.printer.emitAction("pause")
        try await eventually("it is paused") { rig.statuses.value.last?.snapshot.phase == .paused }
        rig.printer.emitAction("resume")
        #expect(try await rig.end().outcome == .printed)
        #expect(rig.printer.snapshot().digest == Files.digest(file))
    }

    @Test func failsWhenThePrinterRestarts() async throws {
        let rig = try Rig(Files.long, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.printer.pressReset()
        let report = try await rig.end()
        #expect(report.outcome == .failed("The printer restarted during the print; it cannot be continued."))
        #expect(report.lines > 20)
    }

    @Test func failsWhenTheFirmwareHalts() async throws {
        let rig = try Rig(Files.long, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        rig.printer.emit("Error:Printer halted. kill() called!")
        guard case .failed(let reason) = try await rig.end().outcome else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.hasPrefix("The firmware halted."))
        #expect(reason.contains("kill() called!"))
    }

    @Test func failsWhenTheCableIsPulled() async throws {
        let rig = try Rig(Files.long, printer: Files.slow)
        try rig.start()
        try await eventually("it prints") { rig.statuses.value.last?.snapshot.jobCommands ?? 0 > 30 }
        rig.printer.hangUp()
        let report = try await rig.end()
        guard case .failed(let reason) = report.outcome else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.contains("was lost"))
        #expect(report.lines > 30)
    }

    @Test func failsWhenTheFileIsCutAndCoolsDown() async throws {
        let rig = try Rig(Files.heating(moves: 300_000)) { $0.moveTime = .fixed(nanoseconds: 200_000) }
        try rig.start()
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 30 }
        #expect(truncate(rig.folder.file("a.gcode"), 400_000) == 0)
        // What was read ahead and what is left is printed first.
        let report = try await rig.end()
        guard case .failed(let reason) = report.outcome else {
            Issue.record("it did not fail")
            return
        }
        #expect(reason.contains("a.gcode ended after"))
        #expect(rig.scriptWasExecuted)
        #expect(rig.printer.snapshot().hotendTarget == 0)
    }

    @Test func noAnswerIsAnError() async throws {
        let folder = try TemporaryDirectory()
        let printer = PrinterSimulator()
        let port = try printer.start()
        defer { printer.stop() }
        printer.goSilent()
        var link = LinkConfiguration(port: port)
        link.greetingLimit = 100_000_000
        let session = PrintSession(file: try JobFile(path: folder.write("G28\n", to: "a")), configuration: link)
        #expect(throws: LinkError.noAnswer(path: port)) { try session.run(onStatus: { _ in }, onMessage: { _ in }) }
    }
}
