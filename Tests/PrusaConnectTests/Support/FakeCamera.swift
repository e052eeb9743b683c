import CV4L2
import Glibc

@testable import PrusaConnect

/// A control that a camera might have.
struct FakeControl {
    var range: ClosedRange<Int32>
    var step: Int32 = 1
    var standard: Int32 = 0
    var flags: UInt32 = 0
    var menu: [Int32: Int64] = [:]
}

/// A camera that the kernel might have, behind the calls of CV4L2.
final class FakeKernel: @unchecked Sendable {
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
    var controls: [UInt32: FakeControl] = [:]
    /// Controls in the order in which they were set.
    var set: [(id: UInt32, value: Int32)] = []

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
        case UInt(CV4L2_QUERYCTRL.rawValue): return query(argument.assumingMemoryBound(to: v4l2_queryctrl.self))
        case UInt(CV4L2_QUERYMENU.rawValue): return query(argument.assumingMemoryBound(to: v4l2_querymenu.self))
        case UInt(CV4L2_S_CTRL.rawValue):
            let control = argument.assumingMemoryBound(to: v4l2_control.self).pointee
            guard let range = controls[control.id]?.range, range.contains(control.value) else { return -EINVAL }
            set.append((control.id, control.value))
        default: return -ENOTTY
        }
        return 0
    }

    private func query(_ query: UnsafeMutablePointer<v4l2_queryctrl>) -> Int32 {
        guard let control = controls[query.pointee.id] else { return -EINVAL }
        query.pointee.minimum = control.range.lowerBound
        query.pointee.maximum = control.range.upperBound
        query.pointee.step = control.step
        query.pointee.default_value = control.standard
        query.pointee.flags = control.flags
        let isNumbers = control.menu.values.contains { $0 != 0 }
        query.pointee.type = (isNumbers ? V4L2_CTRL_TYPE_INTEGER_MENU : V4L2_CTRL_TYPE_MENU).rawValue
        return 0
    }

    private func query(_ query: UnsafeMutablePointer<v4l2_querymenu>) -> Int32 {
        guard let menu = controls[query.pointee.id]?.menu, let number = menu[Int32(query.pointee.index)] else {
            return -EINVAL
        }
        // Of a menu of texts: the beginning of one.
        query.pointee.value = menu.values.contains { $0 != 0 } ? number : 0x7478_6554
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
