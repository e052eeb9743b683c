import CCurl
import Synchronization

/// The transport of real life: libcurl's multi interface, one kept-alive HTTP/1.1 connection.
///
/// Certificates are always verified; redirects, proxies of the environment and `~/.netrc` are ignored, because each
/// of them could carry the printer's token elsewhere.
final class CurlTransport: StreamingTransport {
    private let handle: CurlHandle
    private let answer = Answer()
    private var request: HTTPRequest?
    private var startError: TransportError?

    /// Opens libcurl.
    init() throws(TransportError) {
        if let problem = ccurl_load() { throw TransportError(kind: .other, message: String(cString: problem)) }
        guard let client = ccurl_client_new() else {
            throw TransportError(kind: .other, message: "libcurl cannot make a client: out of memory")
        }
        handle = CurlHandle(client)
    }

    deinit { handle.close() }

    var waker: any Waker { handle }

    func start(_ request: HTTPRequest) { start(request, sink: nil) }

    func start(_ request: HTTPRequest, sink: any AnswerSink) { start(request, sink: Optional(sink)) }

    private func start(_ request: HTTPRequest, sink: (any AnswerSink)?) {
        self.request = request
        startError = nil
        answer.reset(limit: request.bodyLimit, sink: sink)
        let code = handle.withClient { client in start(request, on: client) } ?? -1
        if code != 0 {
            let text = handle.withClient { String(cString: ccurl_error_text($0)) } ?? "closed"
            startError = TransportError(kind: .other, message: "\(request.server): request not started: \(text)")
        }
    }

    private func start(_ request: HTTPRequest, on client: OpaquePointer) -> Int32 {
        let lines = request.headers.map { "\($0.name): \($0.value)" }
        return withCStrings(lines) { lines in
            request.method.rawValue.withCString { method in
                (request.server.baseURL + request.target).withCString { url in
                    withOptionalCString(request.caFile) { caFile in
                        var raw = ccurl_request()
                        raw.method = method
                        raw.url = url
                        raw.headers = lines.baseAddress
                        raw.header_count = lines.count
                        raw.ca_file = caFile
                        raw.connect_timeout_ms = Int(request.connectTimeout.millisecondsRoundedUp)
                        raw.total_timeout_ms = Int(request.deadline.millisecondsRoundedUp)
                        raw.on_header = { Answer.from($0)?.addHeader(UnsafeBufferPointer(start: $1, count: $2)) ?? 1 }
                        raw.on_body = { Answer.from($0)?.addBody(UnsafeBufferPointer(start: $1, count: $2)) ?? 1 }
                        // The answer lives as long as the transport, and the transport ends the request before.
                        raw.context = Unmanaged.passUnretained(answer).toOpaque()
                        guard let body = answer.keep(request.body) else { return ccurl_start(client, &raw) }
                        raw.body = UnsafeRawPointer(body.baseAddress)
                        raw.body_length = body.count
                        return ccurl_start(client, &raw)
                    }
                }
            }
        }
    }

    func wait(for time: Duration?) -> TransportResult? {
        if let error = startError {
            startError = nil
            request = nil
            return .failure(error)
        }
        // Waking up once an hour for nothing costs nothing.
        let milliseconds = min(max(time?.millisecondsRoundedUp ?? 3_600_000, 0), 3_600_000)
        guard handle.wait(milliseconds: Int32(milliseconds)), let request else { return nil }
        self.request = nil
        answer.sink = nil
        return handle.withClient { client in result(of: request, from: client) }
    }

    func cancel() {
        request = nil
        startError = nil
        answer.sink = nil
        handle.withClient { ccurl_cancel($0) }
    }

    private func result(of request: HTTPRequest, from client: OpaquePointer) -> TransportResult {
        let outcome = ccurl_outcome(client)
        // libcurl takes an answer that ends within its headers for complete.
        if outcome == CCURL_OK, !answer.hasAllHeaders {
            return .failure(TransportError(kind: .cut, message: "\(request.server): answer ends within its headers"))
        }
        if outcome == CCURL_OK {
            return .success(
                HTTPResponse(status: Int(ccurl_status(client)), headers: answer.headers, body: answer.body))
        }
        let text = answer.isTooLong ? "answer too long" : String(cString: ccurl_error_text(client))
        let kind = answer.isTooLong ? .tooLong : Self.kinds[outcome.rawValue] ?? .other
        return .failure(TransportError(kind: kind, message: "\(request.server): \(text)"))
    }

    private static let kinds: [UInt32: TransportError.Kind] = [
        CCURL_RESOLVE.rawValue: .nameNotResolved,
        CCURL_UNREACHABLE.rawValue: .unreachable,
        CCURL_CONNECT.rawValue: .connectionRefused,
        CCURL_TIMEOUT.rawValue: .timeout,
        CCURL_TLS.rawValue: .tls,
        CCURL_CUT.rawValue: .cut,
        CCURL_GARBAGE.rawValue: .notHTTP,
        CCURL_REFUSED.rawValue: .tooLong,
    ]
}

