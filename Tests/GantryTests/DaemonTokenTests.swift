import Simulators
import Testing

@testable import Gantry

/// What proves to Connect who the printer is stays out of the log.
@Suite struct DaemonTokenTests {
    @Test func theTokenIsNeverLogged() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.moves(50)])
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.order("SEND_INFO")
            rig.server.inject(.status(403), requests: 3)
            try await eventually("Connect refuses") { rig.log.lines.contains { $0.contains("403") } }
            try await rig.order("SEND_STATE_INFO")
        }
        #expect(rig.log.lines.contains { $0.contains("START_PRINT") })
        #expect(!rig.log.lines.contains { $0.contains(DaemonRig.token) })
    }

    @Test func aWrongTokenIsNeverLoggedEither() async throws {
        let wrong = "wrongTokenOf20Letters"
        let rig = try DaemonRig(token: wrong)
        try await rig.run { rig in
            try await eventually("Connect refuses") { rig.server.counts.refusedCredentials > 2 }
        }
        #expect(rig.log.lines.contains { $0.contains("403") })
        #expect(!rig.log.lines.contains { $0.contains(wrong) })
    }
}
