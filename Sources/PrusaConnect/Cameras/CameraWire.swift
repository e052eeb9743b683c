/// What cameras say on the wire.
enum CameraWire {
    static let registerPath = "/p/camera"
    static let snapshotPath = "/c/snapshot"

    /// The body of a registration (Python SDK 0.8.1; there the order of capabilities and resolutions is by chance).
    static func registration(of configuration: CameraConfiguration, _ camera: any Camera) -> [UInt8] {
        let capabilities = camera.capabilities.union([.triggerScheme, .imaging])
        let resolutions = camera.resolutions.sorted()
        var config = JSONObject()
        config.set("trigger_scheme", configuration.trigger.rawValue)
        if capabilities.contains(.resolution), let resolution = configuration.resolution ?? resolutions.last {
            config["resolution"] = resolution.json
        }
        if capabilities.contains(.rotation) { config.set("rotation", configuration.rotation ?? 0) }
        if capabilities.contains(.exposure) { config.set("exposure", configuration.exposure ?? 0) }
        if capabilities.contains(.focus) { config.set("focus", configuration.focus ?? 0.5) }
        config.set("name", configuration.name)
        config.set("token", configuration.token?.value)
        config.set("camera_id", configuration.id.description)
        let body: JSONValue = [
            "config": .object(config),
            "options": ["available_resolutions": .array(resolutions.map(\.json))],
            "capabilities": .array(
                CameraCapability.allCases.filter { capabilities.contains($0) }.map { .string($0.rawValue) }),
            "fingerprint": .string(configuration.id.fingerprint.description),
        ]
        return body.wireBytes
    }

    /// The upload of a picture, with the camera's own credentials.
    static func upload(
        _ picture: CameraPicture, token: Token, settings: ConnectSettings, printerUUID: String?,
        connectTimeout: Duration, deadline: Duration
    ) -> HTTPRequest {
        let server = settings.server
        let query = printerUUID.map { "?printer_uuid=" + $0.percentEncoded } ?? ""
        let headers = [
            HTTPHeader("Host", server.hostHeader), HTTPHeader("User-Agent", Wire.userAgent),
            HTTPHeader("Accept-Encoding", "identity"), HTTPHeader("Accept", "*/*"),
            HTTPHeader("Connection", "keep-alive"), HTTPHeader("Timestamp", picture.timestamp.description),
            HTTPHeader("Fingerprint", picture.camera.fingerprint.description), HTTPHeader("Token", token.value),
            HTTPHeader("Content-Type", "image/jpg"), HTTPHeader("Content-Length", String(picture.bytes.count)),
        ]
        return HTTPRequest(
            method: .put, server: server, target: snapshotPath + query, headers: headers, body: picture.bytes,
            connectTimeout: connectTimeout, deadline: deadline, bodyLimit: 64 * 1024, caFile: settings.caFile)
    }
}

/// A picture that waits to be sent.
struct CameraPicture: Sendable {
    let camera: CameraID
    /// Tells it from the other pictures of its camera.
    var number: UInt64 = 0
    let bytes: [UInt8]
    /// When it was ready.
    let timestamp: Timestamp
}
