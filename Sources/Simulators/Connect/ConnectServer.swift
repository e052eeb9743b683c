import CSerial
import Glibc
import Synchronization

/// A Connect server on loopback, to try printers against: registration, telemetry, events, commands, and every kind of
/// trouble. It checks each request and keeps a list of complaints. All functions may be called from any thread.
public final class ConnectServer: Sendable {
    /// What the server expects and how it behaves.
    public struct Configuration: Sendable {
        /// The registration code it gives.
        public var code = "7P48QBJTSP"
        /// The token it gives and then expects.
        public var token = "6Y1t9EwL56nGisiWgNZq"
        /// The printer it knows already; nil: whoever registers, or comes first with the right token.
        public var fingerprint: String?
        /// How many polls are answered 202 before the token comes by itself; nil: only `authorize(code:)` gives it.
        public var pollsUntilToken: Int?
        /// When an unanswered command is delivered again, in milliseconds.
        public var redeliveryMilliseconds = 30_000
        /// Status for a missing token; a wrong one gets 403.
        public var missingTokenStatus = 401
        /// The id of the first command; the next ones follow.
        public var firstCommandID: UInt32 = 5012
        /// How many requests, events and complaints are kept; older ones are dropped.
        public var recordLimit = 10_000
        /// Longest request head in bytes.
        public var headLimit = 16 << 10
        /// Longest request body in bytes.
        public var bodyLimit = 4 << 20

        /// The usual server.
        public init() {}
    }

    /// How many of each the server got, bounded lists aside.
    public struct Counts: Sendable, Equatable {
        /// Requests with any answer, faults included.
        public internal(set) var requests = 0
        /// TCP connections.
        public internal(set) var connections = 0
        /// Telemetry taken.
        public internal(set) var telemetry = 0
        /// Events taken.
        public internal(set) var events = 0
        /// `POST /p/register`.
        public internal(set) var registrations = 0
        /// `GET /p/register`.
        public internal(set) var registrationPolls = 0
        /// Requests with a missing or wrong token or fingerprint.
        public internal(set) var refusedCredentials = 0
        /// Complaints.
        public internal(set) var violations = 0
        /// Commands delivered, repeats included.
        public internal(set) var deliveries = 0
        /// Camera snapshots.
        public internal(set) var snapshots = 0
    }

    struct State {
        var fingerprint: String?
        var isAuthorized = false
        var pollsLeft: Int?
        var nextCommandID: UInt32
        var commands: [ServerCommand] = []
        var faults: [(fault: ServerFault, left: Int, path: String?)] = []
        var files: [String: HTTPResponse] = [:]
        var counts = Counts()
        var requests: [ServedRequest] = []
        var events: [ReceivedEvent] = []
        var telemetry: [PlainJSON] = []
        var violations: [String] = []
        var port: UInt16 = 0
        var thread: pthread_t?
        var stopping = false
    }

    let configuration: Configuration
    let state: Mutex<State>
    private let wake: Int32

