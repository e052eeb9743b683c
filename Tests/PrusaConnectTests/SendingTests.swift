import Testing

@testable import PrusaConnect

@Suite struct BackoffTests {
    @Test("Pauses double from 0.1 s to 60 s; half of each is chance")
    func doubles() {
        var least = Backoff()
        var most = Backoff()
        for full in [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60, 60] {
            #expect(abs(least.next(chance: 0).inSeconds - max(full / 2, 0.1)) < 1e-9)
            let longest = most.next(chance: 0.999_999).inSeconds
            #expect(longest <= full && longest > full * 0.99)
        }
        least.reset()
        #expect(least.next(chance: 0) == .milliseconds(100))
    }

    @Test("The server's wish counts when it is longer, up to ten minutes")
    func retryAfter() {
        var timer = RetryTimer()
        timer.failed(now: .seconds(100), chance: 0.5, retryAfter: .seconds(30))
        #expect(timer.notBefore == .seconds(130))
        timer.failed(now: .seconds(100), chance: 0.5, retryAfter: .seconds(86400))
        #expect(timer.notBefore == .seconds(700))
        timer.failed(now: .seconds(100), chance: 0.5, retryAfter: .zero)
        #expect(timer.notBefore == .milliseconds(100_300))
        timer.succeeded()
        #expect(timer.notBefore == .zero)
    }
}

@Suite struct OutboxTests {
    private func event(_ kind: EventKind, _ reason: String = "", answers id: UInt64? = nil) -> StoredEvent {
        let event = Event(
            kind: kind, source: .wui, commandID: id, reason: reason, state: .idle, timestamp: Timestamp(tenths: 0))
        return StoredEvent(event, isAnswer: id != nil)
    }

    private func kinds(_ outbox: MemoryOutbox) -> [EventKind] {
        var outbox = outbox
        var kinds: [EventKind] = []
        while let item = outbox.first {
            kinds.append(item.event.kind)
            outbox.remove(item.number)
        }
        return kinds
    }

    @Test("In order, each until it is removed")
    func order() {
        var outbox = MemoryOutbox()
        #expect(outbox.append(event(.info)).isEmpty)
        #expect(outbox.append(event(.jobInfo)).isEmpty)
        let first = outbox.first
        #expect(first?.event.kind == .info && outbox.first?.number == first?.number)
        outbox.remove(first?.number ?? 99)
        outbox.remove(first?.number ?? 99)
        #expect(kinds(outbox) == [.jobInfo] && outbox.count == 1)
    }

    @Test("Files and outdated states go first, then whatever is oldest, answers never")
    func folds() {
        var outbox = MemoryOutbox(limits: OutboxLimits(events: 5, bytes: 1 << 20))
        for stored in [
            event(.finished, answers: 1), event(.info), event(.stateChanged, "old"), event(.fileChanged),
            event(.stateChanged, "new"),
        ] { #expect(outbox.append(stored).isEmpty) }
        #expect(outbox.append(event(.jobInfo)) == [.stateChanged])
        #expect(outbox.append(event(.jobInfo)) == [.fileChanged])
        #expect(outbox.append(event(.accepted, answers: 2)) == [.info])
        #expect(outbox.append(event(.finished, answers: 2)) == [.stateChanged])
        #expect(kinds(outbox) == [.finished, .jobInfo, .jobInfo, .accepted, .finished])
    }

    @Test("Bytes are bounded, a single long event is kept")
    func bytes() {
        var outbox = MemoryOutbox(limits: OutboxLimits(events: 100, bytes: 1000))
        _ = outbox.append(event(.info, String(repeating: "a", count: 600)))
        let lost = outbox.append(event(.info, String(repeating: "b", count: 2000)))
        #expect(lost.count == 1 && outbox.count == 1)
    }

    @Test("Repeated answers wait once; without room no further command is taken")
    func answers() {
        var outbox = MemoryOutbox(limits: OutboxLimits(events: 4, bytes: 1 << 20))
        _ = outbox.append(event(.accepted, answers: 1))
        _ = outbox.append(event(.accepted, answers: 1))
        #expect(outbox.count == 1 && outbox.hasRoomForAnswer)
        _ = outbox.append(event(.finished, answers: 1))
        #expect(outbox.hasRoomForAnswer)
        _ = outbox.append(event(.accepted, answers: 2))
        #expect(!outbox.hasRoomForAnswer)
        _ = outbox.append(event(.finished, answers: 2))
        _ = outbox.append(event(.accepted, answers: 3))
        #expect(outbox.count == 5)
    }
}

@Suite struct ConditionsTests {
    private func after(_ observations: [ConnectionConditions.Observation], hasToken: Bool = true) -> String {
        var conditions = ConnectionConditions()
        conditions.tokenChanged(isKnown: hasToken)
        for observation in observations { conditions.observe(observation) }
        return conditions.description
    }

    @Test("What each answer proves")
    func table() {
        #expect(after([]) == "Internet unknown, HTTP unknown, Token unknown, API unknown")
        #expect(after([], hasToken: false) == "Internet unknown, HTTP unknown, Token broken, API broken")
        #expect(after([.noInternet]) == "Internet broken, HTTP broken, Token broken, API broken")
        #expect(after([.noHTTP]) == "Internet ok, HTTP broken, Token broken, API broken")
        #expect(after([.tokenRefused]) == "Internet ok, HTTP ok, Token broken, API broken")
        #expect(after([.acceptedWithToken, .refused]) == "Internet ok, HTTP ok, Token ok, API broken")
        #expect(after([.acceptedWithToken]) == "Internet ok, HTTP ok, Token ok, API ok")
        #expect(after([.acceptedWithoutToken], hasToken: false) == "Internet ok, HTTP ok, Token broken, API broken")
    }

