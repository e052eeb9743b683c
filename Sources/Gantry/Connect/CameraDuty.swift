import MarlinLink
import PrusaConnect
import Synchronization

/// The web cameras in the daemon: those of the settings file, told of each layer of a print.
final class CameraDuty: Sendable {
    private let cameras: Cameras
    private let layer = Mutex<UInt32>(0)

    /// Cameras are the sections `[camera::ID]` of the file at `path`, where their tokens are stored, too.
    init(printer: Printer, path: String) { cameras = Cameras(printer: printer, path: path) }

    /// Begins; what is wrong with cameras that cannot be used. Nothing runs where there is no camera.
    func start() -> [String] {
        do throws(INIError) {
            return try cameras.load().map { "camera \($0.camera.name): \($0.error)" }
        } catch {
            return ["cameras: \(error)"]
        }
    }

    /// Called a few times a second: a layer that was begun since triggers the cameras that wait for layers.
    func note(_ snapshot: LinkSnapshot) {
        let isNew = layer.withLock { layer in
            defer { layer = snapshot.layer }
            return snapshot.phase == .printing && snapshot.layer > layer
        }
        if isNew { cameras.layerChanged() }
    }

    /// Ends.
    func stop() { cameras.stop() }
}
