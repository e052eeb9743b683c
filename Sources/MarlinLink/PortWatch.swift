import CSerial

#if canImport(Glibc)
    import Glibc
#endif

/// Waits for a port and a wake-up. Belongs to one thread.
struct PortWatch: ~Copyable {
    /// What woke the thread.
    struct News: OptionSet {
        let rawValue: Int32
        /// The port has bytes, or takes some, or is gone.
        static let port = News(rawValue: Int32(CSERIAL_WATCH_PORT))
        /// Somebody gave the wake-up.
        static let wake = News(rawValue: Int32(CSERIAL_WATCH_WAKE))
    }

    private let descriptor: Int32
    private let port: Int32
    private var watchesOutput = false

    /// The longest wait, in nanoseconds.
    private static let limit: UInt64 = 1_000_000_000

    /// Nil when the process has no descriptors left.
    init?(port: Int32, wake: borrowing WakeSignal) {
        let descriptor = cserial_watch(port, wake.descriptor)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.port = port
    }

    deinit { close(descriptor) }

    /// Waits for news or until so many nanoseconds are over, a second at most. No news is a reason to look at the port as well:
    /// nothing may hang on a driver that tells everything.
    mutating func wait(for nanoseconds: UInt64, wantsOutput: Bool) -> News {
        if wantsOutput != watchesOutput {
            watchesOutput = wantsOutput
            _ = cserial_watch_output(descriptor, port, wantsOutput ? 1 : 0)
        }
        return News(rawValue: cserial_watch_wait(descriptor, min(nanoseconds, Self.limit)))
    }
}
