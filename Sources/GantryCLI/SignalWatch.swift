import Glibc

/// Turns SIGINT and SIGTERM into calls on a thread of its own, where anything may be done.
enum SignalWatch {
    /// Begins to watch. Call before any other thread is started: they inherit that the signals are blocked.
    static func begin(_ handler: @escaping @Sendable (Int32) -> Void) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        final class Box {
            let handler: @Sendable (Int32) -> Void
            init(_ handler: @escaping @Sendable (Int32) -> Void) { self.handler = handler }
        }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(handler)).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let box = Unmanaged<Box>.fromOpaque(context).takeRetainedValue()
                var signals = sigset_t()
                sigemptyset(&signals)
                sigaddset(&signals, SIGINT)
                sigaddset(&signals, SIGTERM)
                var number: Int32 = 0
                while sigwait(&signals, &number) == 0 { box.handler(number) }
                return nil
            }, box)
        // Without the thread the signals must keep their own meaning.
        if result != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) } else { pthread_detach(thread) }
    }
}
