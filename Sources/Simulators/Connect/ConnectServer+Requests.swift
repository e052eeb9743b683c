import CSerial

/// What the loop shall do with a request.
struct ServerReaction: Sendable {
    /// The bytes to send.
    var bytes: [UInt8]
    /// Not before so many nanoseconds have passed.
    var delay: UInt64 = 0
    /// One byte each so many nanoseconds; 0: all at once.
    var bytePause: UInt64 = 0
    var closes: Bool
}

extension ConnectServer {
    /// Handles one request and says what to send.
    func react(to request: HTTPRequest, connection: Int, closes: Bool) -> ServerReaction {
        state.withLock { state in
            state.counts.requests += 1
            let fault = takeFault(for: request.path, &state)
            let number = state.counts.requests
            switch fault {
            case .status(let status, let retryAfter):
                var response = HTTPResponse(status, json: ["code": "SIMULATED", "message": "simulated fault"])
                if let retryAfter { response.headers.append(("Retry-After", String(retryAfter))) }
                record(request, status, connection, &state)
                return ServerReaction(bytes: response.encoded(closes: closes), closes: closes)
            case .redirect(let target):
                record(request, 307, connection, &state)
                let response = HTTPResponse(307, headers: [("Location", target)])
                return ServerReaction(bytes: response.encoded(closes: closes), closes: closes)
            case .garbage:
                record(request, 0, connection, &state)
                return ServerReaction(bytes: Array("\u{1}\u{2}this is not HTTP\r\n\r\n".utf8), closes: true)
            case .close(let afterProcessing):
                if afterProcessing { _ = answer(to: request, number: number, &state) }
                record(request, 0, connection, &state)
                return ServerReaction(bytes: [], closes: true)
            default: break
            }
            let response = answer(to: request, number: number, &state)
            record(request, response.status, connection, &state)
            return reaction(with: response, fault: fault, closes: closes)
        }
    }

    private func reaction(with response: HTTPResponse, fault: ServerFault?, closes: Bool) -> ServerReaction {
        var result = ServerReaction(bytes: response.encoded(closes: closes), closes: closes)
        switch fault {
        case .slow(let milliseconds): result.delay = UInt64(max(0, milliseconds)) * 1_000_000
        case .trickle(let milliseconds): result.bytePause = UInt64(max(0, milliseconds)) * 1_000_000
        case .truncated:
            var longer = response
            if longer.status == 204 { longer.status = 200 }
            longer.body += Array("...".utf8)
            result.bytes = Array(longer.encoded(closes: closes).dropLast(3))
            result.closes = true
        default: break
        }
        return result
    }

    /// A request that could not even be read.
    func noteBroken(_ reason: String) {
        state.withLock { complain("unreadable request: \(reason)", &$0) }
    }

    /// A new connection; returns its number.
    func noteConnection() -> Int {
        state.withLock { state in
            state.counts.connections += 1
            return state.counts.connections
        }
    }

    private func takeFault(for path: String, _ state: inout State) -> ServerFault? {
        guard let index = state.faults.firstIndex(where: { $0.path == nil || $0.path == path }) else { return nil }
        let fault = state.faults[index].fault
        state.faults[index].left -= 1
        if state.faults[index].left <= 0 { state.faults.remove(at: index) }
        return fault
    }

    private func record(_ request: HTTPRequest, _ status: Int, _ connection: Int, _ state: inout State) {
        keep(
            ServedRequest(
                number: state.counts.requests, connection: connection, time: cserial_monotonic_ns(), request: request,
                status: status), in: &state.requests)
    }

    private func keep<Item>(_ item: Item, in list: inout [Item]) {
        list.append(item)
        // Dropping a tenth at once keeps a long run from moving the whole list for every item.
        if list.count > configuration.recordLimit { list.removeFirst(list.count / 10 + 1) }
    }

    private func complain(_ text: String, _ state: inout State) {
        state.counts.violations += 1
        keep("request \(state.counts.requests): \(text)", in: &state.violations)
    }

    // MARK: Endpoints

    private func answer(to request: HTTPRequest, number: Int, _ state: inout State) -> HTTPResponse {
        if request.method == "GET", let file = state.files[request.path] { return file }
        switch (request.method, request.path) {
        case ("POST", "/p/register"): return register(request, &state)
        case ("GET", "/p/register"): return pollRegistration(request, &state)
        case ("POST", "/p/telemetry"):
            return withPrinter(request, &state, check: ConnectChecks.telemetry) { body, state in
                takeTelemetry(body, &state)
            }
        case ("POST", "/p/events"):
            return withPrinter(request, &state, check: ConnectChecks.event) { body, state in
                takeEvent(body, number: number, &state)
            }
        case ("POST", "/p/camera"): return HTTPResponse(200, headers: [("Token", "camera-\(configuration.token)")])
        case ("PUT", "/c/snapshot"):
            state.counts.snapshots += 1
            if !request.body.starts(with: [0xFF, 0xD8]) { complain("snapshot is no JPEG", &state) }
            return HTTPResponse(204)
        case ("GET", "/info"): return HTTPResponse(200, json: ["name": "simulated Connect"])
        case (_, "/p/register"), (_, "/p/telemetry"), (_, "/p/events"):
            complain("method \(request.method) on \(request.path)", &state)
            return HTTPResponse(405, json: ["code": "METHOD_NOT_ALLOWED", "message": "wrong method"])
        default:
            complain("unknown path \(request.method) \(request.path)", &state)
            return HTTPResponse(404, json: ["code": "NOT_FOUND", "message": "no such path"])
        }
    }

