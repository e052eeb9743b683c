import Glibc

/// Turns SIGINT, SIGTERM and SIGHUP (a terminal or SSH session that went away) into calls on a thread of its own, where
/// anything may be done.
enum SignalWatch {
    private final class Watcher {
        let handler: @Sendable (Int32) -> Void
        init(_ handler: @escaping @Sendable (Int32) -> Void) { self.handler = handler }

        func run() {
            var signals = sigset_t()
            SignalWatch.fill(&signals)
            var number: Int32 = 0
            while sigwait(&signals, &number) == 0 { handler(number) }
        }
    }

    /// Begins to watch. Call before any other thread is started: they inherit that the signals are blocked.
    static func begin(_ handler: @escaping @Sendable (Int32) -> Void) {
        var signals = sigset_t()
        fill(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        let watcher = Unmanaged.passRetained(Watcher(handler)).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Watcher>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, watcher)
        // Without the thread the signals must keep their own meaning.
        if result != 0 { pthread_sigmask(SIG_UNBLOCK, &signals, nil) } else { pthread_detach(thread) }
    }

    private static func fill(_ signals: inout sigset_t) {
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        // nohup(1) has it ignored, and so it stays.
        var hangUp = sigaction()
        if sigaction(SIGHUP, nil, &hangUp) == 0, !isIgnored(hangUp) { sigaddset(&signals, SIGHUP) }
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        // SIG_IGN is the function pointer 1, which Swift cannot compare.
        withUnsafeBytes(of: action.__sigaction_handler) { $0.load(as: UInt.self) == 1 }
    }
}
