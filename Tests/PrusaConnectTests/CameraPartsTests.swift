import Foundation
import Testing

@testable import PrusaConnect

// The parts of cameras that need neither network nor devices.

@Suite struct BLAKE2bTests {
    private func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

    @Test("The example of RFC 7693, appendix A")
    func example() {
        let expected =
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        #expect(hex(BLAKE2b.hash(Array("abc".utf8), length: 64)) == expected)
    }

    @Test(
        "Other lengths of message and hash, as Python's hashlib has them for 0, 1, … 250, 0, 1, …",
        arguments: [
            (
                0,
                "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce"
            ),
            (3, "06e25c1724bfc3bda4"),
            (127, "535975c8d8c5dd9ed14a9204757b06783dd7b1fb"),
            (128, "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1"),
            (129, "c58a72e1958cc15e54"),
            (
                256,
                "93463ac058b6163eb43be3f5bb32b28541498f4e3366f1effe253ad44e1e076e41c3616046027c82a7124f8f4746668ad10b12e8e25a95ac8f3151df01cd5a93"
            ),
            (1000, "f0a7a4bb3c3290f432e513caa227ab3bf933c4c8c167193dff1cb10a0b992f042f5679e477f00c551e2cf2bec8101f1e"),
        ])
    func others(_ count: Int, _ expected: String) {
        let message = (0..<count).map { UInt8($0 % 251) }
        #expect(hex(BLAKE2b.hash(message, length: expected.count / 2)) == expected)
    }
}

@Suite struct CameraModelTests {
    @Test("Ids and fingerprints; ids of names beyond Latin-1")
    func ids() throws {
        #expect(CameraID(plainID: "/dev/video9").description == "z1MgHrm5YQ9S")
        #expect(CameraID(plainID: "Kamera č. 1").description == "h13kTBY2rEsL")
        let id = try #require(CameraID("SSWmuXz5nc4q"))
        #expect(
            id.fingerprint.description == "99639490e0a7e718a06f62ddbc22d4e553121e374e65bd00d6025549991b9cca")
        for text in ["", "a b", "a]b", "č", String(repeating: "x", count: 65)] { #expect(CameraID(text) == nil) }
    }

    @Test("Sizes", arguments: ["", "x", "640", "640x", "0x480", "640x-1", "640x480x1", "640 x480", "99999x1"])
    func sizes(_ bad: String) {
        #expect(CameraResolution(bad) == nil)
        #expect(CameraResolution("1280x720") == CameraResolution(width: 1280, height: 720))
    }

    private let text = """
        ; mine
        [printer]
        type = MK3S

        [camera::B]
        name = Second
        driver = File
        Path = /tmp/b.jpg   
        ; why not
        resolution = 640x480

        [camera::A]
        name = First
        driver = V4L2
        path = /dev/video0
        trigger_scheme = EACH_LAYER
        rotation = 90
        exposure = -0.5
        focus = 0.25
        token = secret

        [camera::C]
        name = Third
        driver = Command
        command = cat '/tmp/c d.jpg'

        [camera_order]
        10 = B
        2 = A

        """

    @Test("The ini file: order by number, keys of the driver, defaults")
    func reading() throws {
        let cameras = try CameraConfiguration.all(in: INIFile(text: text, path: "x.ini"))
        #expect(cameras.map(\.name) == ["First", "Second", "Third"])
        let first = cameras[0]
        #expect(first.trigger == .eachLayer && first.rotation == 90 && first.exposure == -0.5 && first.focus == 0.25)
        #expect(first.token?.value == "secret" && first.resolution == nil && first.settings == ["path": "/dev/video0"])
        #expect(cameras[1].resolution == CameraResolution(width: 640, height: 480))
        #expect(cameras[1].trigger == .thirtySeconds && cameras[1].token == nil)
        #expect(cameras[2].settings == ["command": "cat '/tmp/c d.jpg'"])
    }

    @Test("Writing keeps what others wrote, a deleted token stays deleted")
    func writing() throws {
        var file = try INIFile(text: text, path: "x.ini")
        var cameras = try CameraConfiguration.all(in: file)
        for camera in cameras.prefix(2) { try camera.store(in: &file) }
        #expect(file.text == text.replacingOccurrences(of: "640x480\n", with: "640x480\ntrigger_scheme = THIRTY_SEC\n"))
        cameras[0].token = nil
        try cameras[0].storeToken(in: &file)
        #expect(!file.text.contains("token"))
        var new = CameraConfiguration(
            id: CameraID(plainID: "x"), name: "New", driver: "File", settings: ["path": "/x.jpg"])
        new.token = Token("t")
        try new.store(in: &file)
        #expect(file.value(of: "11", in: "camera_order") == new.id.description)
        #expect(try CameraConfiguration.all(in: file).last { $0.id == new.id } == new)
    }

    @Test("A camera that is taken out leaves nothing of itself, and everything else as it was")
    func removing() throws {
        var file = try INIFile(text: text, path: "x.ini")
        let id = try #require(CameraID("B"))
        CameraConfiguration.remove(id, from: &file)
        let start = try #require(text.range(of: "[camera::B]"))
        let end = try #require(text.range(of: "[camera::A]"))
        let rest = text[..<start.lowerBound] + text[end.lowerBound...]
        #expect(file.text == rest.replacingOccurrences(of: "10 = B\n", with: ""))
        #expect(try CameraConfiguration.all(in: file).map(\.name) == ["First", "Third"])
        let before = file.text
        CameraConfiguration.remove(id, from: &file)
        #expect(file.text == before)
    }

