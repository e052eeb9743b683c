/// What a download does next.
enum DownloadStep: Sendable, Hashable {
    case complete
    /// Ask again, after this time: the same address or where a redirect led.
    case again(after: Duration)
    /// A text for people.
    case failed(String)
}

/// What the head of an answer means for a download.
enum DownloadHead: Sendable, Hashable {
    /// The body belongs into the file from this byte on; what is behind it is worth nothing.
    case write(at: UInt64)
    /// The body is not wanted.
    case end(DownloadStep)
}

/// Every decision of a download, without sockets and files: what to ask for, what an answer means, what a failure
/// leads to.
///
/// | answer | meaning |
/// | --- | --- |
/// | 200 | the file from its beginning |
/// | 206 to a Range | goes on where the last answer was cut, if place, size and validator fit; else from the beginning |
/// | 416 to a Range | once more from the beginning |
/// | 301, 302, 303, 307, 308 | followed ten times at most, never from https to http |
/// | 408, 425, 429, 500, 502, 503, 504, no or half an answer | tried again with backoff, `Retry-After` counts |
/// | everything else, TLS trouble, other content types or encodings | the download fails |
struct DownloadState: Sendable {
    static let mostRedirects = 10
    /// Bounds a server that gives a byte or two each time.
    static let mostAttempts = 200
    static let attemptsBeforeFirstByte = 3
    static let longestRetryAfter: Duration = .seconds(300)

    let options: TransferOptions
    private(set) var url: DownloadURL
    private let start: DownloadURL
    /// Bytes of the file that are written.
    private(set) var received: UInt64 = 0
    private(set) var size: UInt64?
    /// By which the server knows whether the file is still the same: a strong ETag or a date.
    private var validator: String?
    private var etag: String?
    private var redirects = 0
    private var attempts = 0
    private var backoff = Backoff()
    /// Most bytes that there ever were: only more than that is progress.
    private var mostReceived: UInt64 = 0

    init(url: DownloadURL, expectedSize: UInt64? = nil, options: TransferOptions) {
        self.url = url
        self.options = options
        start = url
        size = expectedSize
        self.expectedSize = expectedSize
    }

    /// What the command said about the size.
    private let expectedSize: UInt64?

    /// Headers that ask for the rest of a file; none for the whole one.
    var rangeHeaders: [HTTPHeader] {
        guard let validator, received > 0 else { return [] }
        return [HTTPHeader("Range", "bytes=\(received)-"), HTTPHeader("If-Range", validator)]
    }

    /// `wall` is needed for `Retry-After`, `chance` in 0..<1 for jitter.
    mutating func head(_ answer: HTTPResponse, wall: Duration, chance: Double) -> DownloadHead {
        switch answer.status {
        case 200: return whole(answer)
        case 206 where !rangeHeaders.isEmpty: return part(answer, chance: chance)
        case 416 where !rangeHeaders.isEmpty:
            restart()
            return .end(retry("Invalid status code: 416", chance: chance))
        case 301, 302, 303, 307, 308: return .end(redirect(answer))
        case 408, 425, 429, 500, 502, 503, 504:
            let retryAfter = answer.header("Retry-After").flatMap { parseRetryAfter($0, now: wall) }
            return .end(retry("Invalid status code: \(answer.status)", chance: chance, retryAfter: retryAfter))
        default: return .end(.failed("Invalid status code: \(answer.status)"))
        }
    }

    private mutating func whole(_ answer: HTTPResponse) -> DownloadHead {
        if let problem = Self.problem(answer) { return .end(.failed(problem)) }
        let length = Self.length(answer)
        if let expectedSize, let length, length != expectedSize {
            return .end(.failed("The file has \(length) bytes instead of \(expectedSize)"))
        }
        if length == 0 { return .end(.failed("Empty response")) }
        restart()
        size = length ?? expectedSize
        if let size, size > options.largestFile { return .end(.failed(tooLarge)) }
        (etag, validator) = (answer.header("ETag"), Self.validator(answer))
        return .write(at: 0)
    }

    private mutating func part(_ answer: HTTPResponse, chance: Double) -> DownloadHead {
        let range = answer.header("Content-Range").flatMap { ContentRange($0) }
        let isSame = answer.header("ETag").map { $0 == etag } ?? true
        guard let range, range.first == received, isSame, size == nil || range.size == nil || range.size == size else {
            // Some servers ignore If-Range. What they send does not fit behind what is here.
            restart()
            return .end(retry("The server sends another part than the one it was asked for", chance: chance))
        }
        if let problem = Self.problem(answer) { return .end(.failed(problem)) }
        if size == nil { size = range.size }
        return .write(at: received)
    }

