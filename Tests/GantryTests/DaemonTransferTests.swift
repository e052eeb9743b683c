import Foundation
import Simulators
import Testing

@testable import Gantry

/// Files that Connect sends to the printer.
@Suite struct DaemonTransferTests {
    private let download: PlainJSON = [
        "team_id": 7, "hash": "QXnJmX2fHb0oWg", "path": "/local/new.gcode", "printing": true,
    ]

    private func serve(_ file: [UInt8], on rig: DaemonRig) {
        rig.server.serve(file, at: "/p/teams/7/files/QXnJmX2fHb0oWg/raw", contentType: "text/x.gcode")
    }

    @Test func printsWhatItHasDownloaded() async throws {
        let file = Files.moves(200)
        let rig = try DaemonRig()
        serve(file, on: rig)
        try await rig.run { rig in
            let answer = try await rig.order("START_CONNECT_DOWNLOAD", download)
            #expect(answer.name == "TRANSFER_INFO" && answer.data["to_print"] == true)
            try await rig.waitForState("FINISHED")
            #expect(rig.printer.snapshot().digest == Files.digest(file))
            #expect(rig.change(to: "PRINTING")?.commandID == answer.commandID)
            let end = try #require(rig.server.events.first { $0.name == "TRANSFER_FINISHED" })
            #expect(end.data["path"] == "/local/new.gcode")
            let job = rig.server.requests.last { $0.request.path.hasSuffix("/raw") }
            #expect(job?.request.header("Token") == DaemonRig.token)
        }
    }

    @Test func aPrintIsNeitherInterruptedNorOverwritten() async throws {
        let rig = try DaemonRig(files: ["a.gcode": Files.long], printer: Files.slow)
        serve(Files.moves(5), on: rig)
        try await rig.run { rig in
            try await rig.startPrint("a.gcode")
            try await rig.waitForState("PRINTING")
            let overwrite = try await rig.order(
                "START_CONNECT_DOWNLOAD", ["team_id": 7, "hash": "QXnJmX2fHb0oWg", "path": "/local/a.gcode"])
            #expect(overwrite.name == "FAILED" && overwrite.error == "This file is currently printed")
            try await rig.order("START_CONNECT_DOWNLOAD", download)
            try await eventually("downloaded, not printed") {
                rig.server.events.contains {
                    $0.name == "FAILED"
                        && $0.body["reason"]?.string
                            == "/local/new.gcode is not printed: Cannot print in PRINTING state."
                }
            }
            #expect(rig.server.events.contains { $0.name == "TRANSFER_FINISHED" })
            #expect(rig.daemon.state == .printing)
            try await rig.order("STOP_PRINT")
        }
    }
}
