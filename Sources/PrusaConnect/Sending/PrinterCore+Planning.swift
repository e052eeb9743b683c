// What to do next.

/// One request on its way, and what to do with its answer.
struct Outgoing: Sendable {
    enum Item: Sendable {
        /// `version` is the telemetry that it carries, `nil` for the mere sign of life.
        case telemetry(version: UInt64?)
        case event(OutboxItem)
        /// One step of the registration with this number.
        case registration(number: UInt64)
        /// The registration of a camera.
        case camera(number: UInt64)
    }

    let item: Item
    let request: HTTPRequest
    let settingsVersion: UInt64
    let startedAt: Duration
    let carriesToken: Bool
    let carriesClockAdjusted: Bool
}

/// What the loop does next.
enum CoreAction: Sendable {
    case send(Outgoing)
    /// Nothing to send before this moment of the monotonic clock, unless somebody calls; `nil`: for ever.
    case wait(until: Duration?)
    /// The thread ends.
    case stop
}

/// What to do while a request is under way.
enum RequestWait: Sendable, Hashable {
    /// Look again at this moment of the monotonic clock, or when somebody calls.
    case wait(until: Duration?)
    case giveUp
}

extension PrinterCore {
    /// Decides what comes next. Of everything that may be sent, what has been due longest goes first, so that neither
    /// a long queue of events holds up telemetry nor telemetry the events.
    mutating func nextAction(now: Duration, wall: Duration) -> CoreAction {
        apply(machine.tick(now: now), now: now, wall: wall)
        syncIfDue(now: now)
        if let beat = rhythm.wake(now: now, options: options) { nextTelemetry = min(nextTelemetry, beat) }
        if registration?.isExpired(now: now) == true { endRegistration(.failed(.expired)) }
        if mustStop(now: now) {
            isStarted = false
            stopDeadline = nil
            run = nil
            return .stop
        }
        payDebtOfInfo(now: now, wall: wall)
        let candidates = candidates(now: now)
        guard let first = candidates.min(by: { ($0.due, $0.rank) < ($1.due, $1.rank) }) else {
            return .wait(until: earliest(machine.deadline, registration?.deadline, stopDeadline, diskTimer.dueAt))
        }
        guard first.due <= now, let outgoing = outgoing(first.item, now: now, wall: wall) else {
            return .wait(
                until: earliest(first.due, machine.deadline, registration?.deadline, stopDeadline, diskTimer.dueAt))
        }
        return .send(outgoing)
    }

    /// While a request is under way: how long to wait for it, or whether to give it up.
    mutating func waitDuring(_ outgoing: Outgoing, now: Duration, wall: Duration) -> RequestWait {
        apply(machine.tick(now: now), now: now, wall: wall)
        syncIfDue(now: now)
        if let stopDeadline {
            // Telemetry is not worth waiting for once the application wants to stop; an event is, until the deadline.
            guard case .event = outgoing.item, now < stopDeadline else { return .giveUp }
        }
        guard outgoing.settingsVersion == settingsVersion else { return .giveUp }
        if case .registration(let number) = outgoing.item, registration == nil || number != registrationNumber {
            return .giveUp
        }
        return .wait(until: earliest(machine.deadline, stopDeadline, diskTimer.dueAt))
    }

    private struct Candidate {
        let item: Outgoing.Item
        let due: Duration
        /// Who goes first among those due at the same moment.
        let rank: Int
    }

    private func mustStop(now: Duration) -> Bool {
        guard let stopDeadline else { return !isStarted && registration == nil }
        let canFlush = isStarted && outbox.first != nil && settings?.token != nil && !isTokenRefused
        return now >= stopDeadline || !canFlush
    }

    private func candidates(now: Duration) -> [Candidate] {
        var candidates: [Candidate] = []
        if let registration, settings != nil, stopDeadline == nil {
            let due = max(registration.nextAt, channel.notBefore)
            candidates.append(Candidate(item: .registration(number: registrationNumber), due: due, rank: 0))
        }
        guard isStarted, settings?.token != nil else { return candidates }
        // Events wait until telemetry has shown that the token is good again.
        if let first = outbox.first, !isTokenRefused {
            let due = max(firstEventSince, channel.notBefore, eventTimer.notBefore)
            candidates.append(Candidate(item: .event(first), due: due, rank: 2))
        }
        if stopDeadline == nil {
            let isOwed = telemetryVersion != sentTelemetryVersion || repeatTelemetryAt.map { $0 <= now } ?? false
            let version = isOwed ? telemetryVersion : nil
            let due = max(nextTelemetry, channel.notBefore, telemetryTimer.notBefore)
            candidates.append(Candidate(item: .telemetry(version: version), due: due, rank: 1))
            if let camera = cameras.next, !isTokenRefused {
                let due = max(camera.notBefore, channel.notBefore)
                candidates.append(Candidate(item: .camera(number: camera.number), due: due, rank: 3))
            }
        }
        return candidates
    }

