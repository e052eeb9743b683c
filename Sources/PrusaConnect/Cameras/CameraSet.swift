/// All cameras of a printer as one value, without threads and network: who takes a picture when, which picture goes
/// out next, what an answer means.
struct CameraSet: Sendable {
    struct Entry: Sendable {
        var configuration: CameraConfiguration
        let camera: any Camera
        /// Takes the pictures.
        let worker: SerialWorker
        var schedule: CameraSchedule
        /// Since when it takes a picture.
        var busySince: Duration?
        var isSilent = false
        /// The newest picture that is not sent.
        var picture: CameraPicture?
        var timer = RetryTimer()

        var id: CameraID { configuration.id }
    }

    /// A picture that takes longer counts as a fault of the camera (Python SDK 0.8.1).
    static let longestPicture: Duration = .seconds(20)

    private(set) var entries: [Entry] = []
    private var lastNumber: UInt64 = 0

    func entry(_ id: CameraID) -> Entry? { entries.first { $0.id == id } }

    /// Adds a camera, or takes the place of the one with its id.
    mutating func add(_ entry: Entry) {
        if let index = index(entry.id) { entries[index] = entry } else { entries.append(entry) }
    }

    mutating func remove(_ id: CameraID) -> Entry? { index(id).map { entries.remove(at: $0) } }

    private func index(_ id: CameraID) -> Int? { entries.firstIndex { $0.id == id } }

    mutating func change(_ id: CameraID, _ body: (inout Entry) -> Void) {
        if let index = index(id) { body(&entries[index]) }
    }

    mutating func layerChanged(now: Duration) {
        for index in entries.indices { entries[index].schedule.layerChanged(now: now) }
    }

    /// The cameras that shall take a picture now. One that still takes its last one skips this one.
    mutating func due(now: Duration) -> [Entry] {
        var due: [Entry] = []
        for index in entries.indices where entries[index].schedule.fire(now: now) {
            guard entries[index].busySince == nil else { continue }
            entries[index].busySince = now
            due.append(entries[index])
        }
        return due
    }

    /// Cameras that have just been found to take too long; told once.
    mutating func silent(now: Duration) -> [CameraConfiguration] {
        var silent: [CameraConfiguration] = []
        for index in entries.indices where !entries[index].isSilent {
            guard let since = entries[index].busySince, now - since > Self.longestPicture else { continue }
            entries[index].isSilent = true
            silent.append(entries[index].configuration)
        }
        return silent
    }

    /// A camera is done. Its picture replaces one that waits: nobody wants to see the past.
    mutating func taken(_ id: CameraID, _ picture: CameraPicture?) {
        lastNumber += 1
        let number = lastNumber
        change(id) { entry in
            entry.busySince = nil
            entry.isSilent = false
            guard var picture else { return }
            picture.number = number
            entry.picture = picture
        }
    }

    /// The picture to send now. Those of cameras without token wait.
    func upload(now: Duration) -> (picture: CameraPicture, token: Token)? {
        for entry in entries where entry.timer.notBefore <= now {
            if let picture = entry.picture, let token = entry.configuration.token { return (picture, token) }
        }
        return nil
    }

    /// When to look again; `nil` when nothing happens by itself. Pictures go out one at a time.
    func nextDeadline(isUploading: Bool) -> Duration? {
        entries.flatMap { entry -> [Duration] in
            var moments: [Duration] = []
            if let next = entry.schedule.nextAt { moments.append(next) }
            if !isUploading, entry.picture != nil, entry.configuration.token != nil {
                moments.append(entry.timer.notBefore)
            }
            if let since = entry.busySince, !entry.isSilent {
                moments.append(since + Self.longestPicture + .milliseconds(1))
            }
            return moments
        }.min()
    }

    enum Outcome: Sendable, Hashable {
        case sent
        /// The server does not know the camera's token any more.
        case tokenRefused
        /// Tried again with what is the newest picture then.
        case delayed(String)
        case givenUp(String)
    }

    /// Takes the answer to an upload of `picture` with `token`.
    mutating func uploaded(
        _ picture: CameraPicture, token: Token, _ result: TransportResult, now: Duration, wall: Duration,
        chance: Double
    ) -> Outcome {
        let outcome = Self.outcome(of: result)
        change(picture.camera) { entry in
            switch outcome {
            case .sent, .givenUp:
                entry.timer.succeeded()
                // A newer one may be here already.
                if entry.picture?.number == picture.number { entry.picture = nil }
            case .tokenRefused:
                entry.timer.failed(now: now, chance: chance)
                // Not one that came meanwhile.
                if entry.configuration.token == token { entry.configuration.token = nil }
            case .delayed:
                var retryAfter: Duration?
                if case .success(let response) = result {
                    retryAfter = response.header("Retry-After").flatMap { parseRetryAfter($0, now: wall) }
                }
                entry.timer.failed(now: now, chance: chance, retryAfter: retryAfter)
            }
        }
        return outcome
    }

    private static func outcome(of result: TransportResult) -> Outcome {
        switch result {
        case .failure(let error): return .delayed(error.message)
        case .success(let response):
            switch response.status {
            case 200..<300: return .sent
            case 401, 403: return .tokenRefused
            case 408, 425, 429, 300..<400, 500...: return .delayed("\(response.status)")
            default: return .givenUp("\(response.status)")
            }
        }
    }
}
