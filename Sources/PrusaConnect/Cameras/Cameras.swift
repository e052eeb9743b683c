import Synchronization

/// The web cameras of a printer: takes pictures when they are due, registers the cameras, sends the pictures.
///
/// Nothing here is ever waited for by telemetry, events or commands: pictures are taken on a thread for each camera
/// ("camera") and sent by a thread for all ("cameras") over a connection of their own. Of the pictures of a camera that
/// wait only the newest is kept. Any thread may call any method; none waits for a camera or the network.
public final class Cameras: Sendable {
    private struct State {
        var set = CameraSet()
        var waker: (any Waker)?
        var isStopped = false
    }

    private let printer: Printer
    private let drivers: [any CameraDriver]
    private let file: CameraFile?
    private let printerUUID: String?
    private let state = Mutex(State())
    private let calls = SerialWorker(name: "camera-settings")

    /// Time for one upload; 16 MiB take as long over a slow line.
    private static let uploadDeadline: Duration = .seconds(120)

    /// No camera yet.
    ///
    /// - Parameters:
    ///   - printer: whose cameras they are; its server is also theirs.
    ///   - drivers: the kinds of cameras that can be used.
    ///   - path: the ini file with the sections `[camera::ID]`, where tokens are stored; `nil` to keep them in memory.
    ///   - printerUUID: told with each picture, if the application has one.
    public init(
        printer: Printer, drivers: [any CameraDriver] = [ImageFileDriver(), CommandDriver(), V4L2Driver()],
        path: String? = nil, printerUUID: String? = nil
    ) {
        self.printer = printer
        self.drivers = drivers
        self.printerUUID = printerUUID
        file = path.map { CameraFile(path: $0) }
    }

    deinit {
        stop()
        calls.finish()
    }

    /// The cameras in use.
    public var configurations: [CameraConfiguration] { state.withLock { $0.set.entries.map(\.configuration) } }

    /// Cameras that the drivers find and that are not in use: those with another id and other settings of the driver.
    public func detect() -> [CameraConfiguration] {
        let known = configurations
        return drivers.flatMap { $0.detect() }.filter { found in
            !known.contains { $0.id == found.id || ($0.driver == found.driver && $0.settings == found.settings) }
        }
    }

    /// Adds the cameras of the ini file. One that cannot be used does not keep the others from working.
    ///
    /// - Returns: what is wrong with which camera.
    /// - Throws: the file cannot be read.
    @discardableResult
    public func load() throws(INIError) -> [(camera: CameraConfiguration, error: CameraError)] {
        guard let file else { return [] }
        var problems: [(camera: CameraConfiguration, error: CameraError)] = []
        for configuration in try file.configurations() {
            do throws(CameraError) { try open(configuration) } catch { problems.append((configuration, error)) }
        }
        return problems
    }

    /// Adds a camera, or changes the one with its id, and stores it in the ini file. It is registered (anew), and takes
    /// its first picture at once when time triggers it.
    public func add(_ configuration: CameraConfiguration) throws(CameraError) {
        try open(configuration, registers: true)
        store(configuration)
    }

    /// Takes a camera back to the defaults, in the ini file too: its name, its token and the settings that its driver
    /// cannot do without stay. It is registered anew. Nothing happens when it is not in use.
    public func resetSettings(of id: CameraID) throws(CameraError) {
        guard let old = configurations.first(where: { $0.id == id }), let driver = driver(of: old) else { return }
        let settings = old.settings.filter { driver.requiredSettings?.contains($0.key) ?? true }
        var new = CameraConfiguration(id: id, name: old.name, driver: old.driver, settings: settings)
        new.token = old.token
        try open(new, registers: true)
        store(new, replaces: true)
    }

    /// Ends the use of a camera and takes it out of the ini file, also one that could not be used.
    public func remove(_ id: CameraID) {
        let old = change { $0.set.remove(id) }
        old?.worker.finish()
        printer.change { $0.cameras.cancel(id) }
        guard let file else { return }
        calls.run { [printer] in
            do throws(INIError) { try file.remove(id) } catch {
                printer.log(.error, "camera \(id) not taken out of the file: \(error)")
            }
        }
    }

    /// The print has begun a new layer: for cameras that layers trigger.
    public func layerChanged() { change { [now] in $0.set.layerChanged(now: now) } }

