import CSerial

/// The master side of a pseudo-terminal with what is on its way in and out.
struct TerminalBuffers {
    private var master: Int32 = -1
    /// Which of the simulator's terminals this is.
    private(set) var number = 0
    private var received = [UInt8](repeating: 0, count: 1 << 16)
    private var unsent: [UInt8] = []
    private var sent = 0

    /// A host that does not read loses what is beyond this, as on a real serial port.
    private static let mostUnsent = 1 << 20

    /// A shorter read means that the kernel had no more.
    private static let wholeRead = 2048

    var hasUnsent: Bool { sent < unsent.count }

    mutating func reset(to newMaster: Int32, number newNumber: Int) {
        master = newMaster
        number = newNumber
        discardUnsent()
    }

    mutating func discardUnsent() {
        unsent.removeAll(keepingCapacity: true)
        sent = 0
    }

    /// Whether somebody has the other side open.
    func hasHost() -> Bool {
        var polled = cserial_pollfd(fd: master, events: Int16(CSERIAL_IN), revents: 0)
        _ = cserial_poll(&polled, 1, 0)
        // A host that wrote and closed at once still counts until its bytes are read.
        return polled.revents & Int16(CSERIAL_HUP) == 0 || polled.revents & Int16(CSERIAL_IN) != 0
    }

    /// Hands the host's bytes to the printer and the printer's to the host.
    mutating func exchange(with printer: inout MarlinPrinter, hasHost: Bool) {
        while true {
            let count = hasHost ? cserial_read(master, &received, received.count) : 0
            let now = cserial_monotonic_ns()
            if count > 0 {
                printer.receive(received[..<count], at: now)
            }
            printer.takeOutput(at: now, into: &unsent)
            guard hasHost else {
                discardUnsent()
                return
            }
            write()
            if count <= 0 || count < Self.wholeRead { return }
        }
    }

    private mutating func write() {
        while sent < unsent.count {
            let written = unsent.withUnsafeBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                return cserial_write(master, base + sent, unsent.count - sent)
            }
            guard written > 0 else { break }
            sent += written
        }
        if sent == unsent.count {
            discardUnsent()
        } else if unsent.count - sent > Self.mostUnsent {
            discardUnsent()
        }
    }
}
