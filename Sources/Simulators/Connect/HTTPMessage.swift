/// A request as it came over the wire.
public struct HTTPRequest: Sendable {
    /// For example `POST`.
    public var method = ""
    /// Path with query.
    public var target = ""
    /// Names as the client wrote them, in order.
    public var headers: [(name: String, value: String)] = []
    /// The body without transfer coding.
    public var body: [UInt8] = []

    /// The path without query.
    public var path: String { String(target.prefix { $0 != "?" }) }

    /// The first header of that name, whatever its case.
    public func header(_ name: String) -> String? { headers(name).first }

    /// All headers of that name.
    public func headers(_ name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    /// The body as text.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// An answer of the simulated server.
struct HTTPResponse: Sendable {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    init(_ status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(_ status: Int, json: PlainJSON) {
        self.init(
            status, headers: [("Content-Type", "application/json")], body: Array(json.description.utf8))
    }

    private static let reasons = [
        100: "Continue", 200: "OK", 202: "Accepted", 204: "No Content", 302: "Found", 307: "Temporary Redirect",
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        408: "Request Timeout", 413: "Content Too Large", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 500: "Internal Server Error", 502: "Bad Gateway",
        503: "Service Unavailable", 504: "Gateway Timeout",
    ]

    /// The bytes on the wire.
    func encoded(closes: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status) \(Self.reasons[status] ?? "Status")\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        if status != 204, status >= 200 { head += "Content-Length: \(body.count)\r\n" }
        head += closes ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n"
        return Array(head.utf8) + body
    }
}

/// Takes requests out of a stream of bytes: Content-Length and chunked bodies, with limits.
struct HTTPRequestParser: Sendable {
    /// What can be said about the bytes so far.
    enum Outcome {
        case needsMore
        /// The head is complete and the client waits for `100 Continue`.
        case wantsContinue
        case request(HTTPRequest, closes: Bool)
        /// The stream is broken: the status to answer with before closing.
        case broken(Int, String)
    }

    private struct Broken: Error {
        var status: Int
        var reason: String
    }

    private let headLimit: Int
    private let bodyLimit: Int
    private var bytes: [UInt8] = []
    private var request: HTTPRequest?
    private var saidContinue = false

    init(headLimit: Int, bodyLimit: Int) {
        self.headLimit = headLimit
        self.bodyLimit = bodyLimit
    }

    /// Whether a request has begun and is not complete.
    var isInside: Bool { request != nil || !bytes.isEmpty }

    mutating func add(_ more: ArraySlice<UInt8>) { bytes += more }

    mutating func next() -> Outcome {
        do throws(Broken) {
            if request == nil {
                guard try readHead() else { return .needsMore }
            }
            guard var complete = request else { return .needsMore }
            guard let body = try readBody(of: complete) else {
                if !saidContinue, complete.header("Expect")?.lowercased() == "100-continue" {
                    saidContinue = true
                    return .wantsContinue
                }
                return .needsMore
            }
            complete.body = body
            request = nil
            saidContinue = false
            return .request(complete, closes: complete.header("Connection")?.lowercased() == "close")
        } catch {
            return .broken(error.status, error.reason)
        }
    }

    private mutating func readHead() throws(Broken) -> Bool {
        guard let end = firstRange(of: [13, 10, 13, 10], from: 0) else {
            if bytes.count > headLimit { throw Broken(status: 431, reason: "head longer than \(headLimit) bytes") }
            return false
        }
        if end > headLimit { throw Broken(status: 431, reason: "head longer than \(headLimit) bytes") }
        let head = String(decoding: bytes[..<end], as: UTF8.self)
        bytes.removeFirst(end + 4)
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        let first = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard first.count == 3, first[2] == "HTTP/1.1" || first[2] == "HTTP/1.0", first[1].hasPrefix("/") else {
            throw Broken(status: 400, reason: "request line is broken: \(lines.first ?? "")")
        }
        var result = HTTPRequest(method: String(first[0]), target: String(first[1]))
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else {
                throw Broken(status: 400, reason: "header line is broken: \(line)")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            result.headers.append((String(line[..<colon]), String(value)))
        }
        request = result
        return true
    }

    private mutating func readBody(of request: HTTPRequest) throws(Broken) -> [UInt8]? {
        if let coding = request.header("Transfer-Encoding") {
            guard coding.lowercased() == "chunked" else {
                throw Broken(status: 400, reason: "unknown transfer coding \(coding)")
            }
            return try readChunks()
        }
        guard let text = request.header("Content-Length") else { return [] }
        guard let length = Int(text), length >= 0, Set(request.headers("Content-Length")).count == 1 else {
            throw Broken(status: 400, reason: "Content-Length is broken: \(text)")
        }
        guard length <= bodyLimit else { throw Broken(status: 413, reason: "body of \(length) bytes") }
        guard bytes.count >= length else { return nil }
        defer { bytes.removeFirst(length) }
        return Array(bytes[..<length])
    }

    /// Nil while the last chunk has not come; nothing is consumed until then.
    private mutating func readChunks() throws(Broken) -> [UInt8]? {
        var body: [UInt8] = []
        var place = 0
        while true {
            guard let lineEnd = firstRange(of: [13, 10], from: place) else { return nil }
            let line = String(decoding: bytes[place..<lineEnd].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let size = Int(line, radix: 16), size >= 0 else {
                throw Broken(status: 400, reason: "chunk size is broken: \(line)")
            }
            guard body.count + size <= bodyLimit else { throw Broken(status: 413, reason: "body too large") }
            place = lineEnd + 2
            if size == 0 { break }
            guard bytes.count >= place + size + 2 else { return nil }
            body += bytes[place..<place + size]
            guard bytes[place + size] == 13, bytes[place + size + 1] == 10 else {
                throw Broken(status: 400, reason: "chunk does not end with a line end")
            }
            place += size + 2
        }
        while true {
            guard let lineEnd = firstRange(of: [13, 10], from: place) else { return nil }
            let isEmpty = lineEnd == place
            place = lineEnd + 2
            if isEmpty { break }
        }
        bytes.removeFirst(place)
        return body
    }

    private func firstRange(of wanted: [UInt8], from start: Int) -> Int? {
        guard bytes.count - start >= wanted.count else { return nil }
        for index in start...(bytes.count - wanted.count) where bytes[index] == wanted[0] {
            if bytes[index..<index + wanted.count].elementsEqual(wanted) { return index }
        }
        return nil
    }
}
