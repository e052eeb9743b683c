/// The address of a download: which server to ask, and for what.
///
/// Everything that could make the address mean one thing here and another in libcurl is refused or encoded: a user
/// name before the host, backslashes, control characters.
struct DownloadURL: Sendable, Hashable {
    let server: ConnectServer
    /// Path and query, beginning with `/`, in visible ASCII.
    let target: String

    /// An address on a server that is known already; `target` begins with `/`.
    init(server: ConnectServer, target: String) {
        self.server = server
        self.target = target
    }

    /// An absolute `http` or `https` address; `nil` for anything else, an address with a user name among it.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let (scheme, afterScheme) = Self.scheme(of: bytes), ["http", "https"].contains(scheme) else { return nil }
        let rest = bytes[afterScheme...]
        guard rest.starts(with: "//".utf8) else { return nil }
        let afterSlashes = rest.dropFirst(2)
        let end = afterSlashes.firstIndex { "/?#".utf8.contains($0) } ?? afterSlashes.endIndex
        guard let server = Self.server(afterSlashes[..<end], usesTLS: scheme == "https"),
            let target = Self.target(afterSlashes[end...])
        else { return nil }
        self.init(server: server, target: target)
    }

    /// Where a redirect leads (RFC 3986, 5.2); `nil` when that is no address to download from.
    func redirected(to location: String) -> DownloadURL? {
        let bytes = Array(location.trimmed.utf8)
        if Self.scheme(of: bytes) != nil { return DownloadURL(location.trimmed) }
        if bytes.starts(with: "//".utf8) {
            return DownloadURL((server.usesTLS ? "https:" : "http:") + location.trimmed)
        }
        let path = Array(target.utf8).prefix { $0 != UInt8(ascii: "?") }
        let folder = path.prefix(through: path.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex)
        let whole: [UInt8]
        switch bytes.first {
        case UInt8(ascii: "/"): whole = bytes
        case UInt8(ascii: "?"), UInt8(ascii: "#"), nil: whole = path + bytes
        default: whole = folder + bytes
        }
        return Self.target(whole[...]).map { DownloadURL(server: server, target: $0) }
    }

    /// The scheme in lower case and the index behind its colon.
    private static func scheme(of bytes: [UInt8]) -> (String, Int)? {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return nil }
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lowercaseASCII(byte))
        }
        guard isLetter(bytes[0]),
            bytes[..<colon].allSatisfy({ isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) })
        else { return nil }
        return (String(decoding: bytes[..<colon].map(lowercaseASCII), as: UTF8.self), colon + 1)
    }

    private static func server(_ authority: ArraySlice<UInt8>, usesTLS: Bool) -> ConnectServer? {
        var host = authority
        var port: UInt16?
        let afterBracket = authority.lastIndex(of: UInt8(ascii: "]")).map { $0 + 1 } ?? authority.startIndex
        if let colon = authority[afterBracket...].lastIndex(of: UInt8(ascii: ":")) {
            let digits = authority[(colon + 1)...]
            host = authority[..<colon]
            guard digits.allSatisfy(isDigit) else { return nil }
            if !digits.isEmpty {
                guard let number = UInt16(String(decoding: digits, as: UTF8.self)), number > 0 else { return nil }
                port = number
            }
        }
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        guard isBracketed || !host.contains(UInt8(ascii: ":")) else { return nil }
        return ConnectServer(host: String(decoding: host, as: UTF8.self), port: port, usesTLS: usesTLS)
    }

    /// Path and query without the fragment; spaces and what is no ASCII become `%XX`. `nil` for control characters.
    private static func target(_ bytes: ArraySlice<UInt8>) -> String? {
        var result: [UInt8] = bytes.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        let hex = Array("0123456789ABCDEF".utf8)
        for byte in bytes.prefix(while: { $0 != UInt8(ascii: "#") }) {
            guard byte >= 0x20, byte != 0x7F else { return nil }
            if isVisibleASCII(byte), !"\"<>\\^`{|}".utf8.contains(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return result.count <= 8192 ? String(decoding: result, as: UTF8.self) : nil
    }
}

extension ConnectServer {
    /// Whether scheme, host and port are the same: only then may credentials go there. A common beginning of two
    /// names or another port of the same host means nothing.
    func isSameOrigin(as other: ConnectServer) -> Bool {
        usesTLS == other.usesTLS && effectivePort == other.effectivePort && host.equalsIgnoringCase(other.host)
    }

    private var effectivePort: UInt16 { port ?? (usesTLS ? 443 : 80) }
}
