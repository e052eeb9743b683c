import Foundation
import GCodeStream
import MarlinLink
import Simulators
import Testing

/// A print whose process dies and that another one takes up: nothing is done twice, nothing left out.
@Suite struct ContinuationTests {
    private let folder: TemporaryDirectory
    private var path: String { folder.file("lines") }

    init() throws { folder = try TemporaryDirectory() }

    /// Begins a job and lets it die behind some of its commands: the port is closed, whatever is on its way.
    private func leave(_ rig: LinkRig, _ file: JobFile, _ ledger: LineLedger, behind commands: UInt64) async throws {
        try await rig.connect()
        ledger.begin(job: 42)
        try rig.link.print(file)
        try die(rig.link, behind: commands)
    }

    /// Closes the port behind so many commands. Keeps its thread meanwhile: the print does not wait until a busy pool
    /// has another one.
    private func die(_ link: PrinterLink, behind commands: UInt64) throws {
        let end = Date(timeIntervalSinceNow: 60)
        while link.snapshot.jobCommands < commands {
            try #require(Date() < end, "\(commands) commands are done")
            usleep(1000)
        }
        link.close()
    }

    /// Opens the port again and waits for the printer.
    private func takeUp(_ rig: LinkRig, _ ledger: LineLedger) async throws -> (PrinterLink, EventLog) {
        let events = EventLog()
        let link = rig.makeLink(ledger: ledger, events: events)
        try link.open()
        try await eventually("the printer is ready") { !events.identities.isEmpty }
        return (link, events)
    }

    @Test(arguments: FirmwareProfile.all.map(\.name), [30, 411])
    func everyFirmware(_ name: String, _ commands: UInt64) async throws {
        let ledger = try LineLedger(path: path)
        let rig = try LinkRig(
            try #require(FirmwareProfile.named(name)),
            printer: {
                $0.digestsOnlyNumbered = true
                $0.moveTime = .fixed(nanoseconds: 1_500_000)
            }, ledger: ledger)
        let bytes = GCode.moves(3000)
        let file = try rig.job(bytes)
        try await leave(rig, file, ledger, behind: commands)
        let (link, events) = try await takeUp(rig, ledger)
        defer { link.close() }
        guard case .commands(let taken) = link.continuation else {
            Issue.record("\(link.continuation)")
            return
        }
        #expect(taken >= commands)
        #expect(taken < 3002)
        let layer = try JobReplay(file: file).state(after: taken).layer
        try link.print(file, from: JobStart(commands: taken, layer: layer))
        try await eventually("the job ends") { events.ends == 1 }
        #expect(events.failures == [])
        // Repetier answers what it has received and not executed yet.
        try await eventually("all is executed") { rig.printer.snapshot().digest == GCode.digest(bytes) }
        #expect(link.snapshot.jobCommands == 3002)
        #expect(link.snapshot.jobOffset == UInt64(bytes.count))
        #expect(link.snapshot.layer == 30)
    }

    /// Dies again and again, with polls among the lines.
    @Test func manyDeaths() async throws {
        let ledger = try LineLedger(path: path)
        let rig = try LinkRig(.marlin1) {
            $0.digestsOnlyNumbered = true
            $0.moveTime = .fixed(nanoseconds: 500_000)
        }
        let bytes = GCode.moves(5000)
        let file = try rig.job(bytes)
        try await rig.connect()
        rig.link.close()
        var start: UInt64 = 0
        for death in 1...8 {
            let events = EventLog()
            let link = rig.makeLink(ledger: ledger, events: events)
            try link.open()
            try await eventually("the printer is ready") { !events.identities.isEmpty }
            if death > 1 {
                guard case .commands(let taken) = link.continuation else {
                    Issue.record("\(link.continuation)")
                    return
                }
                #expect(taken >= start)
                start = taken
            }
            ledger.begin(job: 42, after: start)
            try link.print(file, from: JobStart(commands: start, layer: 0))
            try die(link, behind: start + 100)
        }
        let (link, events) = try await takeUp(rig, ledger)
        guard case .commands(let taken) = link.continuation else {
            Issue.record("\(link.continuation)")
            return
        }
        try link.print(file, from: JobStart(commands: taken, layer: 0))
        try await eventually("the job ends") { events.ends == 1 }
        link.close()
        #expect(rig.printer.snapshot().digest == GCode.digest(bytes))
    }

    @Test func aPrinterThatRestartedHasForgotten() async throws {
        let ledger = try LineLedger(path: path)
        let rig = try LinkRig(.marlin2, ledger: ledger)
        let file = try rig.job(GCode.moves(3000))
        try await leave(rig, file, ledger, behind: 30)
        rig.printer.pressReset()
        let (link, _) = try await takeUp(rig, ledger)
        defer { link.close() }
        #expect(link.continuation == .printerRestarted || link.continuation == .unknown)
    }

    /// A process that took the print up and died before it went on has counted anew: the old lines mean nothing any more.
    @Test func askedTwice() async throws {
        let ledger = try LineLedger(path: path)
        let rig = try LinkRig(.marlin2, printer: { $0.moveTime = .fixed(nanoseconds: 1_500_000) }, ledger: ledger)
        let file = try rig.job(GCode.moves(3000))
        try await leave(rig, file, ledger, behind: 200)
        let (first, _) = try await takeUp(rig, ledger)
        first.close()
        let (second, _) = try await takeUp(rig, ledger)
        second.close()
        guard case .commands(let commands) = first.continuation else {
            Issue.record("\(first.continuation)")
            return
        }
        #expect(commands >= 200)
        #expect(second.continuation == first.continuation)
        // Switched off and on in between, and nobody saw its start: it counts from 0.
        rig.printer.pressReset()
        try await Task.sleep(for: .seconds(0.5))
        let (third, _) = try await takeUp(rig, ledger)
        third.close()
        #expect(third.continuation == .printerRestarted)
    }

    @Test func withoutAJobNothingIsAsked() async throws {
        let rig = try LinkRig(.marlin2, ledger: try LineLedger(path: path))
        try await rig.connect()
        #expect(rig.link.continuation == .none)
        #expect(rig.link.snapshot.resends == 0)
    }

    @Test func aJobThatHadSentNothingBegins() async throws {
        let ledger = try LineLedger(path: path)
        ledger.begin(job: 1)
        let rig = try LinkRig(.marlin2)
        let (link, _) = try await takeUp(rig, ledger)
        defer { link.close() }
        #expect(link.continuation == .commands(0))
    }
}
