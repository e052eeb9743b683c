/// A kind of cameras. The library has ``ImageFileDriver``, ``CommandDriver`` and ``V4L2Driver``; an application can add
/// its own.
public protocol CameraDriver: Sendable {
    /// The value of `driver` in the configuration.
    var name: String { get }

    /// The keys of settings that a camera cannot do without: ``Cameras/resetSettings(of:)`` keeps them. `nil` for all.
    var requiredSettings: Set<String>? { get }

    /// Cameras that are there and could be used, as new configurations. Called on the thread that asks.
    func detect() -> [CameraConfiguration]

    /// Makes a camera usable. Throws when a setting is missing or wrong, or the device is not there.
    func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera
}

extension CameraDriver {
    /// A reset keeps all settings of the driver.
    public var requiredSettings: Set<String>? { nil }

    /// No camera is found by itself.
    public func detect() -> [CameraConfiguration] { [] }
}

/// A camera that can be asked for pictures.
public protocol Camera: Sendable {
    /// What can be set, apart from the trigger, which ``Cameras`` carries out for every camera.
    var capabilities: Set<CameraCapability> { get }

    /// The sizes of pictures to choose from; empty when there is no choice.
    var resolutions: [CameraResolution] { get }

    /// Takes a picture: a JPEG of at most 16 MiB. Called on a thread of the camera's own, never twice at a time. It
    /// may take seconds; other cameras, telemetry and commands do not wait for it.
    func takePicture(_ configuration: CameraConfiguration) throws(CameraError) -> [UInt8]
}

/// Limits of pictures.
enum Picture {
    /// The largest picture that the server takes, in bytes (its camera API).
    static let longest = 16 << 20

    /// Throws unless `bytes` begin and end as a JPEG does.
    static func check(_ bytes: [UInt8]) throws(CameraError) {
        guard bytes.count <= longest else { throw .tooLarge }
        guard bytes.starts(with: [0xFF, 0xD8, 0xFF]) else { throw .notJPEG }
    }
}
