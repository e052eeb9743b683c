/// What a request of a printer must look like, as a list of complaints.
struct ConnectChecks {
    private static let states: Set<String> = [
        "IDLE", "BUSY", "PRINTING", "PAUSED", "FINISHED", "STOPPED", "ERROR", "ATTENTION", "READY",
    ]
    private static let events: Set<String> = [
        "ACCEPTED", "REJECTED", "FAILED", "FINISHED", "INFO", "STATE_CHANGED", "MEDIUM_EJECTED", "MEDIUM_INSERTED",
        "FILE_CHANGED", "FILE_INFO", "JOB_INFO", "TRANSFER_INFO", "MESH_BED_DATA", "TRANSFER_ABORTED",
        "TRANSFER_STOPPED", "TRANSFER_FINISHED", "SLOT_EVENT",
    ]
    private static let sources: Set<String> = [
        "CONNECT", "GUI", "WUI", "SERIAL", "GCODE", "MARLIN", "FIRMWARE", "HW", "USER", "SLOT",
    ]
    private static let singleHeaders = [
        "Host", "Fingerprint", "Token", "Timestamp", "User-Agent", "User-Agent-Printer", "User-Agent-Version", "Code",
        "Content-Type", "Content-Length",
    ]

    /// Headers that every `/p/…` request carries (SDK 0.8.1).
    static func headers(of request: HTTPRequest) -> [String] {
        var complaints: [String] = []
        for name in singleHeaders where request.headers(name).count > 1 { complaints.append("header \(name) twice") }
        if request.header("Host") == nil { complaints.append("header Host missing") }
        if let fingerprint = request.header("Fingerprint") {
            if fingerprint.utf8.count < 16 || !fingerprint.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
                complaints.append("header Fingerprint is no fingerprint: \"\(fingerprint)\"")
            }
        } else {
            complaints.append("header Fingerprint missing")
        }
        for name in ["User-Agent", "User-Agent-Printer", "User-Agent-Version"] {
            let value = request.header(name)
            if value == nil || value == "" || value == "None" { complaints.append("header \(name) missing or empty") }
        }
        if let type = request.header("User-Agent-Printer"), !isPrinterType(type) {
            complaints.append("header User-Agent-Printer is no printer type: \"\(type)\"")
        }
        complaints += timestamp(request.header("Timestamp"))
        if !request.body.isEmpty, request.header("Content-Type") != "application/json" {
            complaints.append("Content-Type is \(request.header("Content-Type") ?? "missing"), not application/json")
        }
        return complaints
    }

    /// Seconds since the epoch with a fraction. The SDK's own noise (`.1000001`) passes.
    private static func timestamp(_ value: String?) -> [String] {
        guard let value else { return ["header Timestamp missing"] }
        let parts = value.split(separator: ".", omittingEmptySubsequences: false)
        let isNumber = parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
        guard isNumber, parts.count == 2, let seconds = Double(value), seconds > 1e9 else {
            return ["header Timestamp is no time in seconds with one decimal: \"\(value)\""]
        }
        return []
    }

    /// `1.3.1`: three numbers.
    private static func isPrinterType(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 && parts.allSatisfy { Int($0) != nil }
    }

    /// The body of `POST /p/register`.
    static func registration(_ body: PlainJSON) -> [String] {
        var complaints = common(body)
        for key in ["sn", "fingerprint", "printer_type", "firmware"] {
            if let value = body[key], value.string == nil { complaints.append("\(key) is no string: \(value)") }
        }
        for key in ["sn", "fingerprint", "printer_type"] where body[key] == nil { complaints.append("\(key) missing") }
        if let type = body["printer_type"]?.string, !isPrinterType(type) {
            complaints.append("printer_type is no printer type: \"\(type)\"")
        }
        return complaints
    }

    /// The body of `POST /p/telemetry`.
    static func telemetry(_ body: PlainJSON) -> [String] {
        var complaints = common(body) + state(body)
        for key in ["temp_nozzle", "temp_bed", "target_nozzle", "target_bed", "axis_x", "axis_y", "axis_z"] {
            if let value = body[key], value.number == nil { complaints.append("\(key) is no number: \(value)") }
        }
        for key in ["progress", "time_printing", "time_remaining", "job_id", "command_id", "flow", "speed"] {
            if let value = body[key], value.integer == nil { complaints.append("\(key) is no integer: \(value)") }
        }
        if let progress = body["progress"]?.number, progress < 0 || progress > 100 {
            complaints.append("progress is not within 0...100: \(progress)")
        }
        return complaints
    }

    /// The body of `POST /p/events`.
    static func event(_ body: PlainJSON) -> [String] {
        var complaints = common(body) + state(body)
        if let name = body["event"]?.string {
            if !events.contains(name) { complaints.append("unknown event \(name)") }
        } else {
            complaints.append("event missing")
        }
        if let source = body["source"]?.string {
            if !sources.contains(source) { complaints.append("unknown source \(source)") }
        } else {
            complaints.append("source missing")
        }
        if body["data"]?.members == nil { complaints.append("data missing or no object") }
        for key in ["command_id", "job_id", "transfer_id", "dialog_id"] {
            if let value = body[key], value.integer == nil { complaints.append("\(key) is no integer: \(value)") }
        }
        if let reason = body["reason"], reason.string == nil || reason.string == "" {
            complaints.append("reason is no text: \(reason)")
        }
        return complaints
    }

    private static func common(_ body: PlainJSON) -> [String] {
        guard body.members != nil else { return ["body is no object"] }
        return body.containsNull ? ["body contains null"] : []
    }

    private static func state(_ body: PlainJSON) -> [String] {
        guard let state = body["state"]?.string else { return ["state missing"] }
        return states.contains(state) ? [] : ["unknown state \(state)"]
    }
}
