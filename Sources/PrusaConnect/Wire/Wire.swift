/// Names and numbers of the protocol.
enum Wire {
    /// The version of the protocol's dialect: that of the Python SDK whose requests the server knows. It travels in
    /// `User-Agent` and as `sdk` in INFO.
    static let sdkVersion = "0.8.1"
    static let userAgent = "Prusa-Connect-SDK-Printer/" + sdkVersion

    static let registerPath = "/p/register"
    static let telemetryPath = "/p/telemetry"
    static let eventsPath = "/p/events"
}

/// The headers that every request to `/p/…` carries, in the order of the Python SDK 0.8.1.
///
/// Two intended differences: `Timestamp` has one clean decimal, and `Accept-Encoding` is `identity`, because answers
/// are a few hundred bytes and a compressed one could unfold beyond its limit.
struct CommonHeaders: Sendable {
    var fingerprint: Fingerprint
    var printerType: PrinterType
    /// Version of the host software, else the firmware's.
    var version: String?

    /// `token` stays away from registration: the old one is what is wrong with the printer then.
    func make(
        server: ConnectServer, timestamp: Timestamp, token: Token?, isClockAdjusted: Bool, code: String? = nil,
        body: [UInt8]?
    ) -> [HTTPHeader] {
        var headers = [
            HTTPHeader("Host", server.hostHeader),
            HTTPHeader("User-Agent", Wire.userAgent),
            HTTPHeader("Accept-Encoding", "identity"),
            HTTPHeader("Accept", "*/*"),
            HTTPHeader("Connection", "keep-alive"),
            HTTPHeader("Fingerprint", fingerprint.description),
            HTTPHeader("Timestamp", timestamp.description),
            HTTPHeader("User-Agent-Printer", printerType.description),
            HTTPHeader("User-Agent-Version", Self.headerText(version) ?? Wire.sdkVersion),
        ]
        if let token { headers.append(HTTPHeader("Token", token.value)) }
        if isClockAdjusted { headers.append(HTTPHeader("Clock-Adjusted", "1")) }
        if let code { headers.append(HTTPHeader("Code", code)) }
        if let body {
            headers.append(HTTPHeader("Content-Length", String(body.count)))
            headers.append(HTTPHeader("Content-Type", "application/json"))
        }
        return headers
    }

    /// A version as it may stand in a header: other characters than visible ASCII and inner spaces are dropped.
    private static func headerText(_ text: String?) -> String? {
        guard let text else { return nil }
        let clean = String(decoding: text.utf8.filter { isVisibleASCII($0) || $0 == 0x20 }, as: UTF8.self).trimmed
        return clean.isEmpty ? nil : clean
    }
}