    /// Lets a camera take a picture: at once, or ten seconds after its last one.
    public func takePicture(of id: CameraID) {
        change { [now] state in state.set.change(id) { $0.schedule.ask(now: now) } }
    }

    /// Ends everything. A camera that takes a picture is not waited for.
    public func stop() {
        let entries = change { state in
            state.isStopped = true
            return state.set.entries
        }
        for entry in entries {
            entry.worker.finish()
            printer.change { $0.cameras.cancel(entry.id) }
        }
    }

    private var now: Duration { printer.clock.monotonic() }

    /// Changes the state and lets the thread look at it.
    @discardableResult
    private func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        let (value, waker) = state.withLock { state in (body(&state), state.waker) }
        waker?.wake()
        return value
    }
}

// Cameras and their tokens.
extension Cameras {
    private func open(_ configuration: CameraConfiguration, registers: Bool = false) throws(CameraError) {
        guard let driver = driver(of: configuration) else {
            throw .unknownDriver(configuration.driver)
        }
        let camera = try driver.open(configuration)
        let entry = CameraSet.Entry(
            configuration: configuration, camera: camera, worker: SerialWorker(name: "camera"),
            schedule: CameraSchedule(configuration.trigger, now: now))
        let old = change { state in
            defer { state.set.add(entry) }
            return state.set.entry(configuration.id)
        }
        old?.worker.finish()
        startThreadIfNeeded()
        if registers || configuration.token == nil { register(configuration, camera) }
    }

    private func driver(of configuration: CameraConfiguration) -> (any CameraDriver)? {
        drivers.first { $0.name.equalsIgnoringCase(configuration.driver) }
    }

    private func store(_ configuration: CameraConfiguration, replaces: Bool = false) {
        guard let file else { return }
        calls.run { [printer] in
            do throws(INIError) { try file.store(configuration, replaces: replaces) } catch {
                printer.log(.error, "camera \(configuration.id) not stored: \(error)")
            }
        }
    }

    private func register(_ configuration: CameraConfiguration, _ camera: any Camera) {
        let id = configuration.id
        let body = CameraWire.registration(of: configuration, camera)
        printer.change { core in
            core.cameras.ask(id, body: body) { [weak self] token in self?.setToken(token, of: id) }
        }
    }

    private func setToken(_ token: Token?, of id: CameraID) {
        let configuration = change { state in
            state.set.change(id) { $0.configuration.token = token }
            return state.set.entry(id)?.configuration
        }
        guard let configuration, let file else { return }
        calls.run { [printer] in
            do throws(INIError) { try file.storeToken(configuration) } catch {
                printer.log(.error, "token of camera \(id) not stored: \(error)")
            }
        }
    }
}

// The thread.
extension Cameras {
    private func startThreadIfNeeded() {
        guard state.withLock({ $0.waker == nil && !$0.isStopped }) else { return }
        let transport: any Transport
        do {
            transport = try CurlTransport()
        } catch {
            printer.log(.error, "no pictures can be sent: \(error.message)")
            return
        }
        let isFirst = state.withLock { state in
            guard state.waker == nil else { return false }
            state.waker = transport.waker
            return true
        }
        guard isFirst else { return }
        let loop = CameraLoop(self, transport)
        guard startThread(name: "cameras", { loop.run() }) != 0 else { return }
        state.withLock { $0.waker = nil }
        printer.log(.error, "no thread for cameras")
    }

    /// What the thread does next.
    fileprivate enum Action {
        case send(CameraPicture, Token, HTTPRequest)
        case wait(Duration?)
        case stop
    }

    fileprivate func nextAction(isUploading: Bool) -> Action {
        let now = now
        let (due, silent, upload, deadline, isStopped) = state.withLock { state in
            (
                state.isStopped ? [] : state.set.due(now: now), state.set.silent(now: now),
                isUploading ? nil : state.set.upload(now: now), state.set.nextDeadline(isUploading: isUploading),
                state.isStopped
            )
        }
        if isStopped { return .stop }
        for configuration in silent { printer.log(.warning, "camera \(configuration.name) does not answer") }
        for entry in due { entry.worker.run { [weak self] in self?.takePicture(entry) } }
        let (settings, timeout) = printer.read { ($0.settings, $0.options.connectTimeout) }
        if let upload, let settings {
            let request = CameraWire.upload(
                upload.picture, token: upload.token, settings: settings, printerUUID: printerUUID,
                connectTimeout: timeout, deadline: Self.uploadDeadline)
            return .send(upload.picture, upload.token, request)
        }
        // Without a server there is nobody to send to; a look now and then costs nothing.
        let pause: Duration? = upload == nil ? deadline.map { max($0 - now, .zero) } : .seconds(10)
        return .wait(pause)
    }