    private func register(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        state.counts.registrations += 1
        for complaint in ConnectChecks.headers(of: request) { complain("POST /p/register: \(complaint)", &state) }
        guard let body = parse(request, &state) else { return badRequest() }
        let complaints = ConnectChecks.registration(body)
        for complaint in complaints { complain("POST /p/register: \(complaint)", &state) }
        guard let fingerprint = body["fingerprint"]?.string else { return badRequest() }
        if fingerprint != request.header("Fingerprint") {
            complain("POST /p/register: fingerprint in header and body differ", &state)
        }
        state.fingerprint = fingerprint
        state.isAuthorized = false
        state.pollsLeft = configuration.pollsUntilToken
        return HTTPResponse(
            200,
            headers: [
                ("Code", configuration.code), ("Temporary-Code", configuration.code), ("Content-Type", "text/html"),
            ])
    }

    private func pollRegistration(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        state.counts.registrationPolls += 1
        for complaint in ConnectChecks.headers(of: request) { complain("GET /p/register: \(complaint)", &state) }
        guard request.header("Code") == configuration.code else {
            complain("GET /p/register: header Code missing or wrong", &state)
            return HTTPResponse(404, json: ["code": "NOT_FOUND", "message": "unknown code"])
        }
        if let left = state.pollsLeft {
            state.pollsLeft = max(0, left - 1)
            if left == 0 { state.isAuthorized = true }
        }
        guard state.isAuthorized else {
            return HTTPResponse(202, json: ["code": "REGISTRATION_ACCEPTED", "message": "wait for the user"])
        }
        return HTTPResponse(200, headers: [("Token", configuration.token)])
    }

    private func badRequest() -> HTTPResponse {
        HTTPResponse(400, json: ["code": "BAD_REQUEST", "message": "body is not understood"])
    }

    private func parse(_ request: HTTPRequest, _ state: inout State) -> PlainJSON? {
        do throws(JSONError) {
            return try PlainJSON(parsing: request.body)
        } catch {
            complain("\(request.method) \(request.path): body is no JSON: \(error)", &state)
            return nil
        }
    }

    private func withPrinter(
        _ request: HTTPRequest, _ state: inout State, check: (PlainJSON) -> [String],
        _ take: (PlainJSON, inout State) -> HTTPResponse
    ) -> HTTPResponse {
        for complaint in ConnectChecks.headers(of: request) { complain("\(request.path): \(complaint)", &state) }
        if let refusal = checkCredentials(request, &state) { return refusal }
        guard let body = parse(request, &state) else { return badRequest() }
        for complaint in check(body) { complain("\(request.path): \(complaint)", &state) }
        return take(body, &state)
    }

    private func checkCredentials(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse? {
        guard let token = request.header("Token") else {
            state.counts.refusedCredentials += 1
            complain("\(request.path): header Token missing", &state)
            return HTTPResponse(
                configuration.missingTokenStatus, json: ["code": "UNAUTHORIZED", "message": "no token"])
        }
        let fingerprint = request.header("Fingerprint") ?? ""
        if state.fingerprint == nil, token == configuration.token { state.fingerprint = fingerprint }
        // The first 16 characters identify a printer.
        guard token == configuration.token, state.fingerprint?.prefix(16) == fingerprint.prefix(16) else {
            state.counts.refusedCredentials += 1
            return HTTPResponse(403, json: ["code": "FORBIDDEN", "message": "wrong token or fingerprint"])
        }
        return nil
    }

    // MARK: Telemetry, events, commands

    private func takeTelemetry(_ body: PlainJSON, _ state: inout State) -> HTTPResponse {
        state.counts.telemetry += 1
        keep(body, in: &state.telemetry)
        guard let index = nextCommand(state) else { return HTTPResponse(204) }
        state.commands[index].progress = state.commands[index].expectsNoAnswer ? .answered : .delivered
        state.commands[index].deliveredAt = cserial_monotonic_ns()
        state.commands[index].deliveries += 1
        state.counts.deliveries += 1
        return state.commands[index].response
    }

    /// The command to deliver now: an urgent one at once; else one in flight, which comes again without an answer.
    private func nextCommand(_ state: State) -> Int? {
        if let urgent = state.commands.firstIndex(where: { $0.isUrgent && $0.progress == .queued }) { return urgent }
        let timeout = UInt64(max(0, configuration.redeliveryMilliseconds)) * 1_000_000
        let inFlight = state.commands.firstIndex { $0.progress == .delivered || $0.progress == .accepted }
        if let inFlight {
            let age = cserial_monotonic_ns() - state.commands[inFlight].deliveredAt
            return age >= timeout ? inFlight : nil
        }
        return state.commands.firstIndex { $0.progress == .queued }
    }

    private func takeEvent(_ body: PlainJSON, number: Int, _ state: inout State) -> HTTPResponse {
        state.counts.events += 1
        let id = body["command_id"]?.integer
        let event = ReceivedEvent(
            request: number, time: cserial_monotonic_ns(), name: body["event"]?.string ?? "", commandID: id,
            body: body)
        keep(event, in: &state.events)
        guard let id else { return HTTPResponse(204) }
        guard let index = state.commands.firstIndex(where: { Int($0.id) == id && $0.progress != .queued }) else {
            complain("/p/events: \(event.name) for command \(id), which was not delivered", &state)
            return HTTPResponse(204)
        }
        if event.name == "ACCEPTED" {
            if state.commands[index].progress == .delivered { state.commands[index].progress = .accepted }
        } else if ends(event.name, state.commands[index].name), state.commands[index].progress != .answered {
            state.commands[index].progress = .answered
            state.commands[index].answer = event
        }
        return HTTPResponse(204)
    }

    /// A STATE_CHANGED with a command's id only tells what the command caused, unless it was asked for.
    private func ends(_ event: String, _ command: String) -> Bool {
        event != "STATE_CHANGED" || command == "SEND_STATE_INFO"
    }
}
