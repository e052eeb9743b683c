/// A registration as a value: asks for a code, then for the token until it comes. Knows no network and no clock.
///
/// | answer | to the code | to the token |
/// | --- | --- | --- |
/// | 200 with `Code` / `Token` | go on polling | done |
/// | 200 without | ends: invalid answer | ends: invalid answer |
/// | 202, 204 | ends: invalid answer | ask again after the interval |
/// | 408, 425, 429, 5xx, no answer | again with growing pauses | again with growing pauses |
/// | other 4xx, 3xx | ends: refused | ends: refused |
/// | 30 minutes over | ends: expired | ends: expired |
struct Registration: Sendable {
    enum Request: Sendable, Hashable {
        case code
        case poll(code: String)
    }

    /// How long a code is valid (Connect), by the monotonic clock.
    static let validity: Duration = .seconds(30 * 60)

    private(set) var request: Request
    private(set) var nextAt: Duration
    private var endsAt: Duration
    private let interval: Duration
    private var retry = RetryTimer()

    init(now: Duration, interval: Duration) {
        request = .code
        nextAt = now
        endsAt = now + Self.validity
        self.interval = interval
    }

    enum Outcome: Sendable, Hashable {
        case goOn
        case code(String)
        case delayed(String)
        case registered(Token)
        case failed(RegistrationError)
    }

    /// When ``nextAt`` or the end of the validity comes first.
    var deadline: Duration { min(nextAt, endsAt) }

    func isExpired(now: Duration) -> Bool { now >= endsAt }

    mutating func finished(
        _ result: TransportResult, now: Duration, chance: Double, retryAfter: Duration?
    ) -> Outcome {
        switch result {
        case .failure(let error) where error.kind == .cancelled: return .goOn
        case .failure(let error): return delay(error.message, now: now, chance: chance, retryAfter: nil)
        case .success(let response):
            switch response.status {
            case 200: return granted(response, now: now)
            case 202, 204:
                guard case .poll = request else { return .failed(.invalidAnswer("status \(response.status)")) }
                retry.succeeded()
                nextAt = now + interval
                return .goOn
            case 408, 425, 429, 500...:
                let problem = "Connect answers \(response.status)"
                return delay(problem, now: now, chance: chance, retryAfter: retryAfter)
            default: return .failed(.refused(status: response.status, message: response.errorMessage))
            }
        }
    }

    private mutating func delay(
        _ problem: String, now: Duration, chance: Double, retryAfter: Duration?
    ) -> Outcome {
        retry.failed(now: now, chance: chance, retryAfter: retryAfter)
        nextAt = retry.notBefore
        return .delayed(problem)
    }

    private mutating func granted(_ response: HTTPResponse, now: Duration) -> Outcome {
        switch request {
        case .code:
            guard let code = response.header("Code"), (1...64).contains(code.utf8.count),
                code.utf8.allSatisfy(isVisibleASCII)
            else { return .failed(.invalidAnswer("header Code")) }
            request = .poll(code: code)
            retry.succeeded()
            nextAt = now + interval
            endsAt = now + Self.validity
            return .code(code)
        case .poll:
            guard let token = response.header("Token").flatMap({ Token($0) }) else {
                return .failed(.invalidAnswer("header Token"))
            }
            return .registered(token)
        }
    }
}

extension HTTPResponse {
    /// What an error answer says to people: `message` of Connect's JSON, else the beginning of the text.
    var errorMessage: String {
        let text: String
        if let message = try? JSONValue(parsing: body)["message"]?.string {
            text = message
        } else {
            text = String(decoding: body, as: UTF8.self)
        }
        return String(text.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
    }
}

/// The request of a registration and the page for the user.
enum RegistrationWire {
    /// The body that asks for a code. Unknown values are left out, where the Python SDK 0.8.1 sends null.
    static func body(of identity: PrinterIdentity, firmware: String?) -> [UInt8] {
        var body = JSONObject()
        body.set("sn", identity.serialNumber)
        body.set("fingerprint", identity.fingerprint.description)
        body.set("printer_type", identity.type.description)
        body.set("firmware", firmware)
        return JSONValue.object(body).wireBytes
    }

    /// The page that adds a printer (PrusaLink), with its name and place when they are known.
    static func url(
        server: ConnectServer, type: PrinterType, code: String, name: String? = nil, location: String? = nil
    ) -> String {
        let query = [("name", name), ("location", location)].compactMap { key, value in
            value.map { "\(key)=\($0.percentEncoded)" }
        }
        let page = "\(server.baseURL)/add-printer/connect/\(type.description)/\(code.percentEncoded)"
        return query.isEmpty ? page : page + "?" + query.joined(separator: "&")
    }
}