    /// Lost events about files are made good by one INFO, once there is room for it.
    private mutating func payDebtOfInfo(now: Duration, wall: Duration) {
        guard owesInfo, outbox.first == nil, settings?.token != nil else { return }
        owesInfo = false
        effects.append(.sendInfo)
    }

    private mutating func outgoing(_ item: Outgoing.Item, now: Duration, wall: Duration) -> Outgoing? {
        guard let settings else { return nil }
        clockWatch.check(wall: wall, monotonic: now)
        let present = Timestamp(sinceEpoch: wall)
        switch item {
        case .telemetry(let version):
            if version != nil { chooseFields(now: now) }
            let body = telemetryBody(isComplete: version != nil, now: now)
            // A repeat says what is known now.
            let isNew = version != nil && version != sentTelemetryVersion
            let timestamp = isNew ? telemetryTimestamp : present
            return outgoing(
                item, .post, Wire.telemetryPath, body: body, timestamp: timestamp, settings: settings, now: now)
        case .event(let waiting):
            return outgoing(
                item, .post, Wire.eventsPath, body: waiting.event.body, timestamp: waiting.event.timestamp,
                settings: settings, now: now)
        case .camera(let number):
            guard let camera = cameras.item(number) else { return nil }
            return outgoing(
                item, .post, CameraWire.registerPath, body: camera.body, timestamp: present, settings: settings,
                now: now)
        case .registration:
            switch registration?.request {
            case .code:
                let body = RegistrationWire.body(of: identity, firmware: info.firmware)
                return outgoing(
                    item, .post, Wire.registerPath, body: body, timestamp: present, settings: settings, now: now)
            case .poll(let code):
                return outgoing(
                    item, .get, Wire.registerPath, body: nil, timestamp: present, code: code, settings: settings,
                    now: now)
            case nil: return nil
            }
        }
    }

    private func outgoing(
        _ item: Outgoing.Item, _ method: HTTPRequest.Method, _ target: String, body: [UInt8]?, timestamp: Timestamp,
        code: String? = nil, settings: ConnectSettings, now: Duration
    ) -> Outgoing {
        var token = settings.token
        if case .registration = item { token = nil }
        let headers = CommonHeaders(
            fingerprint: identity.fingerprint, printerType: identity.type,
            version: info.softwareVersion ?? info.firmware)
        let request = HTTPRequest(
            method: method, server: settings.server, target: target,
            headers: headers.make(
                server: settings.server, timestamp: timestamp, token: token,
                isClockAdjusted: clockWatch.isAdjusted, code: code, body: body),
            body: body, connectTimeout: options.connectTimeout, deadline: options.requestDeadline,
            bodyLimit: options.longestAnswer, caFile: settings.caFile)
        return Outgoing(
            item: item, request: request, settingsVersion: settingsVersion, startedAt: now, carriesToken: token != nil,
            carriesClockAdjusted: clockWatch.isAdjusted)
    }

    /// `{"temp_nozzle": …, "command_id": …, "job_id": …, "state": …}`: the state is always there and always last.
    private func telemetryBody(isComplete: Bool, now: Duration) -> [UInt8] {
        var fields = isComplete ? travellingTelemetry : JSONObject()
        fields.set("command_id", machine.running?.id)
        fields.set("job_id", jobID)
        if let transfer = transfers.telemetry(now: now) {
            // A transfer changes all the time: it is in every beat.
            fields.merge(transfer.fields)
        } else if isComplete, let transfer = telemetry.transfer {
            fields.merge(transfer.fields)
        }
        fields["state"] = nil
        fields.set("state", state.rawValue)
        return JSONValue.object(fields).wireBytes
    }
}

/// The earliest of the given moments; `nil` when there is none.
private func earliest(_ moments: Duration?...) -> Duration? { moments.compactMap { $0 }.min() }
