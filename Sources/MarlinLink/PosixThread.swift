import CSerial

#if canImport(Glibc)
    import Glibc
#endif

/// A named POSIX thread. Swift's own concurrency shares its threads; the wire needs one that nobody shares.
struct PosixThread: ~Copyable {
    private final class Box {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let handle: pthread_t

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
        self.handle = handle
    }

    /// Lets it end alone.
    consuming func detach() { pthread_detach(handle) }

    /// Waits for its end.
    consuming func join() { pthread_join(handle, nil) }
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