    @Test(
        "Values that cannot be read are told with their line",
        arguments: [
            ("rotation = 45", 4), ("exposure = 3", 4), ("focus = x", 4), ("resolution = big", 4),
            ("trigger_scheme = NOW", 4), ("token = a b", 4),
        ])
    func errors(_ line: String, _ number: Int) throws {
        let file = try INIFile(text: "[camera::A]\nname = a\ndriver = File\n\(line)\n", path: "x.ini")
        #expect { try CameraConfiguration.all(in: file) } throws: { error in
            (error as? INIError)?.line == number && !"\(error)".contains("a b")
        }
        let nameless = try INIFile(text: "[camera::A]\ndriver = File\n", path: "x.ini")
        #expect(throws: INIError.self) { try CameraConfiguration.all(in: nameless) }
    }

    @Test("Triggers by time: at once, then with their interval, whatever the wall clock does")
    func time() {
        var schedule = CameraSchedule(.tenSeconds, now: .seconds(100))
        var fired: [Int] = []
        for second in 100..<135 where schedule.fire(now: .seconds(second)) { fired.append(second) }
        #expect(fired == [100, 110, 120, 130])
    }

    @Test("Triggers by layer and by people: not more than one picture in ten seconds, none lost")
    func layers() {
        var schedule = CameraSchedule(.fifthLayer, now: .zero)
        var fired: [Int] = []
        for second in 0..<30 {
            schedule.layerChanged(now: .seconds(second))
            if schedule.fire(now: .seconds(second)) { fired.append(second) }
        }
        #expect(fired == [4, 14, 24])
        var manual = CameraSchedule(.manual, now: .zero)
        manual.layerChanged(now: .zero)
        #expect(manual.nextAt == nil)
        manual.ask(now: .seconds(3))
        #expect(manual.nextAt == .seconds(3))
    }
}

/// A camera that does what a test says.
struct FakeCamera: Camera {
    var capabilities: Set<CameraCapability> = []
    var resolutions: [CameraResolution] = []
    var take: @Sendable () throws(CameraError) -> [UInt8] = { () throws(CameraError) in jpeg("picture") }

    func takePicture(_ configuration: CameraConfiguration) throws(CameraError) -> [UInt8] { try take() }
}

/// What passes for a JPEG.
func jpeg(_ text: String) -> [UInt8] { [0xFF, 0xD8, 0xFF, 0xE0] + Array(text.utf8) }

@Suite struct CameraSetTests {
    private let token = Token("t")

    private func camera(_ name: String, token: Token? = Token("t")) -> CameraSet.Entry {
        var configuration = CameraConfiguration(id: CameraID(plainID: name), name: name, driver: "Fake", settings: [:])
        configuration.token = token
        return CameraSet.Entry(
            configuration: configuration, camera: FakeCamera(), worker: SerialWorker(name: "unused"),
            schedule: CameraSchedule(.tenSeconds, now: .zero))
    }

    private func picture(_ id: CameraID) -> CameraPicture {
        CameraPicture(camera: id, bytes: [], timestamp: Timestamp(tenths: 0))
    }

    private func answer(_ status: Int, _ headers: [HTTPHeader] = []) -> TransportResult {
        .success(HTTPResponse(status: status, headers: headers))
    }

    @Test("A busy camera skips its turn, a silent one is told once")
    func busy() {
        var set = CameraSet()
        let a = camera("a")
        set.add(a)
        let first = set.due(now: .zero)
        let second = set.due(now: .seconds(10))
        #expect(first.map(\.id) == [a.id] && second.isEmpty)
        let silent = [20, 21, 22].map { set.silent(now: .seconds($0)).count }
        #expect(silent == [0, 1, 0])
        set.taken(a.id, nil)
        let third = set.due(now: .seconds(30))
        #expect(third.count == 1)
    }

    @Test("Only the newest picture is kept, and those of cameras without a token wait for it")
    func newest() throws {
        var set = CameraSet()
        let a = camera("a", token: nil)
        set.add(a)
        set.taken(a.id, picture(a.id))
        set.taken(a.id, picture(a.id))
        #expect(set.upload(now: .zero) == nil)
        set.change(a.id) { $0.configuration.token = Token("t") }
        let (upload, token) = try #require(set.upload(now: .zero))
        #expect(upload.number == 2)
        // A newer one comes while this is on its way: it stays.
        set.taken(a.id, picture(a.id))
        let outcome = set.uploaded(upload, token: token, answer(204), now: .zero, wall: .zero, chance: 0)
        #expect(outcome == .sent && set.upload(now: .zero)?.picture.number == 3)
    }

    @Test("What answers to a picture mean")
    func answers() throws {
        let cases: [(TransportResult, CameraSet.Outcome, Duration?, Bool)] = [
            (answer(200), .sent, nil, true), (answer(204), .sent, nil, true),
            (answer(413), .givenUp("413"), nil, true), (answer(404), .givenUp("404"), nil, true),
            (answer(429, [HTTPHeader("Retry-After", "30")]), .delayed("429"), .seconds(30), true),
            (answer(500), .delayed("500"), .milliseconds(100), true),
            (.failure(TransportError(kind: .cut, message: "cut")), .delayed("cut"), .milliseconds(100), true),
            (answer(401), .tokenRefused, nil, false), (answer(403), .tokenRefused, nil, false),
        ]
        for (result, expected, retry, keepsToken) in cases {
            var set = CameraSet()
            let a = camera("a")
            set.add(a)
            set.taken(a.id, picture(a.id))
            let (upload, token) = try #require(set.upload(now: .zero))
            let outcome = set.uploaded(upload, token: token, result, now: .zero, wall: .zero, chance: 0)
            #expect(outcome == expected)
            #expect((set.entry(a.id)?.configuration.token != nil) == keepsToken)
            #expect(set.upload(now: .zero) == nil)
            if let retry { #expect(set.upload(now: retry) != nil && set.nextDeadline(isUploading: false) == .zero) }
        }
    }
}
