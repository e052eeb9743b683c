/// A camera as it is configured: a section `[camera::ID]` of an ini file.
///
/// ```ini
/// [camera::kQ3v9L0aXbYz]
/// name = Camera on the shelf
/// driver = V4L2
/// path = /dev/video0
/// trigger_scheme = THIRTY_SEC
/// resolution = 1280x720
/// rotation = 0
/// exposure = 0.0
/// focus = 0.5
/// token = 6ITZM5jtgUe52RvEJgwB
///
/// [camera_order]
/// 1 = kQ3v9L0aXbYz
/// ```
///
/// `name` and `driver` are required; keys that are not listed here belong to the driver.
public struct CameraConfiguration: Sendable, Hashable {
    /// The camera's lasting id.
    public var id: CameraID
    /// A name for people.
    public var name: String
    /// Name of the driver.
    public var driver: String
    /// The driver's own settings, for example `path`, by their keys in lower case.
    public var settings: [String: String]
    /// When it takes pictures.
    public var trigger = CameraTrigger.thirtySeconds
    /// Size of the pictures; `nil` for the largest there is.
    public var resolution: CameraResolution?
    /// Clockwise turn of the pictures: 0, 90, 180 or 270 degrees.
    public var rotation: Int?
    /// Brighter or darker, −2 to 2 EV.
    public var exposure: Double?
    /// From near, 0, to far, 1.
    public var focus: Double?
    /// The secret by which the server knows the camera; `nil` before the registration.
    public var token: Token?

    /// A camera that is not configured further.
    public init(id: CameraID, name: String, driver: String, settings: [String: String]) {
        (self.id, self.name, self.driver, self.settings) = (id, name, driver, settings)
    }
}

// The ini file.
extension CameraConfiguration {
    private static let prefix = "camera::"
    private static let orderSection = "camera_order"
    private static let keys: Set<String> = [
        "name", "driver", "trigger_scheme", "resolution", "rotation", "exposure", "focus", "token",
    ]

    /// The section's name.
    var section: String { Self.prefix + id.description }

    /// The cameras of a file, those of `[camera_order]` first in the order of their numbers. Throws for a value that
    /// cannot be read.
    public static func all(in file: INIFile) throws(INIError) -> [CameraConfiguration] {
        var cameras: [CameraConfiguration] = []
        for section in file.sections where section.hasPrefix(prefix) {
            guard let id = CameraID(String(section.dropFirst(prefix.count))) else {
                throw INIError(
                    path: file.path, line: file.line(ofSection: section),
                    problem: .invalidValue(key: "id", section: section, expected: "letters and digits"))
            }
            cameras.append(try CameraConfiguration(id: id, file))
        }
        let ids = order(in: file)
        let places = Dictionary(ids.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        return cameras.enumerated()
            .sorted {
                (places[$0.element.id] ?? ids.count, $0.offset) < (places[$1.element.id] ?? ids.count, $1.offset)
            }
            .map(\.element)
    }

    /// By number, not by text: 10 comes after 2.
    private static func order(in file: INIFile) -> [CameraID] {
        file.keys(in: orderSection)
            .compactMap { key in Int(key).map { (number: $0, key: key) } }
            .sorted { $0.number < $1.number }
            .compactMap { file.value(of: $0.key, in: orderSection).flatMap { CameraID($0) } }
    }

    private init(id: CameraID, _ file: INIFile) throws(INIError) {
        let section = Self.prefix + id.description
        func text(_ key: String) -> String? {
            file.value(of: key, in: section).flatMap { $0.isEmpty ? nil : $0 }
        }
        func value<Value>(_ key: String, _ expected: String, _ read: (String) -> Value?) throws(INIError) -> Value? {
            guard let text = text(key) else { return nil }
            guard let value = read(text) else { throw file.invalid(key, in: section, expected: expected) }
            return value
        }
        guard let name = text("name") else { throw file.invalid("name", in: section, expected: "a name") }
        guard let driver = text("driver") else {
            throw file.invalid("driver", in: section, expected: "a driver's name")
        }
        var settings: [String: String] = [:]
        for key in file.keys(in: section) where !Self.keys.contains(key.lowercased()) {
            settings[key.lowercased()] = file.value(of: key, in: section)
        }
        self.init(id: id, name: name, driver: driver, settings: settings)
        let triggers = CameraTrigger.allCases.map(\.rawValue).joined(separator: ", ")
        trigger = try value("trigger_scheme", "one of \(triggers)") { CameraTrigger(rawValue: $0) } ?? .thirtySeconds
        resolution = try value("resolution", "a size such as 1280x720") { CameraResolution($0) }
        rotation = try value("rotation", "0, 90, 180 or 270") {
            Int($0).flatMap { [0, 90, 180, 270].contains($0) ? $0 : nil }
        }
        exposure = try value("exposure", "a number from -2 to 2") {
            Double($0).flatMap { (-2...2).contains($0) ? $0 : nil }
        }
        focus = try value("focus", "a number from 0 to 1") { Double($0).flatMap { (0...1).contains($0) ? $0 : nil } }
        token = try value("token", "1 to 255 visible ASCII characters") { Token($0) }
    }

    /// Writes the camera into a file; everything else in it stays. A new camera comes last in the order.
    public func store(in file: inout INIFile) throws(INIError) {
        var entries: [(String, String?)] = [("name", name), ("driver", driver)]
        entries += settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        entries += [
            ("trigger_scheme", trigger.rawValue), ("resolution", resolution?.description),
            ("rotation", rotation.map { String($0) }), ("exposure", exposure.map { "\($0)" }),
            ("focus", focus.map { "\($0)" }), ("token", token?.value),
        ]
        for (key, value) in entries {
            if let value {
                // What is right already keeps its spaces, too.
                if file.value(of: key, in: section) == value { continue }
                try file.set(key, in: section, to: value)
            } else {
                file.remove(key, in: section)
            }
        }
        guard !Self.order(in: file).contains(id) else { return }
        let last = file.keys(in: Self.orderSection).compactMap { Int($0) }.max() ?? 0
        try file.set(String(last + 1), in: Self.orderSection, to: id.description)
    }

    /// As ``store(in:)``, and takes out what the configuration does not have.
    func replace(in file: inout INIFile) throws(INIError) {
        for key in file.keys(in: section) where !Self.keys.contains(key.lowercased()) {
            if settings[key.lowercased()] == nil { file.remove(key, in: section) }
        }
        try store(in: &file)
    }

    /// Takes a camera out of a file, also one whose configuration cannot be read; everything else in it stays.
    public static func remove(_ id: CameraID, from file: inout INIFile) {
        file.remove(section: prefix + id.description)
        for key in file.keys(in: orderSection) where file.value(of: key, in: orderSection) == id.description {
            file.remove(key, in: orderSection)
        }
    }

    /// Sets or deletes the token alone.
    func storeToken(in file: inout INIFile) throws(INIError) {
        if let token {
            try file.set("token", in: section, to: token.value)
        } else {
            file.remove("token", in: section)
        }
    }
}
