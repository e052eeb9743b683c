import Crypto

/// How a printer reaches Connect: the server and the printer's token.
public struct ConnectSettings: Sendable, Hashable {
    /// The section of `prusa_printer_settings.ini` that holds these settings.
    public static let section = "service::connect"

    /// The server.
    public var server: ConnectServer
    /// The secret from the registration; `nil` before it.
    public var token: Token?
    /// Certificates to trust instead of the system's, as a file in PEM form.
    public var caFile: String?

    /// Settings by their values.
    public init(server: ConnectServer = .prusa, token: Token? = nil, caFile: String? = nil) {
        self.server = server
        self.token = token
        self.caFile = caFile
    }

    /// A number that tells registrations apart and gives nothing away: the beginning of a digest of server and token.
    var registration: UInt64 {
        let text = "\(server.baseURL)\n\(token?.value ?? "")"
        return SHA256.hash(data: Array(text.utf8)).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads `[service::connect]` of a file such as `prusa_printer_settings.ini`; see ``init(_:)``.
    public init(path: String) throws(INIError) { try self.init(INIFile(path: path)) }

    /// Reads `[service::connect]`: `hostname` (connect.prusa3d.com when missing), `port` (0 or missing: the scheme's
    /// own), `tls` (on when missing: the token must not travel in clear by mistake), `token` (empty or missing before
    /// the registration), `ca_file` (Gantry's own key: certificates in PEM form to trust instead of the system's).
    public init(_ file: INIFile) throws(INIError) {
        let section = Self.section
        let usesTLS = try file.bool("tls", in: section) ?? true
        let port = try file.integer("port", in: section, range: 0...65535) ?? 0
        let name = file.value(of: "hostname", in: section) ?? ""
        let host = name.isEmpty ? ConnectServer.prusa.host : name
        guard let server = ConnectServer(host: host, port: UInt16(port), usesTLS: usesTLS) else {
            throw file.invalid(
                "hostname", in: section, expected: "a host name such as connect.prusa3d.com, without https:// and path")
        }
        let secret = file.value(of: "token", in: section) ?? ""
        let token = Token(secret)
        guard secret.isEmpty || token != nil else {
            throw file.invalid("token", in: section, expected: "1 to 255 visible ASCII characters")
        }
        let authorities = file.value(of: "ca_file", in: section) ?? ""
        self.init(server: server, token: token, caFile: authorities.isEmpty ? nil : authorities)
    }

    /// Writes server and token into `file`; everything else in it stays.
    public func store(in file: inout INIFile) throws(INIError) {
        let section = Self.section
        try file.set("hostname", in: section, to: server.host)
        try file.set("tls", in: section, to: server.usesTLS ? "True" : "False")
        try file.set("port", in: section, to: String(server.port ?? 0))
        if let token {
            try file.set("token", in: section, to: token.value)
        } else {
            file.remove("token", in: section)
        }
    }
}