    private func takePicture(_ entry: CameraSet.Entry) {
        var picture: CameraPicture?
        do throws(CameraError) {
            let bytes = try entry.camera.takePicture(entry.configuration)
            try Picture.check(bytes)
            picture = CameraPicture(
                camera: entry.id, bytes: bytes, timestamp: Timestamp(sinceEpoch: printer.clock.wall()))
        } catch {
            printer.log(.warning, "camera \(entry.configuration.name): \(error)")
        }
        change { $0.set.taken(entry.id, picture) }
    }

    fileprivate func uploaded(_ picture: CameraPicture, _ token: Token, _ result: TransportResult) {
        let clock = printer.clock
        let (outcome, entry) = state.withLock { state in
            let outcome = state.set.uploaded(
                picture, token: token, result, now: clock.monotonic(), wall: clock.wall(),
                chance: Double.random(in: 0..<1))
            return (outcome, state.set.entry(picture.camera))
        }
        guard let entry else { return }
        let name = entry.configuration.name
        switch outcome {
        case .sent: printer.log(.debug, "picture of camera \(name) sent")
        case .delayed(let problem): printer.log(.warning, "picture of camera \(name) not sent: \(problem)")
        case .givenUp(let problem): printer.log(.warning, "picture of camera \(name) refused: \(problem)")
        case .tokenRefused:
            printer.log(.warning, "token of camera \(name) refused: registering it anew")
            guard entry.configuration.token == nil else { return }
            setToken(nil, of: entry.id)
            register(entry.configuration, entry.camera)
        }
    }
}

/// The thread "cameras": triggers, and one upload at a time.
// @unchecked: made by the thread that starts the loop, handed over, and from then on used by the thread alone.
private final class CameraLoop: @unchecked Sendable {
    private weak var cameras: Cameras?
    private let transport: any Transport
    private var upload: (picture: CameraPicture, token: Token)?

    init(_ cameras: Cameras, _ transport: any Transport) { (self.cameras, self.transport) = (cameras, transport) }

    func run() {
        defer { transport.cancel() }
        // Held while it works, not while it waits: whoever lets the cameras go ends this thread by `deinit`.
        while let action = cameras?.nextAction(isUploading: upload != nil) {
            switch action {
            case .stop: return
            case .send(let picture, let token, let request):
                upload = (picture, token)
                transport.start(request)
            case .wait(let time):
                guard let result = transport.wait(for: time), let done = upload else { continue }
                upload = nil
                cameras?.uploaded(done.picture, done.token, result)
            }
        }
    }
}

/// The ini file of the cameras: each change reads it anew, so that what others have written meanwhile stays.
private final class CameraFile: Sendable {
    private let path: String
    private let lock = Mutex(())

    init(path: String) { self.path = path }

    func configurations() throws(INIError) -> [CameraConfiguration] {
        try CameraConfiguration.all(in: INIFile(path: path))
    }

    /// `replaces`: what others have added to the camera's section goes.
    func store(_ configuration: CameraConfiguration, replaces: Bool) throws(INIError) {
        try change { (file) throws(INIError) in
            if replaces { try configuration.replace(in: &file) } else { try configuration.store(in: &file) }
        }
    }

    func storeToken(_ configuration: CameraConfiguration) throws(INIError) {
        try change { (file) throws(INIError) in
            // A section that somebody has taken out meanwhile does not come back as a token alone.
            guard file.sections.contains(configuration.section) else { return }
            try configuration.storeToken(in: &file)
        }
    }

    func remove(_ id: CameraID) throws(INIError) {
        try change { file in CameraConfiguration.remove(id, from: &file) }
    }

    private func change(_ body: (inout INIFile) throws(INIError) -> Void) throws(INIError) {
        let result = lock.withLock { _ -> Result<Void, INIError> in
            do throws(INIError) {
                var file = try INIFile(path: path)
                try body(&file)
                do throws(FileError) { try file.write() } catch {
                    throw INIError(path: path, line: nil, problem: .file(error))
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