    private mutating func redirect(_ answer: HTTPResponse) -> DownloadStep {
        redirects += 1
        guard redirects <= Self.mostRedirects else { return .failed("More than \(Self.mostRedirects) redirects") }
        guard let next = answer.header("Location").flatMap({ url.redirected(to: $0) }) else {
            return .failed("Redirect to no http or https address")
        }
        if url.server.usesTLS, !next.server.usesTLS { return .failed("Redirect from https to http") }
        url = next
        return .again(after: .zero)
    }

    /// Bytes of the body have come; nil when they may be written.
    mutating func receive(_ count: Int) -> DownloadStep? {
        received += UInt64(count)
        if received > options.largestFile { return .failed(tooLarge) }
        // libcurl counts against Content-Length, but not against what the command announced.
        if let size, received > size { return .failed("More than the announced \(size) bytes") }
        return nil
    }

    /// The answer ended as HTTP wants it.
    mutating func completed(chance: Double) -> DownloadStep {
        if let size, received < size { return retry("\(received) of \(size) bytes received", chance: chance) }
        return received == 0 ? .failed("Empty response") : .complete
    }

    /// There was no answer or only a part of it.
    mutating func broke(_ error: TransportError, chance: Double) -> DownloadStep {
        // A certificate does not become better by waiting.
        error.kind == .tls ? .failed(error.message) : retry(error.message, chance: chance)
    }

    mutating func retry(_ problem: String, chance: Double, retryAfter: Duration? = nil) -> DownloadStep {
        if received > mostReceived {
            mostReceived = received
            backoff.reset()
        }
        attempts += 1
        let limit = mostReceived > 0 ? options.attempts : min(Self.attemptsBeforeFirstByte, options.attempts)
        guard backoff.failures + 1 < limit, attempts < Self.mostAttempts else { return .failed(problem) }
        // Redirects are often made for one use: each attempt begins where the first did.
        url = start
        redirects = 0
        let pause = backoff.next(chance: chance)
        return .again(after: max(pause, min(retryAfter ?? .zero, Self.longestRetryAfter)))
    }

    private mutating func restart() {
        received = 0
        size = expectedSize
        (etag, validator) = (nil, nil)
    }

    private var tooLarge: String { "The file is larger than \(options.largestFile) bytes" }
}

// Headers.
extension DownloadState {
    /// Media types of G-code, and those that servers use for want of a better one.
    private static let mediaTypes: Set<String> = [
        "text/plain", "text/x.gcode", "text/x-gcode", "text/gcode", "application/x-gcode", "application/gcode",
        "application/x-bgcode", "application/binary", "application/octet-stream", "binary/octet-stream",
    ]

    /// Why the body cannot be taken; parameters of the media type do not matter.
    private static func problem(_ answer: HTTPResponse) -> String? {
        if let type = answer.header("Content-Type"), !type.isEmpty,
            !(MediaType(type).map { mediaTypes.contains($0.essence) } ?? false)
        {
            return "Invalid content type: \(type.prefix(100))"
        }
        // Sizes and ranges of a compressed body are not those of the file.
        if let encoding = answer.header("Content-Encoding"), !encoding.isEmpty, !encoding.equalsIgnoringCase("identity")
        {
            return "Invalid content encoding: \(encoding.prefix(100))"
        }
        return nil
    }

    private static func length(_ answer: HTTPResponse) -> UInt64? {
        guard answer.header("Transfer-Encoding") == nil, let text = answer.header("Content-Length"),
            text.utf8.allSatisfy(isDigit)
        else { return nil }
        return UInt64(text)
    }

    /// Only strong validators may vouch for a part (RFC 9110, 13.1.5): no `W/"…"`, and a date only if the file had
    /// not changed for a minute.
    private static func validator(_ answer: HTTPResponse) -> String? {
        if answer.header("Accept-Ranges")?.equalsIgnoringCase("none") == true { return nil }
        if let etag = answer.header("ETag") { return etag.hasPrefix("\"") ? etag : nil }
        guard let modified = answer.header("Last-Modified"), let date = answer.header("Date"),
            let changed = parseHTTPDate(modified), let now = parseHTTPDate(date), now - changed >= 60
        else { return nil }
        return modified
    }
}

/// `bytes 1000-4999/5000` or `bytes 1000-4999/*` (RFC 9110, 14.4).
struct ContentRange: Sendable, Hashable {
    let first: UInt64
    let last: UInt64
    let size: UInt64?

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 1).map(\.trimmed)
        guard parts.count == 2, parts[0].equalsIgnoringCase("bytes") else { return nil }
        let numbers = parts[1].split(omittingEmptySubsequences: false, whereSeparator: { "-/".contains($0) })
        guard numbers.count == 3, numbers.allSatisfy({ $0 == "*" || !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }),
            let first = UInt64(numbers[0]), let last = UInt64(numbers[1]), first <= last
        else { return nil }
        let size = UInt64(numbers[2])
        guard size != nil || numbers[2] == "*", size.map({ last < $0 }) ?? true else { return nil }
        (self.first, self.last, self.size) = (first, last, size)
    }
}
