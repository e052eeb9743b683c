import Foundation
import Testing

@testable import Gantry

/// Cameras of the settings file, in the daemon.
@Suite struct DaemonCameraTests {
    /// Three layers, each a second or two long.
    private static let layers = Array(
        (1...3).map { layer in
            ";LAYER_CHANGE\nG1 Z\(layer) F600\n" + (0..<80).map { "G1 X\($0) Y\(layer) F6000\n" }.joined()
        }.joined().utf8)

    private func rig(_ camera: String) throws -> DaemonRig {
        let rig = try DaemonRig(files: ["a.gcode": Self.layers], printer: Files.slow)
        let picture: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 7, count: 2000) + [0xFF, 0xD9]
        try rig.folder.write(picture, to: "picture.jpg")
        let path = rig.folder.file("prusa_printer_settings.ini")
        let settings = try String(contentsOfFile: path, encoding: .utf8)
        try
            (settings + "\n[camera::a1]\nname = shelf\ndriver = File\npath = \(rig.folder.file("picture.jpg"))\n"
            + camera)
            .write(toFile: path, atomically: true, encoding: .utf8)
        return rig
    }

    @Test func aCameraIsRegisteredAndSendsPictures() async throws {
        let rig = try rig("")
        try await rig.run { rig in
            try await eventually("a picture arrives") { rig.server.counts.snapshots > 0 }
            #expect(rig.server.violations == [])
            let path = rig.folder.file("prusa_printer_settings.ini")
            try await eventually("its token is stored") {
                try String(contentsOfFile: path, encoding: .utf8).contains("token = camera-\(DaemonRig.token)")
            }
            #expect(!rig.log.lines.contains { $0.contains("camera-\(DaemonRig.token)") })
        }
    }

    @Test func layersTriggerIt() async throws {
        let rig = try rig("trigger_scheme = EACH_LAYER\ntoken = camera-\(DaemonRig.token)\n")
        try await rig.run { rig in
            try await rig.waitForState("IDLE")
            try await Task.sleep(for: .seconds(1))
            #expect(rig.server.counts.snapshots == 0)
            try await rig.startPrint("a.gcode")
            try await eventually("a layer's picture arrives") { rig.server.counts.snapshots > 0 }
            try await rig.order("STOP_PRINT")
        }
    }

    @Test func aCameraThatIsNoneDisturbsNothing() async throws {
        let rig = try rig("\n[camera::b2]\nname = hat\ndriver = Hat\n")
        try await rig.run { rig in
            try await eventually("it is told") { rig.log.lines.contains { $0.contains("camera hat: ") } }
            try await eventually("the other works") { rig.server.counts.snapshots > 0 }
        }
    }
}
