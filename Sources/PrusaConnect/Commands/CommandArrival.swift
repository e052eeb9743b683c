/// What a 200 answer to telemetry brings, checked in the order of the Python SDK 0.8.1.
enum CommandArrival: Sendable {
    case command(Command)
    /// Cannot be taken; answered with REJECTED and this reason. Without id the server cannot tell which command it was.
    case broken(id: UInt64?, reason: String)

    init(_ response: HTTPResponse) {
        guard let id = Self.commandID(response) else {
            self = .broken(id: nil, reason: "Invalid Command-Id header")
            return
        }
        let mediaType = response.header("Content-Type").flatMap { MediaType($0) }
        switch mediaType?.essence {
        case "application/json": self = Self.json(response.body, id: id)
        case "text/x.gcode":
            let isForced = response.header("Force") == "1"
            self = Self.gcode(response.body, charset: mediaType?.charset, id: id, isForced: isForced)
        default: self = .broken(id: id, reason: "Invalid command content type")
        }
    }

    /// Digits only: Python's `int()` would take `+7` and `1_0` as well.
    private static func commandID(_ response: HTTPResponse) -> UInt64? {
        guard let text = response.header("Command-Id"), !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
        return UInt64(text)
    }

    private static func json(_ body: [UInt8], id: UInt64) -> CommandArrival {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body)
        } catch {
            return .broken(id: id, reason: error.description)
        }
        guard let object = value.object else { return .broken(id: id, reason: "Command is not a JSON object") }
        guard let arguments = list(object["args"]) else {
            return .broken(id: id, reason: "Command args are not a list")
        }
        guard let keywords = members(object["kwargs"]) else {
            return .broken(id: id, reason: "Command kwargs are not an object")
        }
        // A missing name is a command that nobody knows (Python SDK 0.8.1).
        let name = CommandName(rawValue: object["command"]?.string ?? "")
        return .command(Command(id: id, name: name, arguments: arguments, keywords: keywords))
    }

    private static func list(_ value: JSONValue?) -> [JSONValue]? {
        guard let value, value != .null else { return [] }
        return value.array
    }

    private static func members(_ value: JSONValue?) -> JSONObject? {
        guard let value, value != .null else { return JSONObject() }
        return value.object
    }

    private static func gcode(_ body: [UInt8], charset: String?, id: UInt64, isForced: Bool) -> CommandArrival {
        let text: String?
        switch charset {
        case "iso-8859-1", "latin-1", "latin1": text = String(decoding: body.map(UInt16.init), as: UTF16.self)
        default: text = String(validating: body, as: UTF8.self)
        }
        guard let text else { return .broken(id: id, reason: "G-code is not UTF-8 text") }
        return .command(
            Command(
                id: id, name: .gcode, arguments: [.string(text)], keywords: ["gcode": .string(text)],
                isForced: isForced))
    }
}
