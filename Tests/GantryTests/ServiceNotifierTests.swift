import Glibc
import Testing

@testable import Gantry

@Suite struct ServiceNotifierTests {
    /// A datagram socket as systemd has one.
    private func listen(at path: String, isAbstract: Bool) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(descriptor >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = (isAbstract ? [0] : []) + Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (isAbstract ? 0 : 1))
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(bound == 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    private func receive(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }

    @Test(arguments: [true, false]) func messagesReachTheSocket(_ isAbstract: Bool) throws {
        let folder = try TemporaryDirectory()
        let path = isAbstract ? "gantry-notify-\(getpid())" : folder.file("notify")
        let systemd = try listen(at: path, isAbstract: isAbstract)
        defer { close(systemd) }
        let notifier = ServiceNotifier(
            socket: (isAbstract ? "@" : "") + path, watchdogMicroseconds: "30000000", watchdogProcess: "\(getpid())")
        #expect(notifier.watchdogPause == 15)
        notifier.ready()
        #expect(receive(systemd) == "READY=1")
        notifier.alive()
        #expect(receive(systemd) == "WATCHDOG=1")
        notifier.status("printing\nREADY=0")
        #expect(receive(systemd) == "STATUS=printing")
        notifier.stopping()
        #expect(receive(systemd) == "STOPPING=1")
    }

    @Test func theWatchdogOfAnotherProcessIsNotOurs() {
        let notifier = ServiceNotifier(socket: "/x", watchdogMicroseconds: "1000", watchdogProcess: "1")
        #expect(notifier.watchdogPause == nil)
        #expect(ServiceNotifier(socket: nil, watchdogMicroseconds: "1000", watchdogProcess: nil).watchdogPause == nil)
        #expect(ServiceNotifier(socket: "/x", watchdogMicroseconds: "0", watchdogProcess: nil).watchdogPause == nil)
        ServiceNotifier(socket: "/nobody/listens", watchdogMicroseconds: nil, watchdogProcess: nil).ready()
    }
}
