import CSerial
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A named POSIX thread. Swift's own concurrency shares its threads; the wire needs one that nobody shares. It ends
/// alone when nobody joins it.
final class PosixThread: Sendable {
    private final class Box {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Nil once it was joined.
    private let handle: Mutex<pthread_t?>

    /// Starts a thread; nil when the system has no more.
    init?(name: String, body: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let box = Unmanaged.passRetained(Box(name: name, body: body))
        let result = pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                let box = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                cserial_name_thread(box.name)
                box.body()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            return nil
        }
        self.handle = Mutex(handle)
    }

    deinit {
        if let handle = handle.withLock({ $0 }) { pthread_detach(handle) }
    }

    /// Waits for its end; any thread but itself.
    func join() {
        handle.withLock { handle in
            if let thread = handle.take() { pthread_join(thread, nil) }
        }
    }
}

/// An eventfd: lets one thread wake another out of its poll.
final class WakeSignal: Sendable {
    let descriptor: Int32

    /// Nil when the process has no descriptors left.
    init?() {
        descriptor = cserial_eventfd()
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func signal() { _ = cserial_eventfd_signal(descriptor) }
    func clear() { _ = cserial_eventfd_clear(descriptor) }

    /// Waits until it is signalled or `nanoseconds` passed (negative: for ever), then clears it.
    func wait(nanoseconds: Int64 = -1) {
        var item = cserial_pollfd(fd: descriptor, events: Int16(CSERIAL_IN), revents: 0)
        _ = cserial_poll(&item, 1, nanoseconds)
        clear()
    }
}
