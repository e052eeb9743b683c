import Foundation
import GCodeStream
import MarlinLink
import Simulators
import Testing

/// Printers that stop, restart, fall silent or are unplugged.
@Suite struct TroubleTests {
    /// A rig in the midst of a print.
    private func printing(
        _ firmware: FirmwareProfile = .marlin2Custom,
        link change: (inout LinkConfiguration) -> Void = { _ in }
    ) async throws -> LinkRig {
        let rig = try LinkRig(firmware, printer: { $0.moveTime = .fixed(nanoseconds: 1_000_000) }, link: change)
        try await rig.connect()
        try rig.link.print(rig.job(GCode.moves(20_000)))
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 100 }
        return rig
    }

    /// After trouble that the printer survives: it prints again.
    private func printsAgain(_ rig: LinkRig) async throws {
        let finished = rig.events.finished
        try await rig.print(GCode.moves(20))
        #expect(rig.events.finished == finished + 1)
    }

    @Test(arguments: ["marlin-2.1.2", "marlin-1.1.9", "mk3s-3.13.3"])
    func resetInMidPrint(_ firmware: String) async throws {
        let rig = try await printing(try #require(FirmwareProfile.named(firmware)))
        rig.printer.pressReset()
        try await eventually("the job fails") { rig.events.ends == 1 }
        #expect(rig.events.failures == [.stream(.printerReset, text: "")])
        try await eventually("the printer is ready again") { rig.events.identities.count == 2 }
        #expect(rig.events.identities[0] == rig.events.identities[1])
        #expect(!rig.events.contains(.printerRestarted))
        #expect(rig.events.down == nil)
        try await printsAgain(rig)
    }

    @Test func resetWhileIdle() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        rig.printer.pressReset()
        try await eventually("it is told") { rig.events.contains(.printerRestarted) }
        try await eventually("the printer is ready again") { rig.events.identities.count == 2 }
        #expect(rig.link.isReady)
        try await printsAgain(rig)
    }

    @Test func emergencyStopInMidPrint() async throws {
        let rig = try await printing()
        try rig.link.emergencyStop()
        #expect(!rig.link.isReady)
        try await eventually("the job fails") { rig.events.ends == 1 }
        #expect(rig.events.failures == [.stream(.emergencyStopped, text: "")])
        try await eventually("the printer is dead") { rig.printer.snapshot().state == .halted }
        #expect(rig.link.snapshot.phase == .halted)
        #expect(throws: LinkError.notReady) { try rig.link.send("M105") }
        rig.printer.pressReset()
        try await eventually("the printer is ready again") { rig.events.identities.count == 2 }
        #expect(rig.events.contains(.printerRestarted))
        try await printsAgain(rig)
    }

    @Test func emergencyStopOfAPrinterThatRestartsByItself() async throws {
        let rig = try LinkRig(.prusa3_13)
        try await rig.connect()
        try rig.link.emergencyStop()
        try await eventually("it restarts") { rig.events.contains(.printerRestarted) }
        // A screen wants the button before it listens again.
        try await eventually("it is ready") {
            rig.printer.pressButton()
            return rig.events.identities.count == 2
        }
        try await printsAgain(rig)
    }

    @Test func theFirmwareHalts() async throws {
        let rig = try await printing()
        let words = "Error:Printer halted. kill() called!"
        rig.printer.emit(words)
        try await eventually("the job fails") { rig.events.ends == 1 }
        #expect(rig.events.failures == [.stream(.printerHalted, text: words)])
        #expect(!rig.link.isReady)
        #expect(rig.link.snapshot.phase == .halted)
    }

    @Test func theFirmwareHaltsWhileIdle() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        rig.printer.emit("Error:Printer halted. kill() called!")
        try await eventually("it is told") {
            rig.events.contains(.printerHalted(text: "Error:Printer halted. kill() called!"))
        }
        #expect(throws: LinkError.notReady) { try rig.link.send("M105") }
    }

    @Test func aThermalErrorEndsThePrint() async throws {
        let rig = try await printing()
        let words = "Error:Heating failed, system stopped! Heater_ID: 0"
        rig.printer.emit(words)
        try await eventually("the job fails") { rig.events.ends == 1 }
        #expect(rig.events.failures == [.stream(.firmwareError, text: words)])
        // It still listens here, so heaters can be switched off.
        let result = onThread { () -> LinkError? in
            do throws(LinkError) {
                try rig.link.run(["M104 S0"])
                return nil
            } catch {
                return error
            }
        }
        try await eventually("M104 is answered") { result.value != nil }
        #expect(result.value == .some(nil))
        #expect(rig.printer.executedCommands.contains("M104 S0"))
        // The next failure does not quote this one's words.
        try rig.link.print(rig.job(GCode.moves(20_000)))
        let before = rig.printer.snapshot().digestedCommands
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > before + 10 }
        rig.printer.pressReset()
        try await eventually("the job fails") { rig.events.ends == 2 }
        #expect(rig.events.failures.last == .stream(.printerReset, text: ""))
    }

    @Test func otherErrorsDoNot() async throws {
        let rig = try LinkRig { $0.moveTime = .fixed(nanoseconds: 1_000_000) }
        try await rig.connect()
        try rig.link.print(rig.job(GCode.moves(300)))
        rig.printer.emit("Error:volume.init failed")
        rig.printer.emit("echo:something of no importance")
        try await eventually("it is finished") { rig.events.ends == 1 }
        #expect(rig.events.finished == 1)
        #expect(rig.events.lines.contains("Error:volume.init failed"))
        #expect(rig.events.lines.contains("echo:something of no importance"))
    }

    @Test func unpluggedInMidPrint() async throws {
        let rig = try await printing()
        rig.printer.hangUp()
        try await eventually("the link is down") { rig.events.down != nil }
        let port = rig.link.configuration.port
        guard case .portLost(port, _) = rig.events.down else {
            Issue.record("\(String(describing: rig.events.down))")
            return
        }
        #expect(rig.events.failures == [.link(try #require(rig.events.down))])
        #expect(rig.link.snapshot.phase == .down)
        #expect(!rig.link.isReady)
        #expect(throws: LinkError.notReady) { try rig.link.print(rig.job(GCode.moves(1))) }
        #expect(throws: LinkError.notReady) { try rig.link.cancel() }
    }

    @Test func silenceInMidPrint() async throws {
        let rig = try await printing {
            $0.stream.probeTime = 50_000_000
            $0.stream.silenceLimit = 500_000_000
        }
        rig.printer.goSilent()
        try await eventually("the job fails") { rig.events.ends == 1 }
        #expect(rig.events.failures == [.stream(.printerSilent, text: "")])
        // It does not answer what follows either.
        try await eventually("the link is down") { rig.events.down != nil }
        #expect(rig.events.down == .noAnswer(path: rig.link.configuration.port))
    }

    @Test func hostActions() async throws {
        let rig = try LinkRig()
        try await rig.connect()
        for name in ["paused", "resume", "notification Hello"] { rig.printer.emitAction(name) }
        try await eventually("all actions came") { rig.events.contains(.action(.other("notification Hello"))) }
        #expect(rig.events.contains(.action(.paused)))
        #expect(rig.events.contains(.action(.resume)))
    }

    @Test func aScreenThatWantsTheButton() async throws {
        let rig = try LinkRig(.prusa3_13)
        try await rig.connect()
        rig.printer.showScreen()
        try await eventually("somebody is wanted") { rig.link.snapshot.readings.waitsForUser }
        rig.printer.pressButton()
        try await printsAgain(rig)
        #expect(!rig.link.snapshot.readings.waitsForUser)
    }

    @Test func heating() async throws {
        let rig = try LinkRig { $0.timeScale = 1 }
        try await rig.connect()
        try rig.link.print(rig.job(Array("M109 S200\nG28\n".utf8)))
        try await eventually("it heats") { rig.link.snapshot.readings.isHeating }
        try await eventually("the target is known") { rig.link.snapshot.readings.hotend.target == 200 }
        try rig.link.cancel()
        try rig.link.interruptHeating()
        try await eventually("it heats no more") { !rig.link.snapshot.readings.isHeating }
        #expect(rig.link.snapshot.readings.hotend.current < 199)
    }

    @Test func aHandlerThatIsHeldUp() async throws {
        let hold = DispatchSemaphore(value: 0)
        let isHeld = Shared(false)
        let events = EventLog()
        let rig = try LinkRig()
        let link = PrinterLink(configuration: rig.link.configuration) { event in
            events.add(event)
            guard event == .line("echo:hold") else { return }
            isHeld.change { $0 = true }
            hold.wait()
        }
        try link.open()
        defer { link.close() }
        try await eventually("the printer is ready") { !events.identities.isEmpty }
        rig.printer.emit("echo:hold")
        try await eventually("the handler is held up") { isHeld.value }
        let file = GCode.moves(500)
        try link.print(rig.job(file))
        // More lines than there is room for.
        for number in 1...1000 { rig.printer.emit("echo:chatter \(number)") }
        try await eventually("the printer has executed all") { rig.printer.snapshot().digest == GCode.digest(file) }
        try await eventually("the link has seen its end") { link.snapshot.phase == .ready }
        #expect(events.finished == 0)
        hold.signal()
        try await eventually("the end is told") { events.finished == 1 }
        #expect(events.lines.count < 1000)
    }
}
