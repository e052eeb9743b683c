import Crypto

/// The secret by which the server knows the printer. It never prints itself: only ``value`` gives it away.
public struct Token: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself, for the header and the settings file.
    public let value: String

    /// A token of 1 to 255 visible ASCII characters; `nil` for anything else, which could not stand in a header.
    /// The real server's tokens have 20 characters.
    public init?(_ value: String) {
        guard (1...255).contains(value.utf8.count), value.utf8.allSatisfy(isVisibleASCII) else { return nil }
        self.value = value
    }

    /// Never the secret.
    public var description: String { "<token>" }
    /// Never the secret.
    public var debugDescription: String { description }
    /// Never the secret: `dump` and string interpolation of an optional go through here.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The printer's lasting identity on the wire.
public struct Fingerprint: Sendable, Hashable, CustomStringConvertible {
    /// The text that travels.
    public let description: String

    /// The fingerprint that the Python SDK and PrusaLink make: SHA-256 of the serial number in 64 hex digits.
    public init(serialNumber: String) {
        let hex = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: Array(serialNumber.utf8)) {
            text.append(hex[Int(byte >> 4)])
            text.append(hex[Int(byte & 15)])
        }
        description = String(decoding: text, as: UTF8.self)
    }

    /// A fingerprint made elsewhere: 16 to 64 visible ASCII characters; `nil` for anything else.
    public init?(_ text: String) {
        guard (16...64).contains(text.utf8.count), text.utf8.allSatisfy(isVisibleASCII) else { return nil }
        description = text
    }
}
