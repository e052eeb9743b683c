import CV4L2
import Foundation
import Glibc
import Testing

@testable import PrusaConnect

private func configuration(_ driver: String, _ settings: [String: String]) -> CameraConfiguration {
    CameraConfiguration(id: CameraID(plainID: "x"), name: "x", driver: driver, settings: settings)
}

@Suite(.timeLimit(.minutes(2))) struct FileCameraTests {
    @Test("An image file, also one that comes later; no pipes, no folders, nothing too large")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("a.jpg")
        let settings = configuration("File", ["path": path])
        let camera = try ImageFileDriver().open(settings)
        #expect(throws: CameraError.system(FileError(operation: "open", path: path, code: ENOENT))) {
            try camera.takePicture(settings)
        }
        let picture = jpeg(String(repeating: "x", count: 100_000))
        try Data(picture).write(to: URL(fileURLWithPath: path))
        #expect(try camera.takePicture(settings) == picture)
        truncate(path, off_t(Picture.longest + 1))
        #expect(throws: CameraError.tooLarge) { try camera.takePicture(settings) }
        mkfifo(directory.file("pipe"), 0o600)
        for other in ["pipe", "."] {
            let settings = configuration("File", ["path": directory.file(other)])
            #expect(throws: CameraError.self) { try ImageFileDriver().open(settings).takePicture(settings) }
        }
        #expect(throws: CameraError.self) { try ImageFileDriver().open(configuration("File", [:])) }
    }
}

@Suite(.timeLimit(.minutes(2))) struct CommandCameraTests {
    private func run(_ words: [String], timeout: Duration = .seconds(20)) throws(CameraError) -> [UInt8] {
        try CommandCamera(words: words, timeout: timeout).takePicture(configuration("Command", [:]))
    }

    @Test(
        "Words of a command",
        arguments: [
            ("", []), ("a", ["a"]), (" a  b\tc ", ["a", "b", "c"]),
            ("'a b' \"c 'd'\" e'f g'h ''", ["a b", "c 'd'", "ef gh", ""]),
            ("a 'b", nil), ("$HOME ; ls `x`", ["$HOME", ";", "ls", "`x`"]),
        ] as [(String, [String]?)])
    func words(_ text: String, _ expected: [String]?) { #expect(CommandDriver.words(text) == expected) }

    @Test("Its output is the picture; it reads nothing and may say what it likes")
    func output() throws {
        let directory = try TemporaryDirectory()
        let picture = jpeg(String(repeating: "x", count: 300_000))
        try Data(picture).write(to: URL(fileURLWithPath: directory.file("a b.jpg")))
        let settings = configuration("Command", ["command": "cat '\(directory.file("a b.jpg"))' -", "timeout": "20"])
        #expect(try CommandDriver().open(settings).takePicture(settings) == picture)
        #expect(try run(["sh", "-c", "echo trouble >&2; cat; echo out"]) == Array("out\n".utf8))
    }

    @Test("What can go wrong has a name")
    func trouble() throws {
        #expect(throws: CameraError.command(status: 3)) { try run(["sh", "-c", "exit 3"]) }
        #expect(throws: CameraError.command(status: 128 + SIGTERM)) { try run(["sh", "-c", "kill -TERM $$"]) }
        #expect(throws: CameraError.system(FileError(operation: "start", path: "no-such-program", code: ENOENT))) {
            try run(["no-such-program"])
        }
        #expect(throws: CameraError.tooLarge) { try run(["cat", "/dev/zero"]) }
        #expect(throws: CameraError.timeout) { try run(["sleep", "1000"], timeout: .milliseconds(50)) }
        for settings in [[:], ["command": ""], ["command": "'"], ["command": "a", "timeout": "0"]] {
            #expect(throws: CameraError.self) { try CommandDriver().open(configuration("Command", settings)) }
        }
    }

    @Test("Nothing of it is left: not the command, not what it has started")
    func killsAll() throws {
        let directory = try TemporaryDirectory()
        let pids = directory.file("pids")
        let script = "echo $$ >> '\(pids)'; sleep 1000 & echo $! >> '\(pids)'; wait"
        #expect(throws: CameraError.timeout) { try run(["sh", "-c", script], timeout: .milliseconds(200)) }
        // It closes its output and stays.
        let closing = "echo x; echo $$ >> '\(pids)'; exec >&-; sleep 1000"
        #expect(throws: CameraError.command(status: 128 + SIGKILL)) { try run(["sh", "-c", closing]) }
        let text = (try? String(contentsOfFile: pids, encoding: .utf8)) ?? ""
        for pid in text.split(separator: "\n").compactMap({ pid_t($0) }) {
            eventually("\(pid) is gone") {
                let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                // A zombie of another parent is gone as well.
                return stat.map { $0.contains(") Z ") } ?? true
            }
        }
        #expect(text.split(separator: "\n").count >= 1)
    }
}

/// A camera that the kernel might have, behind the calls of CV4L2.
private final class FakeKernel: @unchecked Sendable {
    // @unchecked: one test at a time uses it, see the suite.
    nonisolated(unsafe) static var now = FakeKernel()

