/// Cameras that want a token: asked for over the printer's own connection, again and again until there is one.
struct CameraRegistrations: Sendable {
    struct Item: Sendable {
        let camera: CameraID
        /// Tells a registration from an older one of the same camera.
        let number: UInt64
        let body: [UInt8]
        fileprivate(set) var timer = RetryTimer()
        let report: @Sendable (Token) -> Void

        /// Not before this moment of the monotonic clock.
        var notBefore: Duration { timer.notBefore }
    }

    /// The server has understood and refused: soon again makes no sense, but the reason may go away.
    static let pauseAfterRefusal: Duration = .seconds(300)

    private var items: [Item] = []
    private var lastNumber: UInt64 = 0

    /// The one to ask for next.
    var next: Item? { items.min { $0.notBefore < $1.notBefore } }

    func item(_ number: UInt64) -> Item? { items.first { $0.number == number } }

    /// Registers a camera, instead of an older wish of the same camera. `report` is called on "connect-calls".
    mutating func ask(_ camera: CameraID, body: [UInt8], report: @escaping @Sendable (Token) -> Void) {
        cancel(camera)
        lastNumber += 1
        items.append(Item(camera: camera, number: lastNumber, body: body, report: report))
    }

    mutating func cancel(_ camera: CameraID) { items.removeAll { $0.camera == camera } }

    mutating func remove(_ number: UInt64) { items.removeAll { $0.number == number } }

    mutating func failed(_ number: UInt64, now: Duration, chance: Double, retryAfter: Duration?) {
        guard let index = items.firstIndex(where: { $0.number == number }) else { return }
        items[index].timer.failed(now: now, chance: chance, retryAfter: retryAfter)
    }
}

extension PrinterCore {
    /// Takes the answer to the registration of a camera.
    mutating func cameraCompleted(_ result: TransportResult, _ number: UInt64, retryAfter: Duration?, now: Duration) {
        guard let item = cameras.item(number) else { return }
        if case .success(let response) = result, response.isSuccess,
            let token = response.header("Token").flatMap({ Token($0) })
        {
            cameras.remove(number)
            log(.info, "camera \(item.camera) registered")
            effects.append(.notify { item.report(token) })
            return
        }
        var pause = retryAfter
        if case .success(let response) = result {
            if response.isRefusalOfCamera { pause = max(retryAfter ?? .zero, CameraRegistrations.pauseAfterRefusal) }
            // Not the server's words: they could repeat the camera's old token.
            let problem = response.isSuccess ? "no token in the answer" : "refused"
            log(.warning, "camera \(item.camera) not registered (\(response.status)): \(problem)")
        }
        cameras.failed(number, now: now, chance: chance(), retryAfter: pause)
    }
}

extension HTTPResponse {
    /// Says something about the camera and nothing about the printer's connection.
    var isRefusalOfCamera: Bool {
        (400..<500).contains(status) && !refusesToken && !isOverload && status != 408 && status != 425
    }
}
