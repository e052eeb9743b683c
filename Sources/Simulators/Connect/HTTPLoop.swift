import CSerial
import Glibc

/// Loopback sockets.
enum Sockets {
    /// A listening, non-blocking socket on 127.0.0.1 and its port.
    static func listen(port: UInt16) throws(SimulatorError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw .failed("cannot make a socket", errno) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard bound == 0, Glibc.listen(descriptor, 64) == 0, setNonBlocking(descriptor) else {
            let number = errno
            close(descriptor)
            throw .failed("cannot listen on port \(port)", number)
        }
        var length = size
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    static func setNonBlocking(_ descriptor: Int32) -> Bool {
        let flags = fcntl(descriptor, F_GETFL)
        return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0
            && fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
    }
}

/// The server's thread: accepts, reads, hands requests over, sends answers when they are due.
final class HTTPLoop {
    private struct Connection {
        let descriptor: Int32
        let number: Int
        var parser: HTTPRequestParser
        var unsent: [UInt8] = []
        var sent = 0
        var sendAt: UInt64 = 0
        var bytePause: UInt64 = 0
        var closes = false
        var inputEnded = false
        var isGone = false

        var isSending: Bool { sent < unsent.count }
    }

    private let server: ConnectServer
    private let listener: Int32
    private let wake: Int32
    private var connections: [Connection] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    init(server: ConnectServer, listener: Int32, wake: Int32) {
        self.server = server
        self.listener = listener
        self.wake = wake
    }

    func run() {
        cserial_name_thread("sim-connect")
        while !server.isStopping {
            let polled = wait()
            cserial_eventfd_clear(wake)
            if polled[1].revents != 0 { accept() }
            for index in connections.indices {
                let events = index + 2 < polled.count ? Int(polled[index + 2].revents) : 0
                if !connections[index].inputEnded, events & (CSERIAL_IN | CSERIAL_HUP | CSERIAL_ERR) != 0 {
                    read(&connections[index])
                }
                serve(&connections[index])
            }
            for connection in connections where connection.isGone { close(connection.descriptor) }
            connections.removeAll { $0.isGone }
        }
        for connection in connections { close(connection.descriptor) }
        close(listener)
    }

    private func wait() -> [cserial_pollfd] {
        let now = cserial_monotonic_ns()
        var timeout: Int64 = -1
        var polled = [
            cserial_pollfd(fd: wake, events: Int16(CSERIAL_IN), revents: 0),
            cserial_pollfd(fd: listener, events: Int16(CSERIAL_IN), revents: 0),
        ]
        for connection in connections {
            var events = CSERIAL_IN
            if connection.isSending {
                // The next request waits until this answer is out.
                events = 0
                if connection.sendAt > now {
                    let wait = Int64(clamping: connection.sendAt - now)
                    timeout = timeout < 0 ? wait : min(timeout, wait)
                } else {
                    events = CSERIAL_OUT
                }
            }
            polled.append(cserial_pollfd(fd: connection.descriptor, events: Int16(events), revents: 0))
        }
        _ = cserial_poll(&polled, UInt32(polled.count), timeout)
        return polled
    }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            guard Sockets.setNonBlocking(descriptor) else {
                close(descriptor)
                continue
            }
            var yes: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            let limits = server.configuration
            connections.append(
                Connection(
                    descriptor: descriptor, number: server.noteConnection(),
                    parser: HTTPRequestParser(headLimit: limits.headLimit, bodyLimit: limits.bodyLimit)))
        }
    }

    private func read(_ connection: inout Connection) {
        while true {
            let count = recv(connection.descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                connection.parser.add(buffer[..<count])
                if count < buffer.count { return }
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                return
            } else {
                connection.inputEnded = true
                if count < 0 { connection.isGone = true }
                return
            }
        }
    }

    /// Sends what is due and handles the requests that are complete.
    private func serve(_ connection: inout Connection) {
        while !connection.isGone {
            if connection.isSending {
                send(&connection)
                if connection.isSending { return }
            }
            if connection.closes {
                // Unread bytes would turn the close into a reset that overtakes the answer.
                shutdown(connection.descriptor, Int32(SHUT_WR))
                while recv(connection.descriptor, &buffer, buffer.count, 0) > 0 {}
                connection.isGone = true
                return
            }
            switch connection.parser.next() {
            case .needsMore:
                if connection.inputEnded { connection.isGone = true }
                return
            case .wantsContinue: connection.unsent = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
            case .request(let request, let closes):
                let reaction = server.react(to: request, connection: connection.number, closes: closes)
                connection.unsent = reaction.bytes
                connection.sendAt = cserial_monotonic_ns() + reaction.delay
                connection.bytePause = reaction.bytePause
                connection.closes = reaction.closes
            case .broken(let status, let reason):
                server.noteBroken(reason)
                connection.unsent = HTTPResponse(status).encoded(closes: true)
                connection.closes = true
            }
        }
    }

    private func send(_ connection: inout Connection) {
        while connection.isSending {
            let now = cserial_monotonic_ns()
            guard connection.sendAt <= now else { return }
            let most = connection.bytePause > 0 ? 1 : connection.unsent.count - connection.sent
            let count = connection.unsent.withUnsafeBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                return Glibc.send(connection.descriptor, base + connection.sent, most, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                if errno != EAGAIN, errno != EINTR { connection.isGone = true }
                return
            }
            connection.sent += count
            if connection.bytePause > 0 { connection.sendAt = now + connection.bytePause }
        }
        connection.unsent = []
        connection.sent = 0
        connection.bytePause = 0
    }
}
