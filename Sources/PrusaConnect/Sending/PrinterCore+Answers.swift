// What answers mean.

/// How often and since when the first event of the outbox has been refused.
struct EventTrouble: Sendable {
    /// Answers 5xx.
    var serverErrors = 0
    var firstAt: Duration?
    /// ``PrinterCore/acceptedTelemetry`` at the first refusal of each kind.
    var acceptedAtServerError: UInt64?
    var acceptedAtTokenRefusal: UInt64?
}

extension PrinterCore {
    /// An event that the server answered this often with 5xx, for this long, while it took telemetry, is what makes
    /// the server fail. It is given up so that the events behind it get through.
    static let mostServerErrors = 10
    static let longestServerErrors: Duration = .seconds(300)
    /// The newest telemetry goes out again after this time (PrusaLink, Buddy firmware) and after an outage.
    static let telemetryRepetition: Duration = .seconds(300)

    /// Takes the result of a request.
    ///
    /// | answer | telemetry | event |
    /// | --- | --- | --- |
    /// | 200 | a command | delivered |
    /// | other 2xx | delivered | delivered |
    /// | none (refused, cut, timeout, …) | the newest value again | the same again |
    /// | 429, 503 | pause for everything, `Retry-After` counts | the same again |
    /// | other 5xx, 408, 425, 3xx | pause for telemetry | the same again; given up after 10 times 5xx in 5 minutes or more while telemetry is taken |
    /// | 401, 403 | pause for telemetry; events wait until telemetry is taken | the same again once telemetry is taken; refused a second time: given up |
    /// | other 4xx (400, 404, 409, 413, …) | pause for telemetry | given up: the server has understood and refused it |
    ///
    /// Pauses grow from 0.1 s to 60 s, with jitter. "The same again" is the same body with the same `Timestamp`.
    /// An answer to a command that is given up is not lost: the server repeats the command and gets it again.
    mutating func completed(_ outgoing: Outgoing, with result: TransportResult, now: Duration, wall: Duration) {
        let retryAfter = retryAfter(in: result, wall: wall)
        log(.debug, "\(outgoing.request.method.rawValue) \(outgoing.request.target): \(summary(result))")
        if !isAboutCamera(outgoing, result) { observe(result, carriesToken: outgoing.carriesToken) }
        pauseChannel(result, retryAfter: retryAfter, now: now)
        if case .success(let response) = result, response.isSuccess, outgoing.carriesClockAdjusted {
            clockWatch.reported()
        }
        switch outgoing.item {
        case .telemetry(let version):
            telemetryCompleted(result, version: version, startedAt: outgoing.startedAt, now: now, wall: wall)
        case .event(let item): eventCompleted(result, item, now: now)
        case .camera(let number): cameraCompleted(result, number, retryAfter: retryAfter, now: now)
        case .registration(let number):
            guard number == registrationNumber else { return }
            registrationCompleted(result, retryAfter: retryAfter, now: now, wall: wall)
        }
    }

    /// A camera that the server does not want says nothing about the printer.
    private func isAboutCamera(_ outgoing: Outgoing, _ result: TransportResult) -> Bool {
        guard case .camera = outgoing.item, case .success(let response) = result else { return false }
        return response.isRefusalOfCamera
    }

    private func summary(_ result: TransportResult) -> String {
        switch result {
        case .success(let response): "\(response.status)"
        case .failure(let error): error.message
        }
    }

    private func retryAfter(in result: TransportResult, wall: Duration) -> Duration? {
        guard case .success(let response) = result else { return nil }
        return response.header("Retry-After").flatMap { parseRetryAfter($0, now: wall) }
    }

    private mutating func observe(_ result: TransportResult, carriesToken: Bool) {
        let observation: ConnectionConditions.Observation?
        switch result {
        case .failure(let error):
            observation = error.observation
            if observation != nil, conditions.http != .broken { log(.warning, error.message) }
        case .success(let response):
            switch response.status {
            case 200..<300: observation = carriesToken ? .acceptedWithToken : .acceptedWithoutToken
            case 401, 403: observation = carriesToken ? .tokenRefused : .refused
            case 500...: observation = .noHTTP
            default: observation = .refused
            }
            if response.isSuccess, !conditions.isConnected, telemetryVersion > 0 { repeatTelemetryAt = .zero }
            if !response.isSuccess, conditions.api != .broken {
                log(.warning, "Connect answers \(response.status): \(response.errorMessage)")
            }
        }
        if let observation { changeConditions { $0.observe(observation) } }
    }

    /// What concerns the whole server holds up everything.
    private mutating func pauseChannel(_ result: TransportResult, retryAfter: Duration?, now: Duration) {
        switch result {
        case .failure(let error) where error.kind == .cancelled: break
        case .failure: channel.failed(now: now, chance: chance())
        case .success(let response) where response.isOverload:
            channel.failed(now: now, chance: chance(), retryAfter: retryAfter)
        case .success: channel.succeeded()
        }
    }

