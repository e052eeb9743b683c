import Glibc
import Synchronization

/// A flag that a thread can wait for, with a deadline on the monotonic clock.
// @unchecked: both pointers are set once; what they point to is made for use by several threads, and `isSet` is
// touched only with the mutex held.
final class Latch: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var isSet = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Lets every waiting thread go on, now and later.
    func open() {
        pthread_mutex_lock(mutex)
        isSet = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Makes the next ``wait(until:)`` wait again.
    func close() {
        pthread_mutex_lock(mutex)
        isSet = false
        pthread_mutex_unlock(mutex)
    }

    /// Waits until the latch is open or the monotonic clock reached `deadline` (`nil`: for ever). True when open.
    @discardableResult
    func wait(until deadline: Duration? = nil) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isSet {
            guard let deadline else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            let (seconds, attoseconds) = deadline.components
            var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
        }
        return isSet
    }
}

/// Starts a detached thread that runs `body`. `name` has at most 15 bytes and is what `ps -T` shows.
/// Returns the error of pthread_create, 0 when the thread runs.
func startThread(name: String, _ body: @escaping @Sendable () -> Void) -> Int32 {
    final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let start = Unmanaged.passRetained(Start(name, body))
    var thread = pthread_t()
    let error = pthread_create(
        &thread, &attributes,
        { context in
            guard let context else { return nil }
            let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
            nameThread(start.name)
            start.body()
            return nil
        }, start.toOpaque())
    if error != 0 { start.release() }
    return error
}

/// Names the calling thread. pthread_setname_np is hidden from Swift, the kernel's file is not.
private func nameThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    // A thread without name works just as well.
    _ = write(file, name, name.utf8.count)
    close(file)
}

/// Runs jobs one after another on a thread of its own, which is started by the first job and ends by ``finish()``.
final class SerialWorker: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isRunning = false
        var isFinished = false
    }

    private let name: String
    private let state = Mutex(State())
    private let wake = Latch()

    init(name: String) { self.name = name }

    /// Appends a job; it is dropped after ``finish()``. False when no thread could be started.
    @discardableResult
    func run(_ job: @escaping @Sendable () -> Void) -> Bool {
        let mustStart = state.withLock { state in
            guard !state.isFinished else { return false }
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart, startThread(name: name, { [self] in loop() }) != 0 {
            state.withLock { state in
                state.isRunning = false
                state.jobs.removeAll()
            }
            return false
        }
        wake.open()
        return true
    }

    /// Lets the thread end after the job that runs now; jobs that wait are dropped.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            state.jobs.removeAll()
        }
        wake.open()
    }

    private func loop() {
        while true {
            wake.close()
            let (job, isFinished) = state.withLock { state in
                (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isFinished)
            }
            if let job {
                job()
            } else if isFinished {
                return
            } else {
                wake.wait()
            }
        }
    }
}
