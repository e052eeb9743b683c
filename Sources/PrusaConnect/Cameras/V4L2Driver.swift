import CV4L2
import Glibc

/// Web cameras of the kernel's V4L2 that give MJPEG, as nearly every USB camera does. Setting `path`, for example
/// `/dev/video0`. Rotation, exposure and focus are set where the device has controls for them; where it has none they
/// are passed over.
///
/// The device is open only while it takes a picture, so that other programs can use it between.
public struct V4L2Driver: CameraDriver {
    /// `V4L2`.
    public let name = "V4L2"
    /// `path`.
    public let requiredSettings: Set<String>? = ["path"]
    private let calls: V4L2Calls

    /// A driver without settings of its own.
    public init() { calls = .system }

    /// With another kernel beneath, for tests.
    init(calls: V4L2Calls) { self.calls = calls }

    /// The devices `/dev/video0` to `/dev/video63` that give MJPEG. Their ids are made of where they are plugged in
    /// and what they are called, so that they stay when the numbers change.
    public func detect() -> [CameraConfiguration] {
        (0..<64).compactMap { number -> CameraConfiguration? in
            let path = "/dev/video\(number)"
            guard let device = try? V4L2Device(path: path, calls: calls), let format = try? device.format(),
                format != 0, let (card, bus) = device.names
            else { return nil }
            let id = CameraID(plainID: "\(bus) \(card)")
            return CameraConfiguration(id: id, name: card, driver: name, settings: ["path": path])
        }
    }

    /// The camera at setting `path`. Throws when it is not there or gives no MJPEG.
    public func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera {
        guard let path = configuration.settings["path"], !path.isEmpty else {
            throw .setting("path", expected: "a device such as /dev/video0")
        }
        let device = try V4L2Device(path: path, calls: calls)
        let format = try device.format()
        guard format != 0 else { throw .device("\(path): the camera gives no MJPEG") }
        let resolutions = device.sizes(of: format)
        return V4L2Camera(
            path: path, format: format, resolutions: resolutions,
            capabilities: device.capabilities.union(resolutions.isEmpty ? [] : [.resolution]), calls: calls)
    }
}

struct V4L2Camera: Camera {
    let path: String
    let format: UInt32
    let resolutions: [CameraResolution]
    let capabilities: Set<CameraCapability>
    let calls: V4L2Calls

    /// Pictures until the exposure has settled.
    private static let skipped: Int32 = 10
    private static let timeoutMilliseconds: Int32 = 10_000

    func takePicture(_ configuration: CameraConfiguration) throws(CameraError) -> [UInt8] {
        let device = try V4L2Device(path: path, calls: calls)
        let size = configuration.resolution ?? resolutions.max() ?? CameraResolution(width: 1280, height: 720)
        // Each time: others may have used it between. Before the size, which a rotation swaps.
        device.apply(configuration)
        // No MJPEG frame comes near two bytes a pixel; small ones are mostly headers.
        let capacity = min(max(size.width * size.height * 2, 1 << 20), Picture.longest)
        let frame = try device.take(
            format, size, skipped: Self.skipped, timeout: Self.timeoutMilliseconds, capacity: capacity)
        return MJPEG.withHuffmanTables(frame)
    }
}

/// The system calls beneath a camera.
// @unchecked: pointers to functions, which never change.
struct V4L2Calls: @unchecked Sendable {
    let table: cv4l2_calls

    static let system = V4L2Calls(table: cv4l2_system)
}

/// An open device.
private final class V4L2Device: V4L2Controls {
    private let path: String
    private let file: Int32
    private var calls: cv4l2_calls

    init(path: String, calls: V4L2Calls) throws(CameraError) {
        self.path = path
        self.calls = calls.table
        file = cv4l2_open(&self.calls, path)
        guard file >= 0 else { throw Self.error("open", path, Int64(file)) }
    }

    deinit { if file >= 0 { _ = cv4l2_close(&calls, file) } }

    var names: (card: String, bus: String)? {
        var card = [CChar](repeating: 0, count: 32)
        var bus = card
        guard cv4l2_names(&calls, file, &card, &bus) == 0 else { return nil }
        func text(_ bytes: [CChar]) -> String {
            String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return (text(card), text(bus))
    }

    /// The fourcc of MJPEG or JPEG, 0 without.
    func format() throws(CameraError) -> UInt32 {
        let format = cv4l2_format(&calls, file)
        guard format >= 0 else { throw Self.error("ask", path, format) }
        return UInt32(truncatingIfNeeded: format)
    }

    func sizes(of format: UInt32) -> [CameraResolution] {
        var sizes: [CameraResolution] = []
        var (width, height): (UInt32, UInt32) = (0, 0)
        // More sizes than that no camera has.
        while sizes.count < 100, cv4l2_size(&calls, file, format, UInt32(sizes.count), &width, &height) == 0 {
            sizes.append(CameraResolution(width: Int(width), height: Int(height)))
        }
        return sizes
    }

    func range(of control: cv4l2_control_id) -> V4L2Range? {
        var range = cv4l2_range()
        guard cv4l2_range(&calls, file, control.rawValue, &range) == 0 else { return nil }
        return V4L2Range(
            minimum: range.minimum, maximum: range.maximum, step: range.step, standard: range.standard)
    }

    func menu(_ control: cv4l2_control_id) -> [Int32: Int64] {
        guard let range = range(of: control), range.minimum >= 0, range.minimum <= range.maximum else { return [:] }
        var entries: [Int32: Int64] = [:]
        var number: Int64 = 0
        // No menu has more.
        for index in range.minimum...min(range.maximum, range.minimum + 255)
        where cv4l2_menu_entry(&calls, file, control.rawValue, UInt32(index), &number) == 0 {
            entries[index] = number
        }
        return entries
    }

    func set(_ control: cv4l2_control_id, _ value: Int32) { _ = cv4l2_set(&calls, file, control.rawValue, value) }

    func take(
        _ format: UInt32, _ size: CameraResolution, skipped: Int32, timeout: Int32, capacity: Int
    ) throws(CameraError) -> [UInt8] {
        var picture = [UInt8](repeating: 0, count: capacity)
        let length = cv4l2_take(
            &calls, file, format, UInt32(size.width), UInt32(size.height), skipped, timeout, &picture, capacity)
        guard length >= 0 else { throw Self.error("take a picture with", path, length) }
        return Array(picture.prefix(Int(length)))
    }

    private static func error(_ operation: String, _ path: String, _ result: Int64) -> CameraError {
        switch Int32(truncatingIfNeeded: -result) {
        case ETIMEDOUT: .timeout
        case EMSGSIZE: .tooLarge
        case ENODEV: .device("\(path) is no camera")
        case ENOTSUP: .device("\(path): the camera gives no MJPEG")
        case let code: .system(FileError(operation: operation, path: path, code: code))
        }
    }
}
