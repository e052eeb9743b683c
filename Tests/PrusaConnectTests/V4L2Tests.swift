import CV4L2
import Glibc
import Testing

@testable import PrusaConnect

private func configuration(_ driver: String, _ settings: [String: String]) -> CameraConfiguration {
    CameraConfiguration(id: CameraID(plainID: "x"), name: "x", driver: driver, settings: settings)
}

@Suite(.timeLimit(.minutes(2)), .serialized) struct V4L2Tests {
    private let driver = V4L2Driver(calls: FakeKernel.calls)
    private let settings = configuration("V4L2", ["path": "/dev/fake"])

    /// A JPEG with Huffman tables of its own, so that nothing is added.
    private func frame(_ number: Int) -> [UInt8] { [0xFF, 0xD8, 0xFF, 0xC4, 0, 2, UInt8(number)] }

    private func frames(_ numbers: Range<Int>) -> [[UInt8]?] { numbers.map { frame($0) } }

    private func expectTidy(_ kernel: FakeKernel) {
        #expect(kernel.openCount == 0 && kernel.mapped.isEmpty && !kernel.isStreaming)
    }

    @Test("A picture in the largest size, after the first ten, broken ones not counted; everything is given back")
    func picture() throws {
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        kernel.frames = [nil, []]
        kernel.frames += frames(0..<5)
        kernel.frames.append(nil)
        kernel.frames += frames(5..<20)
        let camera = try driver.open(settings)
        #expect(camera.capabilities == [.resolution])
        #expect(camera.resolutions.map(\.description) == ["640x480", "1920x1080", "1280x720"])
        #expect(try camera.takePicture(settings) == frame(10))
        #expect(kernel.size == (1920, 1080))
        expectTidy(kernel)
        // Once more, in another size; the device was given free between.
        kernel.frames = frames(0..<11)
        var other = settings
        other.resolution = CameraResolution(width: 640, height: 480)
        #expect(try camera.takePicture(other) == frame(10))
        #expect(kernel.size == (640, 480))
        expectTidy(kernel)
    }

    @Test("Ranges of sizes, JPEG instead of MJPEG, no choice of sizes")
    func variants() throws {
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        kernel.isStepwise = true
        kernel.formats = [FakeKernel.fourcc("JPEG")]
        #expect(try driver.open(settings).resolutions.map(\.description) == ["640x480"])
        kernel.sizes = []
        let camera = try driver.open(settings)
        #expect(camera.capabilities.isEmpty && camera.resolutions.isEmpty)
        kernel.frames = frames(0..<11)
        #expect(try camera.takePicture(settings) == frame(10) && kernel.size == (1280, 720))
        expectTidy(kernel)
    }

    /// As those of a Logitech C920.
    private func webCamera() -> [UInt32: FakeControl] {
        [
            CV4L2_EXPOSURE_AUTO.rawValue: FakeControl(range: 0...3, standard: 3, menu: [1: 0, 3: 0]),
            CV4L2_EXPOSURE_ABSOLUTE.rawValue: FakeControl(
                range: 3...2047, standard: 250, flags: UInt32(V4L2_CTRL_FLAG_INACTIVE)),
            CV4L2_FOCUS_AUTO.rawValue: FakeControl(range: 0...1, standard: 1),
            CV4L2_FOCUS_ABSOLUTE.rawValue: FakeControl(range: 0...250, step: 5),
        ]
    }

    /// What is set for a picture, as `name=value`.
    private func settings(
        _ controls: [UInt32: FakeControl], rotation: Int? = nil, exposure: Double? = nil, focus: Double? = nil
    ) throws -> [String] {
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        kernel.controls = controls
        kernel.frames = frames(0..<11)
        var wanted = settings
        (wanted.rotation, wanted.exposure, wanted.focus) = (rotation, exposure, focus)
        #expect(try driver.open(wanted).takePicture(wanted) == frame(10))
        expectTidy(kernel)
        let names: [cv4l2_control_id: String] = [
            CV4L2_ROTATE: "rotate", CV4L2_EXPOSURE_AUTO: "mode", CV4L2_EXPOSURE_ABSOLUTE: "time",
            CV4L2_AUTO_EXPOSURE_BIAS: "bias", CV4L2_FOCUS_AUTO: "autofocus", CV4L2_FOCUS_ABSOLUTE: "focus",
        ]
        return kernel.set.map { "\(names[cv4l2_control_id($0.id)] ?? "?")=\($0.value)" }
    }

    @Test("Exposure and focus of a web camera: manual before the value, nearest step, automatic again at 0 EV")
    func controlsOfAWebCamera() throws {
        #expect(try settings(webCamera()) == [])
        #expect(try settings(webCamera(), rotation: 180, exposure: 1) == ["mode=1", "time=500"])
        #expect(try settings(webCamera(), exposure: -1.5) == ["mode=1", "time=88"])
        #expect(try settings(webCamera(), exposure: 0) == ["mode=3"])
        // Near is 0 for Connect, and large for V4L2.
        #expect(try settings(webCamera(), focus: 0) == ["autofocus=0", "focus=250"])
        #expect(try settings(webCamera(), focus: 1) == ["autofocus=0", "focus=0"])
        #expect(
            try settings(webCamera(), exposure: 2, focus: 0.3) == ["mode=1", "time=1000", "autofocus=0", "focus=175"])
        #expect(try driver.open(settings).capabilities == [.resolution, .exposure, .focus])
    }

    @Test("Rotation and a bias, as a Raspberry Pi's camera has them")
    func controlsOfAPiCamera() throws {
        let bias = Dictionary(uniqueKeysWithValues: (Int32(0)...24).map { ($0, Int64($0 - 12) * 333) })
        let controls: [UInt32: FakeControl] = [
            CV4L2_ROTATE.rawValue: FakeControl(range: 0...360, step: 90),
            CV4L2_EXPOSURE_AUTO.rawValue: FakeControl(range: 0...3, menu: [0: 0, 1: 0]),
            CV4L2_EXPOSURE_ABSOLUTE.rawValue: FakeControl(range: 1...10_000, standard: 1000),
            CV4L2_AUTO_EXPOSURE_BIAS.rawValue: FakeControl(range: 0...24, standard: 12, menu: bias),
        ]
        #expect(try settings(controls, rotation: 270, exposure: 0.7) == ["rotate=270", "mode=0", "bias=14"])
        #expect(try settings(controls, rotation: 0, exposure: 0, focus: 0.5) == ["rotate=0", "mode=0", "bias=12"])
        #expect(try driver.open(settings).capabilities == [.resolution, .rotation, .exposure])
    }

    @Test("Controls that are not there, may not be set or fail do not keep a picture from being taken")
    func withoutControls() throws {
        #expect(try settings([:], rotation: 90, exposure: 1, focus: 0.5) == [])
        var locked = webCamera()
        for id in locked.keys { locked[id]?.flags = UInt32(V4L2_CTRL_FLAG_READ_ONLY) }
        #expect(try settings(locked, rotation: 90, exposure: 1, focus: 0.5) == [])
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        for code in [EBUSY, EIO, ENOTTY, ERANGE] {
            for request in [CV4L2_S_CTRL, CV4L2_QUERYCTRL, CV4L2_QUERYMENU] {
                kernel.controls = webCamera()
                kernel.frames = frames(0..<11)
                kernel.failing = (UInt(request.rawValue), code)
                var wanted = settings
                (wanted.rotation, wanted.exposure, wanted.focus) = (90, 1, 0.5)
                #expect(try driver.open(wanted).takePicture(wanted) == frame(10))
            }
        }
        expectTidy(kernel)
    }

    @Test("Values next to what is wanted, within the range and on a step; ranges that make no sense")
    func ranges() {
        let range = V4L2Range(minimum: -10, maximum: 11, step: 5, standard: 3)
        let cases: [(Double, Int32)] = [(-100, -10), (-8, -10), (-7, -5), (0, 0), (9, 10), (11, 10), (1e30, 10)]
        for (wanted, value) in cases { #expect(range.nearest(to: wanted) == value, "\(wanted)") }
        #expect(V4L2Range(minimum: 5, maximum: 1, standard: 3).nearest(to: 2) == 3)
        #expect(V4L2Range(minimum: 0, maximum: 9, step: 0).nearest(to: 4.4) == 4)
        #expect(V4L2Range(minimum: .min, maximum: .max, step: .max).nearest(to: 1e300) <= .max)
        #expect(V4L2Range(minimum: .min, maximum: .max).focus(0) == .max)
    }

    @Test("What is no camera, or none for us")
    func refused() throws {
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        kernel.capabilities = UInt32(V4L2_CAP_VIDEO_OUTPUT)
        #expect(throws: CameraError.device("/dev/fake is no camera")) { try driver.open(settings) }
        kernel.capabilities = UInt32(V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING)
        kernel.formats = [FakeKernel.fourcc("YUYV")]
        #expect(throws: CameraError.device("/dev/fake: the camera gives no MJPEG")) { try driver.open(settings) }
        kernel.failing = (UInt(CV4L2_QUERYCAP.rawValue), EIO)
        #expect(throws: CameraError.system(FileError(operation: "open", path: "/dev/fake", code: EIO))) {
            try driver.open(settings)
        }
        #expect(throws: CameraError.setting("path", expected: "a device such as /dev/video0")) {
            try driver.open(configuration("V4L2", [:]))
        }
        expectTidy(kernel)
    }

    @Test("Every call that fails ends the picture with its error and leaves nothing behind")
    func failures() throws {
        let requests = [
            CV4L2_S_FMT, CV4L2_REQBUFS, CV4L2_QUERYBUF, CV4L2_QBUF, CV4L2_STREAMON, CV4L2_DQBUF,
        ]
        for request in requests {
            let kernel = FakeKernel()
            FakeKernel.now = kernel
            kernel.frames = frames(0..<11)
            let camera = try driver.open(settings)
            kernel.failing = (UInt(request.rawValue), EBUSY)
            let error = CameraError.system(
                FileError(operation: "take a picture with", path: "/dev/fake", code: EBUSY))
            #expect(throws: error) { try camera.takePicture(settings) }
            expectTidy(kernel)
        }
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        let camera = try driver.open(settings)
        kernel.setFormat = FakeKernel.fourcc("YUYV")
        #expect(throws: CameraError.device("/dev/fake: the camera gives no MJPEG")) {
            try camera.takePicture(settings)
        }
        kernel.setFormat = nil
        kernel.bufferCount = 0
        #expect(throws: CameraError.self) { try camera.takePicture(settings) }
        // More buffers than asked for, and a length that cannot be.
        kernel.bufferCount = 32
        kernel.frames = frames(0..<11)
        #expect(try camera.takePicture(settings) == frame(10))
        kernel.lieAboutLength = true
        kernel.frames = frames(0..<11)
        #expect(throws: CameraError.system(FileError(operation: "take a picture with", path: "/dev/fake", code: EIO))) {
            try camera.takePicture(settings)
        }
        expectTidy(kernel)
    }

    @Test("Without pictures there is an end")
    func silence() throws {
        let kernel = FakeKernel()
        FakeKernel.now = kernel
        var calls = FakeKernel.calls.table
        var picture: UInt8 = 0
        let file = cv4l2_open(&calls, "/dev/fake")
        #expect(cv4l2_take(&calls, file, FakeKernel.fourcc("MJPG"), 1, 1, 0, 20, &picture, 1) == -Int64(ETIMEDOUT))
        kernel.frames = [[1, 2]]
        #expect(cv4l2_take(&calls, file, FakeKernel.fourcc("MJPG"), 1, 1, 0, 20_000, &picture, 1) == -Int64(EMSGSIZE))
        _ = cv4l2_close(&calls, file)
        expectTidy(kernel)
    }

    @Test("The real calls: files that are no cameras, nothing at all, and looking for cameras")
    func real() throws {
        for path in ["/dev/null", "/no/such/device", "/etc/passwd"] {
            #expect(throws: CameraError.self) { try V4L2Driver().open(configuration("V4L2", ["path": path])) }
        }
        #expect(throws: CameraError.device("/dev/null is no camera")) {
            try V4L2Driver().open(configuration("V4L2", ["path": "/dev/null"]))
        }
        // However many there are on this machine: each has a path and an id of its own.
        let found = V4L2Driver().detect()
        #expect(Set(found.map(\.id)).count == found.count && found.allSatisfy { $0.settings["path"] != nil })
    }

    @Test("Huffman tables are added where they are missing, and only there")
    func huffman() {
        let start: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2]
        let scan: [UInt8] = [0xFF, 0xDA, 0, 2, 9, 9]
        let whole = MJPEG.withHuffmanTables(start + scan)
        #expect(whole.starts(with: start) && whole.suffix(scan.count) == scan[...])
        let segment = whole.dropFirst(start.count).dropLast(scan.count)
        #expect(segment.count == 420 && segment.starts(with: [0xFF, 0xC4, 0x01, 0xA2, 0x00]))
        let others: [[UInt8]] = [
            whole, [], [0xFF, 0xD8], start, [1, 2, 3], [0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0xFF, 0xDA, 0, 2],
            [0xFF, 0xD8, 0xFF, 0xE0, 0xFF, 0xFF],
        ]
        for frame in others { #expect(MJPEG.withHuffmanTables(frame) == frame) }
    }
}
