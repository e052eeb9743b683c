// What the application tells about the printer.

extension Printer {
    /// The printer's state. ``PrinterState/busy`` until ``setState(_:source:reason:commandID:jobID:dialogID:data:)`` is called.
    public var state: PrinterState { read { $0.state } }

    /// Whether somebody confirmed that a print may start: the same as being in ``PrinterState/ready``.
    public var isReady: Bool { state == .ready }

    /// The job that goes with telemetry and events; `nil` without job. 0 is an id like any other.
    public var jobID: UInt64? {
        get { read { $0.jobID } }
        set { change { $0.jobID = newValue } }
    }

    /// Sets the state and sends STATE_CHANGED, also when the state is the same as before.
    ///
    /// - Parameters:
    ///   - state: the new state; every change is allowed.
    ///   - source: who or what caused it.
    ///   - reason: a text for people, for example why attention is needed.
    ///   - commandID: the command that caused it.
    ///   - jobID: the job it is about, instead of ``jobID``.
    ///   - dialogID: the dialog on the printer's screen.
    ///   - data: further facts by the names of the protocol.
    public func setState(
        _ state: PrinterState, source: EventSource, reason: String? = nil, commandID: UInt64? = nil,
        jobID: UInt64? = nil, dialogID: UInt64? = nil, data: JSONObject = [:]
    ) {
        change { [clock] core in
            let event = Event(
                kind: .stateChanged, source: source, data: data, commandID: commandID, jobID: jobID, reason: reason,
                dialogID: dialogID, state: state, timestamp: Timestamp(sinceEpoch: clock.wall()))
            core.setState(state, event: event, now: clock.monotonic())
        }
    }

    /// Goes to READY when the printer is idle or a job is over; throws in every other state. What the library does
    /// for `SET_PRINTER_READY`; a handler of the application can call it after its own part.
    public func markReady(source: EventSource) throws(CommandError) {
        try changeState(to: .ready, from: [.idle, .ready, .finished, .stopped], source: source) { state in
            "Can't set ready, printer is \(state.rawValue)"
        }
    }

    /// Goes from READY to IDLE; throws in every other state. What the library does for `CANCEL_PRINTER_READY`.
    public func cancelReady(source: EventSource) throws(CommandError) {
        try changeState(to: .idle, from: [.ready], source: source) { _ in "Can't cancel, printer isn't ready" }
    }

    private func changeState(
        to new: PrinterState, from allowed: Set<PrinterState>, source: EventSource,
        refusal: @Sendable (PrinterState) -> String
    ) throws(CommandError) {
        // One step under the lock: the state must not change between the question and the answer.
        let error = change { [clock] core -> CommandError? in
            guard allowed.contains(core.state) else { return CommandError(refusal(core.state)) }
            let event = Event(
                kind: .stateChanged, source: source, state: new, timestamp: Timestamp(sinceEpoch: clock.wall()))
            core.setState(new, event: event, now: clock.monotonic())
            return nil
        }
        if let error { throw error }
    }

    /// Changes the telemetry that is sent next: `printer.telemetry { $0.nozzleTemperature = 214.9 }`. Fields that
    /// `change` leaves alone keep their value.
    ///
    /// Telemetry is a value, not a queue: only the newest is sent, at the next beat (once a second), and again until
    /// the server has it. Beats without new telemetry carry the state, the job and the running command only; after
    /// five minutes and after an outage everything is sent again.
    ///
    /// `change` runs under the printer's lock: it must be short and must not call the printer.
    public func telemetry(_ change: (inout Telemetry) -> Void) {
        self.change { [clock] core in
            var telemetry = core.telemetry
            change(&telemetry)
            core.setTelemetry(telemetry, timestamp: Timestamp(sinceEpoch: clock.wall()))
        }
    }

    /// Replaces the telemetry that is sent next; see ``telemetry(_:)-((Telemetry)->Void)``.
    ///
    /// - Parameters:
    ///   - telemetry: what the printer measures.
    ///   - timestamp: when it was measured, now when `nil`.
    public func telemetry(_ telemetry: Telemetry, timestamp: Timestamp? = nil) {
        change { [clock] core in
            core.setTelemetry(telemetry, timestamp: timestamp ?? Timestamp(sinceEpoch: clock.wall()))
        }
    }

    /// Sends an event: queued in order, repeated until the server has it. Without a token it is dropped; an INFO with
    /// everything follows a registration.
    ///
    /// - Parameters:
    ///   - event: what it tells.
    ///   - source: who or what caused it.
    ///   - reason: a text for people.
    ///   - data: facts by the names of the protocol; `null` is left out.
    ///   - commandID: the command that caused it.
    ///   - jobID: the job it is about, instead of ``jobID``.
    ///   - transferID: the transfer it is about.
    ///   - dialogID: the dialog it is about.
    ///   - state: a state instead of the present one.
    ///   - timestamp: when it happened, now when `nil`.
    public func send(
        event: EventKind, source: EventSource, reason: String? = nil, data: JSONObject = [:],
        commandID: UInt64? = nil, jobID: UInt64? = nil, transferID: UInt64? = nil, dialogID: UInt64? = nil,
        state: PrinterState? = nil, timestamp: Timestamp? = nil
    ) {
        change { [clock] core in
            let event = Event(
                kind: event, source: source, data: data, commandID: commandID, jobID: jobID, transferID: transferID,
                reason: reason, dialogID: dialogID, state: state ?? core.state,
                timestamp: timestamp ?? Timestamp(sinceEpoch: clock.wall()))
            core.post(event, now: clock.monotonic())
        }
    }

    /// Facts about the printer.
    public var info: PrinterInfo { read { $0.info } }

    /// Changes facts about the printer. The server learns them when it asks, or by ``sendInfo()``. `change` runs under
    /// the printer's lock: it must be short and must not call the printer.
    public func updateInfo(_ change: (inout PrinterInfo) -> Void) {
        self.change { change(&$0.info) }
    }

    /// Sends everything about the printer unasked, for example after the firmware or an address changed.
    public func sendInfo() {
        change { $0.effects.append(.sendInfo) }
    }

    /// Adds what is called when the connection changes, with the new conditions. Called on "connect-calls", in order.
    public func onConditions(_ handler: @escaping @Sendable (ConnectionConditions) -> Void) {
        change { $0.onConditions.append(handler) }
    }
}
