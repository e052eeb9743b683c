import Glibc

/// A queue between threads whose taking side can wait.
package final class Mailbox<Message: Sendable>: @unchecked Sendable {
    // Sendable: everything is touched under `mutex` only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let filled: UnsafeMutablePointer<pthread_cond_t>
    private var messages: [Message] = []

    package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        filled = .allocate(capacity: 1)
        filled.initialize(to: pthread_cond_t())
        // The monotonic clock: a wait does not end early or late because somebody set the time.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(filled, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(filled)
        filled.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Adds a message; never waits for the taking side.
    package func post(_ message: Message) {
        pthread_mutex_lock(mutex)
        messages.append(message)
        pthread_cond_signal(filled)
        pthread_mutex_unlock(mutex)
    }

    /// Takes all messages, waiting for the first until `deadline`; empty when none came.
    package func take(until deadline: MonotonicTime) -> [Message] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var limit = deadline.timespec
        while messages.isEmpty {
            if pthread_cond_timedwait(filled, mutex, &limit) == ETIMEDOUT { break }
        }
        let taken = messages
        messages = []
        return taken
    }
}
