import Foundation
import Testing

@testable import PrusaConnect

/// A driver whose cameras do what a test says.
private struct FakeDriver: CameraDriver {
    let name = "FakeCam"
    var camera = FakeCamera()
    var found: [CameraConfiguration] = []

    func detect() -> [CameraConfiguration] { found }
    func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera { camera }
}

/// A driver whose camera is plugged in later.
private struct LateDriver: CameraDriver {
    let name = "Late"
    let isThere = Shared(false)

    func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera {
        guard isThere.value else { throw .device("not plugged in") }
        return FakeCamera()
    }
}

/// The camera of the recording.
private let recordedCamera: FakeCamera = {
    var camera = FakeCamera()
    camera.capabilities = [.resolution, .rotation, .exposure, .focus]
    camera.resolutions = [
        CameraResolution(width: 1280, height: 720), CameraResolution(width: 640, height: 480),
    ]
    return camera
}()

@Suite(.timeLimit(.minutes(2))) struct CameraTests {
    private let id = CameraID("SSWmuXz5nc4q")

    private func configuration() throws -> CameraConfiguration {
        var configuration = CameraConfiguration(
            id: try #require(id), name: "Fake 1", driver: "FakeCam", settings: ["path": "/dev/video9"])
        configuration.resolution = CameraResolution(width: 640, height: 480)
        return configuration
    }

    private func pictures(_ server: ScriptedServer) -> [ReceivedRequest] {
        server.requests.filter { $0.target.hasPrefix("/c/snapshot") }
    }

    private func registrations(_ server: ScriptedServer) -> [ReceivedRequest] {
        server.requests.filter { $0.target == "/p/camera" }
    }

    private func expect(_ received: ReceivedRequest, like expected: Exchange) {
        #expect(received.method == expected.method && received.headers.map(\.name) == expected.headers.map(\.name))
        for (ours, theirs) in zip(received.headers, expected.headers)
        where !IntendedDifference.freeHeaders.union(["User-Agent"]).contains(ours.name) {
            #expect(ours.value == theirs.value)
        }
        #expect(received.header("User-Agent") == "Prusa-Connect-SDK-Printer/0.8.1")
    }

    /// Capabilities and resolutions are sets.
    private func sorted(_ json: JSONValue?) -> JSONValue? {
        guard let json, let capabilities = json["capabilities"]?.array else { return json }
        let texts = capabilities.compactMap(\.string).sorted().map { JSONValue.string($0) }
        return json.with([("capabilities", .array(texts))])
    }

    @Test("Found, registered, a picture sent: as in the recording of the Python package")
    func recording() throws {
        let all = try Exchange.recording("python-0.8.1-cameras")
        let server = try ScriptedServer { request in
            request.target == "/p/camera" ? .status(200, [("Token", "<token-2>")]) : .noContent
        }
        var info = PrinterInfo()
        info.softwareVersion = "0.8.1"
        let printer = try Printer(
            type: .mk3s, serialNumber: testSerial, connection: server.settings, info: info, options: quickOptions)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let uuid = "cfed5dce-86f4-4d7c-a198-9a81b176369f"
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        try "; mine\n[printer]\ntype = MK3S\n".write(toFile: path, atomically: true, encoding: .utf8)
        let cameras = Cameras(
            printer: printer, drivers: [FakeDriver(camera: recordedCamera)], path: path, printerUUID: uuid)
        defer { cameras.stop() }
        try cameras.add(configuration())
        eventually("a picture is sent") { pictures(server).count == 1 }
        let registered = try #require(all["camera: found, registered"]?.first)
        let first = try #require(registrations(server).first)
        #expect(sorted(first.json) == sorted(registered.json))
        expect(first, like: registered)
        let sent = try #require(pictures(server).first)
        expect(sent, like: try #require(all["camera: a snapshot for another printer"]?.first))
        #expect(sent.header("Token") == "<token-2>" && sent.body == jpeg("picture"))
        #expect(sent.target == "/c/snapshot?printer_uuid=" + uuid)
        // Stored beside what was there.
        eventually("stored") {
            (try? INIFile(path: path).value(of: "token", in: "camera::SSWmuXz5nc4q")) == "<token-2>"
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasPrefix("; mine\n[printer]\ntype = MK3S\n") && text.contains("[camera_order]\n1 = SSWmuXz5nc4q"))
        // Changed: registered again, with its token.
        var changed = try #require(cameras.configurations.first)
        (changed.trigger, changed.rotation, changed.exposure) = (.tenSeconds, 90, 1.5)
        try cameras.add(changed)
        eventually("registered again") { registrations(server).count == 2 }
        let again = try #require(all["camera: registered again, with its token"]?.first)
        #expect(sorted(registrations(server)[1].json) == sorted(again.json))
    }

    @Test("A registration that failed is repeated, and says nothing about the printer's connection")
    func registrationRepeated() throws {
        let answers = Shared<[Reaction]>([.status(500), .close, .status(200), .status(200, [("Token", "new")])])
        let server = try ScriptedServer { request in
            guard request.target == "/p/camera" else { return .noContent }
            return answers.change { $0.isEmpty ? .status(409) : $0.removeFirst() }
        }
        let printer = try makePrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let cameras = Cameras(printer: printer, drivers: [FakeDriver()])
        defer { cameras.stop() }
        try cameras.add(configuration())
        eventually("registered in the end") { pictures(server).first?.header("Token") == "new" }
        #expect(registrations(server).count == 4)
        try cameras.add(configuration())
        eventually("refused") { registrations(server).count == 5 }
        let count = server.requests.count
        eventually("telemetry goes on") { server.requests.count > count + 5 }
        #expect(registrations(server).count == 5 && printer.conditions.isConnected)
    }

    @Test("A token that is refused is deleted from the file, and the camera registered anew")
    func tokenRefused() throws {
        let server = try ScriptedServer { request in
            if request.target == "/p/camera" { return .status(200, [("Token", "new")]) }
            return request.header("Token") == "old" ? .status(403, body: "token old is not valid") : .noContent
        }
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        let text = "[camera::SSWmuXz5nc4q]\nname = x\ndriver = fakecam\n; why\ntoken = old\n"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let logs = Shared<[String]>([])
        let printer = try makePrinter(server.settings) { _, line in logs.change { $0.append(line) } }
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let cameras = Cameras(printer: printer, drivers: [FakeDriver()], path: path)
        defer { cameras.stop() }
        #expect(try cameras.load().isEmpty)
        eventually("sent with the new token") { pictures(server).last?.header("Token") == "new" }
        #expect(pictures(server).map { $0.header("Token") } == ["old", "new"])
        // Only the old token was ever in the registration's way: it is not told any more.
        #expect(registrations(server).count == 1 && registrations(server).first?.json?["config"]?["token"] == nil)
        eventually("stored") {
            (try? String(contentsOfFile: path, encoding: .utf8))
                == "[camera::SSWmuXz5nc4q]\nname = x\ndriver = fakecam\ntoken = new\n; why\n"
        }
        #expect(!logs.value.contains { $0.contains("token old") })
    }

    @Test("Cameras that hang and uploads that stall hold up neither telemetry nor each other")
    func nothingWaits() throws {
        let mayGoOn = Latch()
        defer { mayGoOn.open() }
        let server = try ScriptedServer { request in
            request.target.hasPrefix("/c/snapshot") ? .hold : .noContent
        }
        let printer = try makePrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        var hanging = FakeCamera()
        hanging.take = { () throws(CameraError) in
            mayGoOn.wait()
            return jpeg("late")
        }
        let slow = Cameras(printer: printer, drivers: [FakeDriver(camera: hanging)])
        let quick = Cameras(printer: printer, drivers: [FakeDriver()])
        defer {
            slow.stop()
            quick.stop()
        }
        for (number, cameras) in [slow, quick].enumerated() {
            var configuration = try configuration()
            configuration.id = CameraID(plainID: "\(number)")
            configuration.token = Token("t")
            try cameras.add(configuration)
        }
        eventually("the quick one sends") { pictures(server).count == 1 }
        let before = server.requests.count(where: \.isTelemetry)
        eventually("telemetry goes on") { server.requests.count(where: \.isTelemetry) > before + 10 }
    }

    @Test("Layers trigger; what is no picture is not sent; one bad camera does not keep the others away")
    func layers() throws {
        let server = try ScriptedServer()
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        try """
        [camera::a]
        name = a
        driver = no such
        [camera::b]
        name = b
        driver = File
        [camera::c]
        name = c
        driver = File
        path = \(directory.file("c.jpg"))
        trigger_scheme = EACH_LAYER
        token = c
        [camera::d]
        name = d
        driver = File
        path = \(path)
        token = d
        """.write(toFile: path, atomically: true, encoding: .utf8)
        try Data(jpeg("c")).write(to: URL(fileURLWithPath: directory.file("c.jpg")))
        let logs = Shared<[String]>([])
        let printer = try makePrinter(server.settings) { _, line in logs.change { $0.append(line) } }
        let cameras = Cameras(printer: printer, path: path)
        defer { cameras.stop() }
        let problems = try cameras.load()
        #expect(problems.map(\.camera.name) == ["a", "b"])
        #expect(problems.first?.error == .unknownDriver("no such") && cameras.configurations.map(\.name) == ["c", "d"])
        eventually("the ini file is no picture") { logs.value.contains("camera d: the camera's picture is no JPEG") }
        #expect(pictures(server).isEmpty)
        cameras.layerChanged()
        eventually("sent") { pictures(server).map { $0.header("Token") } == ["c"] }
        #expect(pictures(server).first?.body == jpeg("c"))
    }

    @Test("A camera that is removed is not in use and not in the file any more; everything else in there stays")
    func removal() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        let camera = "[camera::a]\nname = a\ndriver = FakeCam\ntoken = a\n\n"
        let unusable = "[camera::b]\nname = b\ndriver = no such\n"
        let rest = ["; mine\n[printer]\ntype = MK3S\n\n", "; about c\n[camera::c]\nname=c\ndriver=FakeCam\ntoken=c\n"]
        try (rest[0] + camera + rest[1] + unusable).write(toFile: path, atomically: true, encoding: .utf8)
        let cameras = Cameras(printer: try makePrinter(nil), drivers: [FakeDriver()], path: path)
        defer { cameras.stop() }
        #expect(try cameras.load().map(\.camera.name) == ["b"])
        cameras.remove(try #require(CameraID("a")))
        #expect(cameras.configurations.map(\.name) == ["c"])
        cameras.remove(try #require(CameraID("b")))
        eventually("taken out of the file") {
            (try? String(contentsOfFile: path, encoding: .utf8)) == rest.joined()
        }
    }

    @Test("Cameras that are found and already in use, under whatever id, are not offered")
    func detection() throws {
        let printer = try makePrinter(nil)
        var driver = FakeDriver()
        var found = try configuration()
        let same = found
        found.id = CameraID(plainID: "other id, same settings")
        let new = CameraConfiguration(
            id: CameraID(plainID: "new"), name: "n", driver: "FakeCam", settings: ["path": "x"])
        driver.found = [same, found, new]
        let cameras = Cameras(printer: printer, drivers: [driver])
        defer { cameras.stop() }
        try cameras.add(same)
        #expect(cameras.detect() == [new])
    }

    @Test("A reset keeps name, token and what the driver needs, in use and in the file, and registers anew")
    func reset() throws {
        let server = try ScriptedServer()
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        try "x".write(toFile: directory.file("a.jpg"), atomically: true, encoding: .utf8)
        let start = "[camera::a]\nname = a\ndriver = File\n; mine\npath = \(directory.file("a.jpg"))\n"
        let others = "[camera::b]\nname = b\ndriver = FakeCam\nextra = kept\ntoken = b\n"
        let settings = "Extra = garbage\ntrigger_scheme = MANUAL\nrotation = 90\nfocus = 0.1\ntoken = t\n"
        try (start + settings + others).write(toFile: path, atomically: true, encoding: .utf8)
        let printer = try makePrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let cameras = Cameras(printer: printer, drivers: [ImageFileDriver(), FakeDriver()], path: path)
        defer { cameras.stop() }
        #expect(try cameras.load().isEmpty)
        let id = try #require(CameraID("a"))
        try cameras.resetSettings(of: id)
        var expected = CameraConfiguration(
            id: id, name: "a", driver: "File", settings: ["path": directory.file("a.jpg")])
        expected.token = Token("t")
        #expect(cameras.configurations.first { $0.id == id } == expected)
        eventually("stored") {
            (try? String(contentsOfFile: path, encoding: .utf8))
                == start + "trigger_scheme = THIRTY_SEC\ntoken = t\n" + others + "\n[camera_order]\n1 = a\n"
        }
        eventually("registered") { registrations(server).last?.json?["config"]?["trigger_scheme"] == "THIRTY_SEC" }
        // A driver that does not say what it needs keeps all that is its own.
        try cameras.resetSettings(of: try #require(CameraID("b")))
        #expect(cameras.configurations.last?.settings == ["extra": "kept"])
        try cameras.resetSettings(of: try #require(CameraID("nobody")))
    }

    @Test("A camera that is not there yet is told, and in use once it is there and loaded again; the others go on")
    func comesLater() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        try """
        [camera::a]
        name = a
        driver = Late
        [camera::b]
        name = b
        driver = FakeCam
        token = b
        """.write(toFile: path, atomically: true, encoding: .utf8)
        let server = try ScriptedServer { request in
            request.target == "/p/camera" ? .status(200, [("Token", "a")]) : .noContent
        }
        let printer = try makePrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let late = LateDriver()
        let cameras = Cameras(printer: printer, drivers: [late, FakeDriver()], path: path)
        defer { cameras.stop() }
        let problems = try cameras.load()
        #expect(problems.map(\.camera.name) == ["a"] && problems.first?.error == .device("not plugged in"))
        #expect(cameras.configurations.map(\.name) == ["b"])
        late.isThere.change { $0 = true }
        #expect(try cameras.load().isEmpty)
        #expect(Set(cameras.configurations.map(\.name)) == ["a", "b"])
        eventually("both send") { Set(pictures(server).map { $0.header("Token") }) == ["a", "b"] }
    }

    @Test("Settings that a camera does not have are kept and passed over: it takes its pictures")
    func unknownSettings() throws {
        let server = try ScriptedServer { request in
            request.target == "/p/camera" ? .status(200, [("Token", "t")]) : .noContent
        }
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        let section = "[camera::SSWmuXz5nc4q]\nname = x\ndriver = FakeCam\nrotation = 90\nfocus = 0.5\nextra = mine\n"
        try section.write(toFile: path, atomically: true, encoding: .utf8)
        let printer = try makePrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        var camera = FakeCamera()
        camera.capabilities = []
        let cameras = Cameras(printer: printer, drivers: [FakeDriver(camera: camera)], path: path)
        defer { cameras.stop() }
        #expect(try cameras.load().isEmpty)
        eventually("a picture is sent") { pictures(server).count >= 1 }
        // What it can do is what it is registered with.
        let told = registrations(server).first?.json
        #expect(told?["capabilities"]?.array?.contains("rotation") == false)
        eventually("stored") {
            (try? String(contentsOfFile: path, encoding: .utf8)) == section + "token = t\n"
        }
    }

    @Test("Two cameras with the same settings are both in use")
    func sameSettings() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("printer.ini")
        let sections = ["a", "b"].map { name in
            "[camera::\(name)]\nname = \(name)\ndriver = FakeCam\npath = /dev/video9\ntoken = \(name)\n"
        }
        try sections.joined().write(toFile: path, atomically: true, encoding: .utf8)
        let server = try ScriptedServer()
        let cameras = Cameras(printer: try makePrinter(server.settings), drivers: [FakeDriver()], path: path)
        defer { cameras.stop() }
        #expect(try cameras.load().isEmpty && cameras.configurations.map(\.name) == ["a", "b"])
        eventually("both send") { Set(pictures(server).map { $0.header("Token") }) == ["a", "b"] }
    }

    @Test("Cameras that are let go end their thread")
    func letGo() throws {
        let printer = try makePrinter(nil)
        weak var gone: Cameras?
        do {
            let cameras = Cameras(printer: printer, drivers: [FakeDriver()])
            gone = cameras
            try cameras.add(configuration())
        }
        eventually("gone") { gone == nil }
    }
}
