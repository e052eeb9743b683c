// The seam between the loop's decisions and the network.

/// One request, complete with its headers in wire order.
struct HTTPRequest: Sendable, Hashable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    var method: Method
    var server: ConnectServer
    /// Path and query, beginning with `/`.
    var target: String
    var headers: [HTTPHeader]
    var body: [UInt8]?
    var connectTimeout: Duration
    /// From the start to the last byte of the answer: an answer that trickles in shall not block everything.
    var deadline: Duration
    var bodyLimit: Int
    /// Certificates to trust instead of the system's.
    var caFile: String?
}

/// A header line. Values are checked where they enter the library, so that none can start a line of its own.
struct HTTPHeader: Sendable, Hashable {
    var name: String
    var value: String

    init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// A complete answer.
struct HTTPResponse: Sendable, Hashable {
    var status: Int
    var headers: [HTTPHeader] = []
    var body: [UInt8] = []

    /// The value of a header without surrounding space; the first one when there are several.
    func header(_ name: String) -> String? {
        headers.first { $0.name.equalsIgnoringCase(name) }?.value
    }
}

/// Why there is no complete answer.
struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        /// No name server answer or no such host.
        case nameNotResolved
        /// No route to the host.
        case unreachable
        /// The host does not listen.
        case connectionRefused
        case timeout
        case tls
        /// The connection ended before the answer was complete.
        case cut
        /// What came is no HTTP.
        case notHTTP
        /// The answer is longer than allowed.
        case tooLong
        /// The printer's side ended the request.
        case cancelled
        case other
    }

    var kind: Kind
    var message: String

    var description: String { message }

    /// What it proves about the chain to Connect; `nil` when it proves nothing.
    var observation: ConnectionConditions.Observation? {
        switch kind {
        case .nameNotResolved, .unreachable: .noInternet
        case .connectionRefused, .timeout, .tls, .cut, .notHTTP, .tooLong, .other: .noHTTP
        case .cancelled: nil
        }
    }
}

typealias TransportResult = Result<HTTPResponse, TransportError>

/// Carries one request at a time. All calls come from one thread, except ``wake()``.
protocol Transport: AnyObject {
    /// Starts a request. A failure to start is a result of the next ``wait(for:)``.
    func start(_ request: HTTPRequest)
    /// Waits until the request ended, `time` passed (`nil`: for ever) or ``wake()`` was called; `nil` without result.
    func wait(for time: Duration?) -> TransportResult?
    /// Ends the request under way without result.
    func cancel()
    /// Lets whatever needs to wake the thread out of ``wait(for:)`` do so; may be kept beyond the transport's life.
    var waker: any Waker { get }
}

/// A transport that can hand out an answer while it comes instead of collecting it.
protocol StreamingTransport: Transport {
    /// Starts a request whose answer goes to `sink`; the result of ``Transport/wait(for:)`` has no body then. The sink
    /// is called within `wait(for:)`, and kept until the request has ended.
    func start(_ request: HTTPRequest, sink: any AnswerSink)
}

/// Takes an answer piece by piece. `false` ends the request, with any error: the sink knows why.
protocol AnswerSink: AnyObject {
    /// The head of the final answer; once, before the body. `head.body` is empty.
    func take(head: HTTPResponse) -> Bool
    /// A piece of the body.
    func take(body: UnsafeRawBufferPointer) -> Bool
}

/// Ends the present or the next wait of a transport, from any thread.
protocol Waker: Sendable {
    func wake()
}
