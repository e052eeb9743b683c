import CSerial
import GCodeStream
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The thread that owns the port and the engine: one poll over the port and a wake-up, no heap once it runs.
///
/// It waits for nobody. Orders come in by a ring, news go out by another, the newest readings lie in a slot.
struct StreamThread: ~Copyable {
    private let port: SerialPort
    private let shared: LinkShared
    private let configuration: LinkConfiguration
    private var engine: StreamEngine
    private var demand: StreamDemand
    private var greeting: Greeting?
    private var snapshot = LinkSnapshot()
    private var command = CommandBuffer()

    private var reader: FileReader?
    private var jobEnd: UInt64 = 0
    private var starving = false
    private var running = true

    private var pollsTemperature = false
    private var nextPoll: UInt64 = 0
    private var pollPending = false
    private var publishAt: UInt64 = 0

    private static let queryTag: UInt32 = .max
    private static let publishInterval: UInt64 = 50_000_000

    init(port: consuming SerialPort, shared: LinkShared, configuration: LinkConfiguration) {
        self.port = port
        self.shared = shared
        self.configuration = configuration
        engine = StreamEngine(settings: configuration.stream)
        demand = engine.advance(now: cserial_monotonic_ns())
    }

    /// Runs until it is told to shut down or the port is lost.
    consuming func run() {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4096)
        defer { buffer.deallocate() }
        let now = cserial_monotonic_ns()
        greeting = Greeting(now: now, limit: configuration.greetingLimit)
        var items = (
            cserial_pollfd(fd: port.descriptor, events: Int16(CSERIAL_IN), revents: 0),
            cserial_pollfd(fd: shared.wake.descriptor, events: Int16(CSERIAL_IN), revents: 0)
        )
        while running {
            step(now: cserial_monotonic_ns())
            guard running else { break }
            wait(&items)
            if items.1.revents != 0 { shared.wake.clear() }
            if items.0.revents != 0 { receive(into: buffer) }
        }
        reader?.cancel()
        reader = nil
        snapshot.phase = .down
        publish()
    }

    // MARK: One round

    private mutating func step(now: UInt64) {
        while let order = shared.orders.pop() { obey(order, now: now) }
        greet(now: now)
        pollTemperature(now: now)
        fill(now: now)
        write()
        deliverReports(now: now)
        if now >= publishAt {
            publishAt = now &+ Self.publishInterval
            publish()
        }
    }

    /// Gives the engine commands and time until nothing more goes out.
    private mutating func fill(now: UInt64) {
        repeat { demand = engine.advance(now: now) } while demand.wantsCommand && takeCommand(now: now)
    }

    /// Takes the next command of the file; true when the engine has something new to do.
    private mutating func takeCommand(now: UInt64) -> Bool {
        guard let reader else { return false }
        switch reader.ring.pop(into: &command) {
        case .command(let advance, let newLayer):
            starving = false
            jobEnd += UInt64(advance)
            if newLayer { snapshot.layer += 1 }
            snapshot.readings.noteProgress(command)
            let end = jobEnd
            command.withBytes { _ = engine.push($0, sourceEnd: end, now: now) }
            return true
        case .empty:
            // Once more after the announcement: what came in between must not be slept over.
            if !starving {
                starving = true
                snapshot.starved += 1
            }
            reader.ring.announceHunger()
            return false
        case .end(0):
            self.reader = nil
            engine.endOfJob()
            return true
        case .end(let failure):
            self.reader = nil
            engine.cancel()
            tell(.fileFailed(failure))
            return true
        }
    }

    private mutating func write() {
        let descriptor = port.descriptor
        while demand.outputCount > 0 {
            let written = engine.withOutput { span in
                span.withUnsafeBufferPointer { cserial_write(descriptor, $0.baseAddress, $0.count) }
            }
            if written > 0 {
                engine.wrote(written)
                demand.outputCount -= written
            } else {
                if written < 0, written != -Int(EAGAIN) { lose(errno: Int32(-written)) }
                return
            }
        }
    }

    private mutating func receive(into buffer: UnsafeMutableBufferPointer<UInt8>) {
        let count = cserial_read(port.descriptor, buffer.baseAddress, buffer.count)
        guard count > 0 else {
            // 0 is a hang-up: the adapter is gone.
            if count != -Int(EAGAIN) { lose(errno: Int32(-count)) }
            return
        }
        let now = cserial_monotonic_ns()
        snapshot.bytesReceived += UInt64(count)
        let bytes = Span(_unsafeElements: UnsafeBufferPointer(rebasing: buffer[..<count]))
        take(bytes, now: now)
    }

    private mutating func take(_ bytes: Span<UInt8>, now: UInt64) {
        // Parts are borrowed apart: the engine calls back while it is being changed.
        var greeting = self.greeting
        greeting?.note(bytes)
        var readings = snapshot.readings
        let shared = shared
        engine.receive(bytes, now: now) { line, reply in
            greeting?.take(reply, now: now)
            let isReading = readings.update(from: line, reply: reply)
            if Self.isWorthTelling(line, reply, isReading: isReading) { shared.tell(.line(LineText(line))) }
        }
        self.greeting = greeting
        snapshot.readings = readings
    }

    /// Plain oks and readings would drown what the owner wants to see.
    private static func isWorthTelling(_ line: Span<UInt8>, _ reply: Reply, isReading: Bool) -> Bool {
        switch reply {
        case .ok(let fields): !isReading && line.count > 3 && fields == OkFields()
        case .busy, .wait: false
        default: !isReading
        }
    }

    private func wait(_ items: inout (cserial_pollfd, cserial_pollfd)) {
        var deadline = demand.deadline
        if let greeting { deadline = min(deadline, greeting.deadline) }
        if pollsTemperature { deadline = min(deadline, nextPoll) }
        if demand.hasJob { deadline = min(deadline, publishAt) }
        // A wake-up by the file's thread can pass unseen in one place: look again soon.
        let now = cserial_monotonic_ns()
        if starving { deadline = min(deadline, now &+ 20_000_000) }
        let timeout = deadline == .max ? 1_000_000_000 : deadline > now ? Int64(min(deadline - now, 1_000_000_000)) : 0
        let wantsOutput = demand.outputCount > 0
        items.0.events = Int16(CSERIAL_IN) | (wantsOutput ? Int16(CSERIAL_OUT) : 0)
        withUnsafeMutablePointer(to: &items) { pointer in
            pointer.withMemoryRebound(to: cserial_pollfd.self, capacity: 2) { _ = cserial_poll($0, 2, timeout) }
        }
    }

    // MARK: Greeting and queries

    private mutating func greet(now: UInt64) {
        guard greeting != nil else { return }
        if greeting?.advance(now: now) == true { ask() }
        switch greeting?.outcome {
        case .running, nil:
            return
        case .answered:
            greeting = nil
            tell(.greeted)
            engine.synchronise(now: now)
        case .some(let failure):
            greeting = nil
            tell(.greetingFailed(failure))
            running = false
        }
    }

    private mutating func ask() {
        // The line break ends whatever the board may have got from somebody else.
        let question: StaticString = "\nM115\n"
        _ = cserial_write(port.descriptor, question.utf8Start, question.utf8CodeUnitCount)
    }

    private mutating func greetAgain(now: UInt64) {
        pollsTemperature = false
        pollPending = false
        greeting = Greeting(now: now, limit: configuration.greetingLimit)
        greeting?.take(.start, now: now)
    }

    /// Firmware without auto-reports is asked, one question at a time.
    private mutating func pollTemperature(now: UInt64) {
        guard pollsTemperature, now >= nextPoll else { return }
        nextPoll = now &+ configuration.pollInterval
        guard !pollPending, !snapshot.readings.isHeating else { return }
        pollPending = submit("M105")
    }

    private mutating func submit(_ text: StaticString) -> Bool {
        var query = CommandBuffer()
        for index in 0..<text.utf8CodeUnitCount { query.append(text.utf8Start[index]) }
        return query.withBytes { engine.submit($0, tag: Self.queryTag) }
    }

    // MARK: Orders

    private mutating func obey(_ order: LinkOrder, now: UInt64) {
        switch order {
        case .none: break
        case .beginJob: beginJob(now: now)
        case .pause: _ = engine.pause()
        case .resume: _ = engine.resume()
        case .cancel: endJob()
        case .emergencyStop:
            endReader()
            engine.emergencyStop(now: now)
        case .interruptHeating: engine.interruptHeating(now: now)
        case .reset: reset(now: now)
        case .submit(let command, let tag):
            let taken = command.withBytes { engine.submit($0, tag: tag) }
            if !taken { tell(.report(.dropped(tag: tag), errorText: CommandBuffer())) }
        case .shutDown: running = false
        }
    }

    private mutating func beginJob(now: UInt64) {
        guard let next = shared.takeReader() else { return }
        guard engine.begin(now: now) else {
            next.cancel()
            tell(.report(.jobFailed(.notSynchronised), errorText: CommandBuffer()))
            return
        }
        reader = next
        jobEnd = 0
        snapshot.layer = 0
        snapshot.readings.progress = -1
        snapshot.readings.minutesLeft = -1
    }

    private mutating func endJob() {
        endReader()
        engine.cancel()
    }

    private mutating func endReader() {
        reader?.cancel()
        reader = nil
        starving = false
    }

    private mutating func reset(now: UInt64) {
        let done = port.pulseReset()
        if done {
            endReader()
            engine = StreamEngine(settings: configuration.stream)
            greetAgain(now: cserial_monotonic_ns())
        }
        tell(.resetDone(done))
    }

    // MARK: News

    private mutating func deliverReports(now: UInt64) {
        while let report = engine.nextReport() {
            switch report {
            case .acknowledged(Self.queryTag), .dropped(Self.queryTag):
                pollPending = false
                continue
            case .jobFailed(.printerReset), .linkFailed(.printerReset):
                endReader()
                greetAgain(now: now)
            case .jobFailed:
                endReader()
            default:
                break
            }
            // Who hears of it must find the figures of this moment.
            publish()
            tell(.report(report, errorText: engine.errorText))
        }
        if let wanted = shared.takePolling() {
            pollsTemperature = wanted
            nextPoll = now
        }
    }

    private func tell(_ note: LinkNote) { shared.tell(note) }

    private mutating func lose(errno: Int32) {
        tell(.lost(errno: errno))
        running = false
    }

    private mutating func publish() {
        let counters = engine.counters
        snapshot.phase = phase
        snapshot.linesSent = counters.linesSent
        snapshot.bytesSent = counters.bytesSent
        snapshot.jobCommands = counters.jobCommands
        snapshot.jobOffset = engine.completedOffset
        snapshot.resends = counters.resendRequests
        snapshot.probes = counters.probes
        snapshot.oksLost = counters.oksLost
        snapshot.oksSurplus = counters.oksSurplus
        snapshot.windowLines = UInt8(clamping: engine.windowLines)
        shared.snapshot.publish(snapshot)
    }

    private var phase: LinkPhase {
        if !running { return .down }
        if greeting != nil { return .greeting }
        return switch engine.status {
        case .offline: .greeting
        case .idle: .ready
        case .streaming: .printing
        case .paused: .paused
        case .ending: .finishing
        case .halted: .halted
        }
    }
}
