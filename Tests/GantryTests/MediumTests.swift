import Foundation
import MarlinLink
import Simulators
import Testing

@testable import Gantry
@testable import MarlinLink

/// The medium of a print is pulled and put back.
@Suite struct MediumTests {
    /// Longer than what is read ahead: 256 KiB of commands in the ring, and a piece of the file.
    private static let file = (0..<40_000).map { "G1 X\($0 % 90 + 10).\($0 % 7) Y\($0 % 70) F6000\n" }.joined()

    /// A stick is a folder; the printer is as fast as can be.
    private func rig(_ change: (inout MarlinPrinter.Configuration) -> Void = { _ in }) throws -> MachineRig {
        let rig = try MachineRig {
            $0.moveTime = .fixed(nanoseconds: 30_000)
            change(&$0)
        }
        try rig.folder.makeFolder("stick")
        try rig.folder.write(Array(Self.file.utf8), to: "stick/box.gcode")
        return rig
    }

    private func begin(_ rig: MachineRig) async throws {
        try rig.machine.startJob(file: rig.folder.file("stick/box.gcode"), path: "/STICK/box.gcode", command: nil)
        try await eventually("it prints") { rig.printer.snapshot().digestedCommands > 100 }
    }

    private func move(_ from: String, _ to: String, in rig: MachineRig) throws {
        try FileManager.default.moveItem(atPath: rig.folder.file(from), toPath: rig.folder.file(to))
    }

    private var attention: (MachineRig) -> String? { { $0.machine.core.withLock { $0.attention } } }

    /// What the printer executed beside the file or left out of it, each with the place in the file; empty when nothing.
    private func difference(_ rig: MachineRig) -> String {
        var rest = Self.file.split(separator: "\n")[...]
        var odd: [String] = []
        for command in rig.printer.executedCommands where command != "M876 P1" {
            if let next = rest.first, next == command {
                rest.removeFirst()
            } else if !["M105", "M110", "M114", "M115", "M155", "M400"].contains(command.prefix(4)) {
                odd.append("\(40_000 - rest.count): \(command)")
            }
        }
        return odd.prefix(20).joined(separator: ", ") + (rest.first.map { "; not executed: \($0)" } ?? "")
    }

    @Test func pulledAndPutBack() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            try move("stick", "drawer", in: rig)
            rig.machine.mediumIsGone(rig.folder.file("stick"))
            #expect(rig.machine.state == .paused)
            #expect(attention(rig)?.hasPrefix("The stick with /STICK/box.gcode was pulled.") == true)
            // Without it there is nothing to go on with.
            #expect(throws: MachineError.self) { try rig.machine.resume() }
            #expect(rig.machine.state == .paused)
            // Another stick with a file of that name is none.
            try rig.folder.makeFolder("stick")
            try rig.folder.write(Array("G28\n".utf8), to: "stick/box.gcode")
            rig.machine.mediumIsBack(rig.folder.file("stick"))
            try await eventually("it is told") { attention(rig)?.contains("is another file now") == true }
            try FileManager.default.removeItem(atPath: rig.folder.file("stick"))
            try move("drawer", "stick", in: rig)
            rig.machine.mediumIsBack(rig.folder.file("stick"))
            try await eventually("nobody has to act any more") { attention(rig) == nil }
            #expect(rig.machine.state == .paused)
            try rig.machine.resume()
            try await eventually("printed", deadline: 120) { rig.machine.state == .finished }
            #expect(difference(rig) == "")
            #expect(rig.machine.snapshot.jobCommands == 40_000)
            #expect(rig.machine.snapshot.jobOffset == UInt64(Self.file.utf8.count))
        }
    }

    /// The read fails before anybody hears of a stick.
    @Test func aReadThatFails() async throws {
        let rig = try rig()
        try await rig.run { rig in
            let path = rig.folder.file("stick/box.gcode")
            try rig.machine.startJob(file: path, path: "/STICK/box.gcode", command: nil)
            let descriptor = try #require(rig.machine.job?.file.descriptor)
            // In the place of the file a folder: what a read of it says is not what a stick says, but an error of the medium.
            let folder = open(rig.folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            #expect(dup2(folder, descriptor) == descriptor)
            close(folder)
            try await eventually("it is paused", deadline: 60) { rig.machine.state == .paused }
            try await eventually("with a reason") { attention(rig)?.contains("Put the medium back") == true }
            // The file is where it was: resuming opens it anew.
            try rig.machine.resume()
            #expect(attention(rig) == nil || rig.machine.state == .printing)
            try await eventually("printed", deadline: 120) { rig.machine.state == .finished }
            #expect(difference(rig) == "")
        }
    }

    /// False when the print had ended before.
    private func pullAndPutBack(_ rig: MachineRig) async throws -> Bool {
        rig.machine.mediumIsGone(rig.folder.file("stick"))
        guard rig.machine.state == .paused else { return false }
        rig.machine.mediumIsBack(rig.folder.file("stick"))
        try await eventually("its file is there") { attention(rig) == nil }
        try rig.machine.resume()
        return true
    }

    @Test func againAndAgain() async throws {
        let rig = try rig { $0.moveTime = .fixed(nanoseconds: 100_000) }
        try await rig.run { rig in
            try await begin(rig)
            for _ in 0..<12 where rig.machine.state == .printing {
                let isDone = try await pullAndPutBack(rig)
                #expect(isDone)
            }
            try await eventually("printed", deadline: 120) { rig.machine.state == .finished }
            let difference = difference(rig)
            #expect(difference == "")
        }
    }

    @Test func cancelledWhileItIsAway() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            try move("stick", "drawer", in: rig)
            rig.machine.mediumIsGone(rig.folder.file("stick"))
            try rig.machine.cancel()
            #expect(rig.machine.state == .stopped)
            try await eventually("nobody has to act any more") { attention(rig) == nil }
        }
    }

    /// Paths below the folder that this process has open.
    private func openFiles(below folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
            .compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0) }
            .filter { $0.hasPrefix(folder + "/") }
    }

    /// A stick with an open file cannot be unmounted: after its print nobody may have it open.
    @Test(arguments: [true, false]) func afterThePrintTheStickIsFree(_ isCancelled: Bool) async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            let stick = rig.folder.file("stick")
            #expect(try !openFiles(below: stick).isEmpty)
            if isCancelled { try rig.machine.cancel() }
            try await eventually("the print has ended", deadline: 120) { !rig.machine.state.hasJob }
            try await eventually("nothing is open: \((try? openFiles(below: stick)) ?? [])", deadline: 10) {
                try openFiles(below: stick).isEmpty
            }
            // What was printed is known all the same.
            #expect(rig.machine.job?.file.size == UInt64(Self.file.utf8.count))
        }
    }

    @Test func anotherStickIsOfNoInterest() async throws {
        let rig = try rig()
        try await rig.run { rig in
            try await begin(rig)
            rig.machine.mediumIsGone(rig.folder.file("stic"))
            rig.machine.mediumIsGone(rig.folder.file("sticky"))
            rig.machine.mediumIsGone(rig.folder.file("other"))
            #expect(rig.machine.state == .printing)
            try rig.machine.cancel()
        }
    }
}
