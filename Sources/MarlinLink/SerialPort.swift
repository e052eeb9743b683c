import CSerial
import GCodeStream

#if canImport(Glibc)
    import Glibc
#endif

/// An open serial port, exclusively ours. Closed when it goes out of life.
struct SerialPort: ~Copyable {
    let descriptor: Int32
    let path: String

    /// Opens `path` raw, 8N1, at `baud`, without waiting for anything.
    init(path: String, baud: UInt32) throws(LinkError) {
        let descriptor = cserial_open(path)
        guard descriptor >= 0 else { throw Self.openError(-descriptor, path: path) }
        let configured = cserial_configure(descriptor, baud)
        guard configured >= 0 else {
            cserial_close(descriptor)
            if configured == -EINVAL { throw .baudRefused(path: path, baud: baud) }
            throw .portFailed(path: path, errno: -configured)
        }
        // Only some drivers have it; where it is missing the latency is the driver's.
        _ = cserial_set_low_latency(descriptor)
        _ = cserial_discard(descriptor)
        self.descriptor = descriptor
        self.path = path
    }

    deinit { cserial_close(descriptor) }

    /// What an errno of opening means.
    static func openError(_ code: Int32, path: String) -> LinkError {
        switch code {
        case ENOENT, ENXIO, ENODEV: .portMissing(path: path)
        case EBUSY: .portBusy(path: path)
        case EACCES, EPERM: .portForbidden(path: path)
        case ENOTTY, EISDIR: .notATerminal(path: path)
        default: .portFailed(path: path, errno: code)
        }
    }

    /// Pulls DTR down for 250 ms: boards with an Arduino-style bootloader restart. False when the port has no such line.
    func pulseReset() -> Bool {
        guard cserial_set_dtr(descriptor, 0) >= 0 else { return false }
        usleep(250_000)
        return cserial_set_dtr(descriptor, 1) >= 0
    }
}
