import Simulators
import Testing

@testable import BoardIO
@testable import Gantry

/// What Connect sees of sticks that the board tells of.
@Suite struct StickStoragesTests {
    private func stick(_ name: String, at path: String) -> Stick {
        Stick(name: name, label: name, node: "/dev/sda1", path: path, isReadOnly: false, owner: .gantry)
    }

    @Test func insertedPrintedFromAndEjected() async throws {
        let file = Files.moves(20)
        let rig = try DaemonRig()
        try rig.folder.makeFolder("stick")
        try rig.folder.write(file, to: "stick/box.gcode")
        try await rig.run { rig in
            let stick = stick("PRUSA", at: rig.folder.file("stick"))
            rig.daemon.bridge.take(.attached(stick))
            func told(_ name: String) -> ReceivedEvent? {
                rig.server.events.last { $0.name == name && $0.data["root"] == "/PRUSA" }
            }
            try await eventually("Connect sees the stick") { told("MEDIUM_INSERTED") != nil }
            #expect(told("MEDIUM_INSERTED")?.data["files"]?["children"]?.array?.first?["name"] == "box.gcode")
            #expect(try await rig.order("START_PRINT", ["path": "/PRUSA/box.gcode"]).name == "FINISHED")
            try await rig.waitForState("FINISHED")
            #expect(rig.printer.snapshot().digest == Files.digest(file))
            rig.daemon.bridge.take(.detached(stick, wasEjected: true))
            try await eventually("Connect sees it go") { told("MEDIUM_EJECTED") != nil }
            #expect(try await rig.order("START_PRINT", ["path": "/PRUSA/box.gcode"]).name == "FAILED")
        }
    }

    @Test func aStickThatCannotBeReadIsAWarning() async throws {
        let rig = try DaemonRig()
        try await rig.run { rig in
            rig.daemon.bridge.take(.attached(stick("GONE", at: rig.folder.file("nowhere"))))
            try await eventually("the log tells") {
                rig.log.lines.contains { $0.hasPrefix("warning: ") && $0.contains("GONE") }
            }
        }
    }
}