    @Test("An outage does not make a good token bad, nor a refused one good")
    func tokenItself() {
        #expect(after([.acceptedWithToken, .noHTTP, .refused]) == "Internet ok, HTTP ok, Token ok, API broken")
        #expect(after([.tokenRefused, .noInternet, .refused]) == "Internet ok, HTTP ok, Token broken, API broken")
    }

    @Test("The outermost broken link is the one to tell about")
    func firstBroken() {
        var conditions = ConnectionConditions()
        #expect(conditions.firstBroken == nil && !conditions.isConnected)
        conditions.observe(.noHTTP)
        #expect(conditions.firstBroken == .http && conditions[.api] == .broken)
        conditions.observe(.acceptedWithToken)
        #expect(conditions.firstBroken == nil && conditions.isConnected)
    }

    @Test(
        "Which failure blames what",
        arguments: [
            (.nameNotResolved, .noInternet), (.unreachable, .noInternet), (.connectionRefused, .noHTTP),
            (.timeout, .noHTTP), (.tls, .noHTTP), (.cut, .noHTTP), (.notHTTP, .noHTTP), (.tooLong, .noHTTP),
            (.cancelled, nil),
        ] as [(TransportError.Kind, ConnectionConditions.Observation?)])
    func failures(_ kind: TransportError.Kind, _ observation: ConnectionConditions.Observation?) {
        #expect(TransportError(kind: kind, message: "").observation == observation)
    }
}

@Suite final class RegistrationTests {
    private var registration = Registration(now: .seconds(100), interval: .seconds(1))

    private func answer(
        _ status: Int, _ headers: [(String, String)] = [], at now: Duration = .seconds(100), body: String = "",
        retryAfter: Duration? = nil
    ) -> Registration.Outcome {
        let response = HTTPResponse(
            status: status, headers: headers.map { HTTPHeader($0.0, $0.1) }, body: Array(body.utf8))
        return registration.finished(.success(response), now: now, chance: 0.5, retryAfter: retryAfter)
    }

    @Test("Code, polls, token")
    func succeeds() {
        #expect(registration.request == .code && registration.nextAt == .seconds(100))
        #expect(answer(200, [("Code", "7P48QBJTSP")]) == .code("7P48QBJTSP"))
        #expect(registration.request == .poll(code: "7P48QBJTSP") && registration.nextAt == .seconds(101))
        #expect(answer(202, at: .seconds(101)) == .goOn)
        #expect(registration.nextAt == .seconds(102))
        #expect(answer(200, [("Token", "t0ken")], at: .seconds(102)) == .registered(Token("t0ken")!))
    }

    @Test("Trouble delays", arguments: [408, 425, 429, 500, 502, 503])
    func delays(_ status: Int) {
        #expect(answer(status) == .delayed("Connect answers \(status)"))
        #expect(registration.nextAt == .milliseconds(100_100))
        _ = answer(200, [("Code", "C")])
        #expect(answer(status, retryAfter: .seconds(7)) == .delayed("Connect answers \(status)"))
        #expect(registration.nextAt == .seconds(107))
        let cut = TransportError(kind: .cut, message: "cut")
        #expect(
            registration.finished(.failure(cut), now: .seconds(200), chance: 0.5, retryAfter: nil) == .delayed("cut"))
        #expect(registration.nextAt > .seconds(200))
        #expect(answer(202, at: .seconds(201)) == .goOn)
        #expect(registration.nextAt == .seconds(202))
    }

    @Test("Refusals end it", arguments: [400, 401, 403, 404, 409, 301])
    func refusals(_ status: Int) {
        let refused = Registration.Outcome.failed(.refused(status: status, message: "no such printer"))
        #expect(answer(status, body: #"{"code": "X", "message": "no such printer"}"#) == refused)
        _ = answer(200, [("Code", "C")])
        #expect(answer(status, body: "no such printer") == refused)
    }

    @Test("Answers without what they must have end it")
    func incomplete() {
        #expect(answer(200) == .failed(.invalidAnswer("header Code")))
        #expect(answer(202) == .failed(.invalidAnswer("status 202")))
        #expect(answer(200, [("Code", "a b")]) == .failed(.invalidAnswer("header Code")))
        _ = answer(200, [("Code", "C")])
        #expect(answer(200) == .failed(.invalidAnswer("header Token")))
    }

    @Test("30 minutes from the code")
    func expires() {
        _ = answer(200, [("Code", "C")], at: .seconds(500))
        #expect(!registration.isExpired(now: .seconds(500 + 1799)))
        #expect(registration.isExpired(now: .seconds(500 + 1800)))
    }

    @Test("Page for the user")
    func url() {
        let server = ConnectServer.prusa
        #expect(
            RegistrationWire.url(server: server, type: .mk3s, code: "7P48QBJTSP")
                == "https://connect.prusa3d.com/add-printer/connect/1.3.1/7P48QBJTSP")
        #expect(
            RegistrationWire.url(server: server, type: .mk3s, code: "C/D", name: "Žlutá & co", location: "Brno")
                == "https://connect.prusa3d.com/add-printer/connect/1.3.1/C%2FD?name=%C5%BDlut%C3%A1%20%26%20co&location=Brno"
        )
    }
}