    var capabilities = UInt32(V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING)
    var formats = [fourcc("YUYV"), fourcc("MJPG")]
    var sizes = [(640, 480), (1920, 1080), (1280, 720)]
    var isStepwise = false
    /// Frames in the order in which they come; `nil` is a broken one.
    var frames: [[UInt8]?] = []
    var failing: (request: UInt, code: Int32)?
    var setFormat: UInt32?
    var bufferCount: UInt32 = 4
    var bufferLength = 4096
    var lieAboutLength = false

    private(set) var openCount = 0
    private(set) var mapped: [UnsafeMutableRawPointer: Int] = [:]
    private(set) var isStreaming = false
    private(set) var size = (0, 0)
    private var queued: [UInt32] = []
    private var buffers: [UnsafeMutableRawPointer] = []

    static func fourcc(_ text: String) -> UInt32 {
        text.utf8.reversed().reduce(UInt32(0)) { code, byte in code << 8 | UInt32(byte) }
    }

    static let calls = V4L2Calls(
        table: cv4l2_calls(
            open: { path in
                guard let path, String(cString: path) == "/dev/fake" else { return -ENOENT }
                now.openCount += 1
                return 1000
            },
            close: { _ in
                now.openCount -= 1
                return 0
            },
            ioctl: { now.ioctl($1, $2) },
            wait: { _, _ in now.frames.isEmpty || now.queued.isEmpty ? 0 : 1 },
            map: { _, length, _ in
                let memory = UnsafeMutableRawPointer.allocate(byteCount: length, alignment: 16)
                now.mapped[memory] = length
                now.buffers.append(memory)
                return memory
            },
            unmap: { memory, length in
                guard let memory, now.mapped.removeValue(forKey: memory) == length else { return -EINVAL }
                memory.deallocate()
                return 0
            }))

    private func ioctl(_ request: UInt, _ argument: UnsafeMutableRawPointer?) -> Int32 {
        guard let argument else { return -EFAULT }
        if let failing, failing.request == request { return -failing.code }
        switch request {
        case UInt(CV4L2_QUERYCAP.rawValue):
            argument.assumingMemoryBound(to: v4l2_capability.self).pointee.capabilities = capabilities
            withUnsafeMutableBytes(of: &argument.assumingMemoryBound(to: v4l2_capability.self).pointee.card) {
                $0.copyBytes(from: Array("Fake Cam".utf8))
            }
        case UInt(CV4L2_ENUM_FMT.rawValue):
            let format = argument.assumingMemoryBound(to: v4l2_fmtdesc.self)
            guard format.pointee.index < formats.count else { return -EINVAL }
            format.pointee.pixelformat = formats[Int(format.pointee.index)]
        case UInt(CV4L2_ENUM_FRAMESIZES.rawValue):
            return frameSize(argument.assumingMemoryBound(to: v4l2_frmsizeenum.self))
        case UInt(CV4L2_S_FMT.rawValue):
            let format = argument.assumingMemoryBound(to: v4l2_format.self)
            if let setFormat { format.pointee.fmt.pix.pixelformat = setFormat }
            size = (Int(format.pointee.fmt.pix.width), Int(format.pointee.fmt.pix.height))
        case UInt(CV4L2_REQBUFS.rawValue):
            let wanted = argument.assumingMemoryBound(to: v4l2_requestbuffers.self)
            if wanted.pointee.count == 0 {
                queued = []
                buffers = []
            } else {
                wanted.pointee.count = bufferCount
            }
        case UInt(CV4L2_QUERYBUF.rawValue):
            argument.assumingMemoryBound(to: v4l2_buffer.self).pointee.length = UInt32(bufferLength)
        case UInt(CV4L2_QBUF.rawValue): queued.append(argument.assumingMemoryBound(to: v4l2_buffer.self).pointee.index)
        case UInt(CV4L2_DQBUF.rawValue): return dequeue(argument.assumingMemoryBound(to: v4l2_buffer.self))
        case UInt(CV4L2_STREAMON.rawValue): isStreaming = true
        case UInt(CV4L2_STREAMOFF.rawValue): isStreaming = false
        default: return -ENOTTY
        }
        return 0
    }

    private func frameSize(_ size: UnsafeMutablePointer<v4l2_frmsizeenum>) -> Int32 {
        let index = Int(size.pointee.index)
        guard index < sizes.count else { return -EINVAL }
        if isStepwise {
            size.pointee.type = V4L2_FRMSIZE_TYPE_STEPWISE.rawValue
            size.pointee.stepwise.max_width = UInt32(sizes[0].0)
            size.pointee.stepwise.max_height = UInt32(sizes[0].1)
        } else {
            size.pointee.type = V4L2_FRMSIZE_TYPE_DISCRETE.rawValue
            size.pointee.discrete = v4l2_frmsize_discrete(width: UInt32(sizes[index].0), height: UInt32(sizes[index].1))
        }
        return 0
    }

    private func dequeue(_ buffer: UnsafeMutablePointer<v4l2_buffer>) -> Int32 {
        guard isStreaming, !queued.isEmpty, !frames.isEmpty else { return -EAGAIN }
        let index = queued.removeFirst()
        buffer.pointee.index = index
        if let frame = frames.removeFirst() {
            buffers[Int(index)].copyMemory(from: frame, byteCount: frame.count)
            buffer.pointee.bytesused = UInt32(lieAboutLength ? bufferLength + 1 : frame.count)
        } else {
            buffer.pointee.flags = UInt32(V4L2_BUF_FLAG_ERROR)
        }
        return 0
    }
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
