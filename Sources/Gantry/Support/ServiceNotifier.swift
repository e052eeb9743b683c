import Glibc
import Synchronization

/// Tells systemd how the daemon is (sd_notify(3), the protocol itself: datagrams to the socket in NOTIFY_SOCKET).
/// Without systemd it does nothing.
public struct ServiceNotifier: Sendable {
    private let path: String?
    /// Seconds between two signs of life: half of what systemd waits for; nil when it does not watch.
    public let watchdogPause: Double?

    /// Reads what systemd put into the environment.
    public init() {
        self.init(
            socket: getenv("NOTIFY_SOCKET").map { String(cString: $0) },
            watchdogMicroseconds: getenv("WATCHDOG_USEC").map { String(cString: $0) },
            watchdogProcess: getenv("WATCHDOG_PID").map { String(cString: $0) })
    }

    init(socket: String?, watchdogMicroseconds: String?, watchdogProcess: String?) {
        path = socket.flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isOurs = watchdogProcess.map { Int32($0) == getpid() } ?? true
        let seconds = watchdogMicroseconds.flatMap(Double.init).map { $0 / 2e6 }
        watchdogPause = isOurs && path != nil ? seconds.flatMap { $0 > 0 ? $0 : nil } : nil
    }

    /// The daemon works.
    public func ready() { send("READY=1") }
    /// The daemon ends by itself.
    public func stopping() { send("STOPPING=1") }
    /// A sign of life.
    public func alive() { send("WATCHDOG=1") }
    /// One line for `systemctl status`.
    public func status(_ text: String) { send("STATUS=" + text.prefix { $0 != "\n" }) }

    private func send(_ message: String) {
        guard let path else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An abstract address begins with a zero byte and is as long as it is.
        let isAbstract = name[0] == UInt8(ascii: "@")
        if isAbstract { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, socklen_t(length))
            }
        }
    }
}

/// Gives signs of life as often as systemd wants them, not more.
final class Watchdog: Sendable {
    private let notifier: ServiceNotifier
    private let next = Mutex(MonotonicTime(nanoseconds: 0))

    init(_ notifier: ServiceNotifier) { self.notifier = notifier }

    /// Called several times in systemd's interval.
    func tick() {
        guard let pause = notifier.watchdogPause else { return }
        let isDue = next.withLock { next in
            guard MonotonicTime.now >= next else { return false }
            next = .now + pause
            return true
        }
        if isDue { notifier.alive() }
    }
}
