/// Where Connect is: host, port, and whether TLS is used.
public struct ConnectServer: Sendable, Hashable, CustomStringConvertible {
    /// Host name or address; an IPv6 address without brackets.
    public let host: String
    /// Port, `nil` for the scheme's own: 443 with TLS, else 80.
    public let port: UInt16?
    /// Whether the connection is encrypted. Without TLS the token travels in clear.
    public let usesTLS: Bool

    /// Prusa's own server.
    public static let prusa = ConnectServer(unchecked: "connect.prusa3d.com")

    /// A server. `host` is a name, an IPv4 or an IPv6 address (with or without brackets), without scheme and path;
    /// `nil` for anything else. Port 0 means the scheme's own.
    public init?(host: String, port: UInt16? = nil, usesTLS: Bool = true) {
        var bare = host
        if bare.hasPrefix("["), bare.hasSuffix("]") { bare = String(bare.dropFirst().dropLast()) }
        let isIPv6 = bare.utf8.contains(UInt8(ascii: ":"))
        guard (1...255).contains(bare.utf8.count), bare.utf8.allSatisfy({ Self.mayStandInHost($0, isIPv6) }) else {
            return nil
        }
        self.host = bare
        self.port = port == 0 ? nil : port
        self.usesTLS = usesTLS
    }

    private init(unchecked host: String) {
        self.host = host
        port = nil
        usesTLS = true
    }

    private static func mayStandInHost(_ byte: UInt8, _ isIPv6: Bool) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: isIPv6 ? "f" : "z")
        let others = isIPv6 ? ":." : "-._"
        return isDigit(byte) || letters.contains(lowercaseASCII(byte)) || others.utf8.contains(byte)
    }

    /// Host, and port when it is given: the header `Host`.
    var hostHeader: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// For example `https://connect.prusa3d.com`, without trailing slash.
    public var baseURL: String { (usesTLS ? "https://" : "http://") + hostHeader }

    /// The base URL.
    public var description: String { baseURL }
}