/// Owner of the C client: the transport's thread uses it, any thread may wake it, and a wake after the end of the
/// transport finds nothing.
private final class CurlHandle: Waker {
    // @unchecked: the pointer is only used inside `CurlHandle`; ccurl_wake is made for other threads, and the lock
    // keeps the client alive meanwhile.
    private struct Client: @unchecked Sendable { let pointer: OpaquePointer }

    private let client: Mutex<Client?>

    init(_ pointer: OpaquePointer) { client = Mutex(Client(pointer: pointer)) }

    /// For the transport's thread only, which is also the one that closes: no lock may be held while it waits.
    @discardableResult
    func withClient<Value>(_ body: (OpaquePointer) -> Value) -> Value? {
        guard let client = client.withLock({ $0 }) else { return nil }
        return body(client.pointer)
    }

    func wait(milliseconds: Int32) -> Bool {
        withClient { ccurl_wait($0, milliseconds) == 1 } ?? false
    }

    func wake() {
        client.withLock { client in
            if let client { ccurl_wake(client.pointer) }
        }
    }

    func close() {
        let old = client.withLock { client in
            defer { client = nil }
            return client
        }
        if let old { ccurl_client_free(old.pointer) }
    }
}

/// Collects an answer and keeps the body of the request in one place while libcurl reads it.
private final class Answer {
    private(set) var headers: [HTTPHeader] = []
    private(set) var body: [UInt8] = []
    private(set) var isTooLong = false
    private(set) var hasAllHeaders = false
    var sink: (any AnswerSink)?
    private var status = 0
    private var bodyLimit = 0
    private var headerBytes = 0
    private var requestBody: UnsafeMutableBufferPointer<UInt8>?
    private static let headerLimit = 64 * 1024

    deinit { requestBody?.deallocate() }

    static func from(_ context: UnsafeMutableRawPointer?) -> Answer? {
        context.map { Unmanaged<Answer>.fromOpaque($0).takeUnretainedValue() }
    }

    func reset(limit: Int, sink: (any AnswerSink)?) {
        self.sink = sink
        status = 0
        headers = []
        body = []
        isTooLong = false
        hasAllHeaders = false
        bodyLimit = limit
        headerBytes = 0
    }

    func keep(_ bytes: [UInt8]?) -> UnsafeBufferPointer<UInt8>? {
        requestBody?.deallocate()
        requestBody = nil
        guard let bytes else { return nil }
        // One byte more than needed: an empty buffer might have no address, and NULL means "no body".
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count + 1)
        _ = buffer.initialize(from: bytes + [0])
        requestBody = buffer
        return UnsafeBufferPointer(rebasing: buffer.prefix(bytes.count))
    }

    func addHeader(_ line: UnsafeBufferPointer<CChar>) -> Int32 {
        headerBytes += line.count
        guard headerBytes <= Self.headerLimit else { return tooLong() }
        let bytes = line.map { UInt8(bitPattern: $0) }.filter { $0 != 0x0D && $0 != 0x0A }
        let text = String(decoding: bytes, as: UTF8.self)
        if text.isEmpty, !hasAllHeaders {
            hasAllHeaders = true
            // 1xx: the real answer is still to come.
            if let sink, status >= 200, !sink.take(head: HTTPResponse(status: status, headers: headers)) { return 1 }
        }
        if text.hasPrefix("HTTP/") {
            hasAllHeaders = false
            // A new status line: what came before was an interim answer such as 100 Continue.
            headers = []
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if !hasAllHeaders, let colon = text.firstIndex(of: ":") {
            // What comes behind the body, the trailer of a chunked answer, is nothing that we ask for.
            headers.append(HTTPHeader(String(text[..<colon]), text[text.index(after: colon)...].trimmed))
        }
        return 0
    }

    func addBody(_ bytes: UnsafeBufferPointer<CChar>) -> Int32 {
        if let sink { return sink.take(body: UnsafeRawBufferPointer(bytes)) ? 0 : 1 }
        guard body.count + bytes.count <= bodyLimit else { return tooLong() }
        body.append(contentsOf: bytes.lazy.map { UInt8(bitPattern: $0) })
        return 0
    }

    private func tooLong() -> Int32 {
        isTooLong = true
        return 1
    }
}

private func withOptionalCString<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
    guard let text else { return body(nil) }
    return text.withCString(body)
}

private func withCStrings<Value>(
    _ texts: [String], _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let copies = texts.map { text in
        let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: text.utf8.count + 1)
        _ = copy.initialize(from: text.utf8CString)
        return copy
    }
    defer { copies.forEach { $0.deallocate() } }
    return copies.map { UnsafePointer($0.baseAddress) }.withUnsafeBufferPointer(body)
}
