/// The lasting id of a camera: 12 characters, made from whatever its driver knows it by.
public struct CameraID: Sendable, Hashable, CustomStringConvertible {
    /// The text in the configuration and on the wire.
    public let description: String

    /// The id of the camera that a driver knows by `plainID`, for example `/dev/video0`: URL-safe Base64 of a BLAKE2b
    /// of nine bytes (Python SDK 0.8.1, there for Latin-1 only).
    public init(plainID: String) { description = Self.base64URL(BLAKE2b.hash(Array(plainID.utf8), length: 9)) }

    /// An id as it stands in a configuration; `nil` for an empty text or one that could not be a section's name.
    public init?(_ text: String) {
        guard (1...64).contains(text.utf8.count),
            text.utf8.allSatisfy({ isVisibleASCII($0) && $0 != UInt8(ascii: "]") })
        else { return nil }
        description = text
    }

    /// By which the server tells cameras apart: SHA-256 of the id in hex.
    public var fingerprint: Fingerprint { Fingerprint(serialNumber: description) }

    /// Of a multiple of three bytes, so that there is no padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count - 2, by: 3) {
            let group = bytes[start..<start + 3].reduce(0) { $0 << 8 | Int($1) }
            for shift in [18, 12, 6, 0] { text.append(digits[group >> shift & 63]) }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// When a camera takes a picture.
public enum CameraTrigger: String, Sendable, Hashable, CaseIterable {
    /// Every ten seconds.
    case tenSeconds = "TEN_SEC"
    /// Every thirty seconds.
    case thirtySeconds = "THIRTY_SEC"
    /// Every minute.
    case sixtySeconds = "SIXTY_SEC"
    /// With each layer of a print.
    case eachLayer = "EACH_LAYER"
    /// With each fifth layer of a print.
    case fifthLayer = "FIFTH_LAYER"
    /// Only when somebody asks.
    case manual = "MANUAL"

    /// Time between two pictures; `nil` when it is not time that triggers.
    public var interval: Duration? {
        switch self {
        case .tenSeconds: .seconds(10)
        case .thirtySeconds: .seconds(30)
        case .sixtySeconds: .seconds(60)
        case .eachLayer, .fifthLayer, .manual: nil
        }
    }

    /// Layers between two pictures; `nil` when it is not layers that trigger.
    public var layers: Int? {
        switch self {
        case .eachLayer: 1
        case .fifthLayer: 5
        default: nil
        }
    }
}

/// What can be set for a camera.
public enum CameraCapability: String, Sendable, Hashable, CaseIterable {
    /// When it takes pictures.
    case triggerScheme = "trigger_scheme"
    /// That it takes pictures at all.
    case imaging
    /// The size of its pictures.
    case resolution
    /// By how much they are turned.
    case rotation
    /// Their brightness.
    case exposure
    /// What is sharp.
    case focus
}

/// Width and height of a picture in pixels.
public struct CameraResolution: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Pixels from left to right.
    public var width: Int
    /// Pixels from top to bottom.
    public var height: Int

    /// A size in pixels.
    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    /// A size as it stands in a configuration, `1280x720`; `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }),
            let width = Int(parts[0]), let height = Int(parts[1]),
            (1...65535).contains(width), (1...65535).contains(height)
        else { return nil }
        self.init(width: width, height: height)
    }

    /// For example `1280x720`.
    public var description: String { "\(width)x\(height)" }

    /// By the number of pixels, then by width.
    public static func < (left: CameraResolution, right: CameraResolution) -> Bool {
        (left.width * left.height, left.width) < (right.width * right.height, right.width)
    }

    var json: JSONValue { ["width": .int(Int64(width)), "height": .int(Int64(height))] }
}

/// Why a camera cannot be used or a picture not be taken.
public enum CameraError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No driver has this name.
    case unknownDriver(String)
    /// A setting of the driver is missing or cannot be used; `expected` says what should be there.
    case setting(String, expected: String)
    /// The operating system refuses.
    case system(FileError)
    /// What came is no JPEG picture.
    case notJPEG
    /// The picture is larger than 16 MiB.
    case tooLarge
    /// There was no picture in time.
    case timeout
    /// The command ended in another way than by exit status 0.
    case command(status: Int32)
    /// The device takes no pictures that can be used; the text says why.
    case device(String)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .unknownDriver(let name): "there is no camera driver \(name)"
        case .setting(let key, let expected): "setting \(key) of the camera: expected \(expected)"
        case .system(let error): error.description
        case .notJPEG: "the camera's picture is no JPEG"
        case .tooLarge: "the camera's picture is larger than 16 MiB"
        case .timeout: "the camera gave no picture in time"
        case .command(let status): "the camera's command ended with status \(status)"
        case .device(let text): text
        }
    }
}