    private mutating func telemetryCompleted(
        _ result: TransportResult, version: UInt64?, startedAt: Duration, now: Duration, wall: Duration
    ) {
        guard case .success(let response) = result else {
            nextTelemetry = now
            knownTelemetry = nil
            return
        }
        guard response.isSuccess else {
            nextTelemetry = now
            knownTelemetry = nil
            if response.refusesToken { isTokenRefused = true }
            if !response.isOverload { telemetryTimer.failed(now: now, chance: chance()) }
            return
        }
        telemetryTimer.succeeded()
        isTokenRefused = false
        acceptedTelemetry += 1
        if let version {
            sentTelemetryVersion = version
            repeatTelemetryAt = now + Self.telemetryRepetition
            knownTelemetry = (knownTelemetry ?? JSONObject()).merging(travellingTelemetry)
        }
        nextTelemetry = rhythm.beat(after: startedAt, isBusy: isBusy, options: options)
        if response.status == 200 { arrive(response, now: now, wall: wall) }
    }

    private mutating func eventCompleted(_ result: TransportResult, _ item: OutboxItem, now: Duration) {
        guard case .success(let response) = result else { return }
        switch response.status {
        case 200..<300:
            removeEvent(item, now: now)
            // A command may wait for the end of the one that this event answered.
            nextTelemetry = min(nextTelemetry, now)
        case 401, 403: tokenRefusedEvent(item, status: response.status, now: now)
        case 429, 503: break
        case 408, 425, 500...: serverFailedEvent(item, status: response.status, now: now)
        case 300..<400: eventTimer.failed(now: now, chance: chance())
        default: giveUp(item, "Connect refuses it (\(response.status)): \(response.errorMessage)", now: now)
        }
    }

    private mutating func tokenRefusedEvent(_ item: OutboxItem, status: Int, now: Duration) {
        if let accepted = firstEventTrouble.acceptedAtTokenRefusal, acceptedTelemetry > accepted {
            giveUp(item, "Connect refuses it (\(status)) although it takes the token for telemetry", now: now)
            return
        }
        firstEventTrouble.acceptedAtTokenRefusal = acceptedTelemetry
        isTokenRefused = true
        eventTimer.failed(now: now, chance: chance())
        nextTelemetry = min(nextTelemetry, now)
    }

    private mutating func serverFailedEvent(_ item: OutboxItem, status: Int, now: Duration) {
        firstEventTrouble.serverErrors += 1
        let firstAt = firstEventTrouble.firstAt ?? now
        let accepted = firstEventTrouble.acceptedAtServerError ?? acceptedTelemetry
        firstEventTrouble.firstAt = firstAt
        firstEventTrouble.acceptedAtServerError = accepted
        let isPoison =
            firstEventTrouble.serverErrors >= Self.mostServerErrors && now - firstAt >= Self.longestServerErrors
            && acceptedTelemetry > accepted
        if isPoison {
            giveUp(item, "Connect fails on it (\(status)) while it takes telemetry", now: now)
        } else {
            eventTimer.failed(now: now, chance: chance())
        }
    }

    private mutating func giveUp(_ item: OutboxItem, _ why: String, now: Duration) {
        log(.error, "\(item.event.kind.rawValue) given up: \(why)")
        removeEvent(item, now: now)
    }

    private mutating func removeEvent(_ item: OutboxItem, now: Duration) {
        outbox.remove(item.number)
        if outbox.count == 0 { diskTimer.emptied() }
        eventTimer.succeeded()
        firstEventTrouble = EventTrouble()
        firstEventSince = now
    }

    private mutating func registrationCompleted(
        _ result: TransportResult, retryAfter: Duration?, now: Duration, wall: Duration
    ) {
        let chance = chance()
        guard let outcome = registration?.finished(result, now: now, chance: chance, retryAfter: retryAfter) else {
            return
        }
        switch outcome {
        case .goOn: break
        case .delayed(let problem): reportRegistration(.delayed(problem))
        case .failed(let error):
            log(.warning, "registration: \(error)")
            endRegistration(.failed(error))
        case .code(let code):
            guard let server = settings?.server else { return }
            let (name, location) = registrationPage
            let url = RegistrationWire.url(
                server: server, type: identity.type, code: code, name: name, location: location)
            reportRegistration(.code(RegistrationCode(code: code, url: url)))
        case .registered(let token):
            var settings = settings
            settings?.token = token
            setSettings(settings, now: now)
            log(.info, "registered at \(settings?.server.description ?? "Connect")")
            endRegistration(.registered(token))
            // Events from before were not kept; this says what is true now.
            effects.append(.sendInfo)
        }
    }
}

extension HTTPResponse {
    var isSuccess: Bool { (200..<300).contains(status) }
    var refusesToken: Bool { status == 401 || status == 403 }
    /// The server as a whole has enough to do.
    var isOverload: Bool { status == 429 || status == 503 }
}
