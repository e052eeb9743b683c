import Testing

@testable import PrusaConnect

@Suite struct RegistrationPlannerTests {
    @Test("Runs without start, keeps the old token away, ends with the new one and an INFO")
    func registers() throws {
        let rig = CoreRig()
        rig.core.isStarted = false
        rig.core.info.firmware = "3.14.0"
        let reports = Shared<[RegistrationProgress]>([])
        rig.core.startRegistration(name: nil, location: nil, now: rig.now) { report in
            reports.change { $0.append(report) }
        }
        let ask = try #require(rig.next())
        #expect(ask.text.hasPrefix(#"register {"sn": "CZPX4720X004XC34242", "fingerprint": "3a600e"#))
        #expect(ask.text.hasSuffix(#""printer_type": "1.3.1", "firmware": "3.14.0"}"#))
        #expect(ask.header("Token") == nil && ask.request.method == .post)
        rig.answer(ask, 200, [("Code", "7P48QBJTSP")])
        #expect(rig.pause() == .seconds(1))
        rig.now += .seconds(1)
        let poll = try #require(rig.next())
        #expect(poll.request.method == .get && poll.header("Code") == "7P48QBJTSP" && poll.request.body == nil)
        #expect(poll.header("Content-Type") == nil && poll.header("Content-Length") == nil)
        rig.answer(poll, 200, [("Token", "fresh-token")])
        #expect(rig.core.settings?.token == Token("fresh-token") && rig.infoRequests == 1)
        #expect(
            reports.value == [
                .code(
                    RegistrationCode(
                        code: "7P48QBJTSP", url: "https://connect.prusa3d.com/add-printer/connect/1.3.1/7P48QBJTSP")),
                .registered(Token("fresh-token")!),
            ])
        guard case .stop = rig.core.nextAction(now: rig.now, wall: rig.wall) else {
            Issue.record("the thread goes on")
            return
        }
    }

    @Test("What is not known is left out of the registration")
    func unknown() throws {
        let rig = CoreRig()
        rig.core.isStarted = false
        rig.core.startRegistration(name: nil, location: nil, now: rig.now) { _ in }
        #expect(try #require(rig.next()).text.hasSuffix(#""printer_type": "1.3.1"}"#))
    }

    @Test("A late answer to a replaced registration is not taken for the new one's")
    func replaced() throws {
        let rig = CoreRig()
        rig.core.isStarted = false
        rig.core.startRegistration(name: nil, location: nil, now: rig.now) { _ in }
        let old = try #require(rig.next())
        rig.core.startRegistration(name: nil, location: nil, now: rig.now) { _ in }
        #expect(rig.core.waitDuring(old, now: rig.now, wall: rig.wall) == .giveUp)
        rig.answer(old, 200, [("Code", "OLD")])
        #expect(rig.core.registration?.request == .code)
    }

    @Test("Telemetry goes on beside a registration, and polling survives trouble until the code is old")
    func survives() throws {
        let rig = CoreRig()
        let reports = Shared<[RegistrationProgress]>([])
        rig.core.startRegistration(name: nil, location: nil, now: rig.now) { report in
            reports.change { $0.append(report) }
        }
        var polls = 0
        var telemetry = 0
        while rig.core.registration != nil, rig.now < .seconds(5000) {
            if let outgoing = rig.next() {
                switch (outgoing.request.target, outgoing.request.method) {
                case (Wire.registerPath, .post): rig.answer(outgoing, 200, [("Code", "C")])
                case (Wire.registerPath, _):
                    polls += 1
                    polls % 3 == 0 ? rig.fail(outgoing, .cut) : rig.answer(outgoing, polls % 3 == 1 ? 202 : 503)
                default:
                    telemetry += 1
                    // The token that there is goes on being used.
                    #expect(outgoing.header("Token") == testToken)
                    rig.answer(outgoing, 204)
                }
            } else if let pause = rig.pause() {
                rig.now += pause
            }
        }
        #expect(reports.value.last == .failed(.expired))
        #expect(polls > 500 && telemetry > 1000)
        #expect(rig.now - .seconds(1000) >= .seconds(1800) && rig.now - .seconds(1000) < .seconds(1802))
    }
}