    /// A server that does not listen yet.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        state = Mutex(
            State(
                fingerprint: configuration.fingerprint, pollsLeft: configuration.pollsUntilToken,
                nextCommandID: configuration.firstCommandID))
        wake = cserial_eventfd()
    }

    deinit { cserial_close(wake) }

    // MARK: Life

    /// Listens on 127.0.0.1 and serves on a thread of its own until `stop()`. Port 0 takes any free one. Returns the
    /// port.
    @discardableResult
    public func start(port: UInt16 = 0) throws(SimulatorError) -> UInt16 {
        let isRunning = state.withLock { state in
            state.stopping = false
            return state.thread != nil
        }
        guard !isRunning else { throw .alreadyRunning }
        let (listener, actual) = try Sockets.listen(port: port)
        state.withLock { $0.port = actual }
        let loop = HTTPLoop(server: self, listener: listener, wake: wake)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(loop).toOpaque()
        let error = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<HTTPLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, context)
        guard error == 0 else {
            Unmanaged<HTTPLoop>.fromOpaque(context).release()
            close(listener)
            throw .failed("cannot start the server's thread", error)
        }
        state.withLock { $0.thread = thread }
        return actual
    }

    /// Closes all connections and ends the thread. What was recorded stays.
    public func stop() {
        let thread = state.withLock { state in
            state.stopping = true
            defer { state.thread = nil }
            return state.thread
        }
        guard let thread else { return }
        cserial_eventfd_signal(wake)
        pthread_join(thread, nil)
    }

    var isStopping: Bool { state.withLock { $0.stopping } }

    /// The port it listens on; 0 before `start()`.
    public var port: UInt16 { state.withLock { $0.port } }

    /// `http://127.0.0.1:PORT`.
    public var url: String { "http://127.0.0.1:\(port)" }

    // MARK: What the user of Connect does

    /// The user has entered the code: the next poll gets the token. False for another code.
    @discardableResult
    public func authorize(code: String) -> Bool {
        guard code == configuration.code else { return false }
        state.withLock { $0.isAuthorized = true }
        return true
    }

    /// Queues a command for the printer; returns its id. An urgent one is delivered even while another is not
    /// answered, as RESET_PRINTER may be.
    @discardableResult
    public func queue(
        command: String, kwargs: PlainJSON = [:], args: [PlainJSON] = [], isUrgent: Bool = false
    ) -> UInt32 {
        var members: [PlainJSON.Member] = [.init("command", .string(command))]
        if !args.isEmpty { members.append(.init("args", .array(args))) }
        if kwargs != [:] { members.append(.init("kwargs", kwargs)) }
        return queue(name: command, HTTPResponse(200, json: .object(members)), isUrgent: isUrgent)
    }

    /// Queues g-code for the printer; returns its id.
    @discardableResult
    public func queue(gcode: String, force: Bool = false) -> UInt32 {
        var response = HTTPResponse(200, headers: [("Content-Type", "text/x.gcode")], body: Array(gcode.utf8))
        if force { response.headers.append(("Force", "1")) }
        return queue(name: "GCODE", response)
    }

    /// Queues a command with any body and content type, for broken ones too; returns its id. With `commandID`, that
    /// text is sent as `Command-Id` (empty: no such header), and no answer is waited for.
    @discardableResult
    public func queue(rawBody: [UInt8], contentType: String, commandID: String? = nil) -> UInt32 {
        let response = HTTPResponse(200, headers: [("Content-Type", contentType)], body: rawBody)
        return queue(name: "RAW", response, commandID: commandID)
    }

    private func queue(
        name: String, _ response: HTTPResponse, isUrgent: Bool = false, commandID: String? = nil
    ) -> UInt32 {
        state.withLock { state in
            let id = state.nextCommandID
            state.nextCommandID &+= 1
            var answer = response
            let header = commandID ?? String(id)
            if !header.isEmpty { answer.headers.insert(("Command-Id", header), at: 0) }
            var command = ServerCommand(id: id, name: name, response: answer)
            command.isUrgent = isUrgent
            command.expectsNoAnswer = commandID != nil
            state.commands.append(command)
            return id
        }
    }

    /// Delivers a command again under its old id, as a server does that missed the answer.
    public func deliverAgain(_ id: UInt32) {
        state.withLock { state in
            guard let index = state.commands.firstIndex(where: { $0.id == id }) else { return }
            state.commands[index].progress = .queued
        }
    }

    /// Offers bytes for download with GET on `path`.
    public func serve(_ body: [UInt8], at path: String, contentType: String = "application/octet-stream") {
        state.withLock { $0.files[path] = HTTPResponse(200, headers: [("Content-Type", contentType)], body: body) }
    }

    /// The next `requests` requests (to `path` only, if given) meet this fault. Faults queue up behind each other.
    public func inject(_ fault: ServerFault, requests: Int = 1, path: String? = nil) {
        state.withLock { $0.faults.append((fault, requests, path)) }
    }

    /// No more faults.
    public func clearFaults() { state.withLock { $0.faults = [] } }

    // MARK: What has happened

    /// How many of each.
    public var counts: Counts { state.withLock { $0.counts } }
    /// The requests, oldest first.
    public var requests: [ServedRequest] { state.withLock { $0.requests } }
    /// The events taken, oldest first.
    public var events: [ReceivedEvent] { state.withLock { $0.events } }
    /// The bodies of the telemetry taken, oldest first.
    public var telemetry: [PlainJSON] { state.withLock { $0.telemetry } }
    /// What was wrong with requests, each with its request's number.
    public var violations: [String] { state.withLock { $0.violations } }
    /// All commands.
    public var commands: [ServerCommand] { state.withLock { $0.commands } }
    /// One command.
    public func command(_ id: UInt32) -> ServerCommand? { state.withLock { $0.commands.first { $0.id == id } } }
    /// The events that answer one command.
    public func events(for id: UInt32) -> [ReceivedEvent] { events.filter { $0.commandID == Int(id) } }

    /// Waits in the calling thread until `condition` holds, at most `seconds`; false when the time is over.
    public func wait(upTo seconds: Double = 10, until condition: (ConnectServer) -> Bool) -> Bool {
        let end = cserial_monotonic_ns() + UInt64(seconds * 1e9)
        while !condition(self) {
            guard cserial_monotonic_ns() < end else { return condition(self) }
            usleep(2000)
        }
        return true
    }
}
