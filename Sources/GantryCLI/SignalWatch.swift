import Gantry
import Glibc

/// Turns SIGINT, SIGTERM and SIGHUP into calls on a thread of its own, where anything may be done.
///
/// SIGHUP too: when the terminal goes away in mid-print, the printer must not stay hot. Not under `nohup`, which ignores
/// it on purpose.
enum SignalWatch {
    /// Begins to watch. Call before any other thread is started: they inherit that the signals are blocked.
    static func begin(_ handler: @escaping @Sendable (Int32) -> Void) {
        var signals = watched()
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let started = startThread {
            var signals = watched()
            var number: Int32 = 0
            while sigwait(&signals, &number) == 0 { handler(number) }
        }
        // Without the thread the signals must keep their own meaning.
        if !started { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    }

    private static func watched() -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        if !isIgnored(SIGHUP) { sigaddset(&signals, SIGHUP) }
        return signals
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        // Functions cannot be compared; SIG_IGN is the address 1.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
    }
}
