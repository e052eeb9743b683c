/// Something that happened, before it is written for the wire.
struct Event: Sendable {
    var kind: EventKind
    var source: EventSource
    var data = JSONObject()
    /// The command that this answers or that caused it. 0 is an id like any other.
    var commandID: UInt64?
    var jobID: UInt64?
    var transferID: UInt64?
    var reason: String?
    var dialogID: UInt64?
    var state: PrinterState
    var timestamp: Timestamp

    /// The body of the request: key order of the Python SDK 0.8.1.
    var body: [UInt8] {
        var body = JSONObject()
        body.set("event", kind.rawValue)
        body.set("source", source.rawValue)
        body.set("data", data)
        body.set("command_id", commandID)
        body.set("job_id", jobID)
        body.set("transfer_id", transferID)
        if let reason, !reason.isEmpty { body.set("reason", reason) }
        body.set("dialog_id", dialogID)
        body.set("state", state.rawValue)
        return JSONValue.object(body).wireBytes
    }
}

/// An event as it waits and travels: written once, so that every repeat is the same.
struct StoredEvent: Sendable, Hashable {
    let kind: EventKind
    /// The command that this event answers with ACCEPTED or its end, if it does: such an event is never dropped.
    let answers: UInt64?
    let timestamp: Timestamp
    let body: [UInt8]

    init(kind: EventKind, answers: UInt64?, timestamp: Timestamp, body: [UInt8]) {
        self.kind = kind
        self.answers = answers
        self.timestamp = timestamp
        self.body = body
    }

    init(_ event: Event, isAnswer: Bool) {
        kind = event.kind
        answers = isAnswer ? event.commandID : nil
        timestamp = event.timestamp
        body = event.body
    }
}
