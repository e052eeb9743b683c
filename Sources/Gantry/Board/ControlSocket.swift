import BoardIO
import Glibc
import Synchronization

/// Where the command line reaches the running daemon: a Unix socket, one line of order, the answer until the end.
/// Whoever may open the socket may switch the printer: it belongs to the daemon's user and group.
public final class ControlSocket: Sendable {
    private let path: String
    private let board: Board
    private let machine: Machine
    private let listener = Mutex<Int32>(-1)

    init(path: String, board: Board, machine: Machine) {
        self.path = path
        self.board = board
        self.machine = machine
    }

    /// Listens; what keeps it from that, and what to do.
    func start() -> String? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return problem("make", errno) }
        guard removeStale() else {
            close(descriptor)
            return problem("take", EADDRINUSE)
        }
        // What the systemd unit would have made (RuntimeDirectory); where it may not, `bind` says so.
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { mkdir(String(path[..<slash]), 0o755) }
        let bound = Self.withAddress(path) { bind(descriptor, $0, $1) }
        guard bound == 0, chmod(path, 0o660) == 0, listen(descriptor, 4) == 0 else {
            let code = bound == -2 ? ENAMETOOLONG : errno
            close(descriptor)
            return problem("make", code)
        }
        listener.withLock { $0 = descriptor }
        guard startThread({ [self] in serve(descriptor) }) else { return problem("serve", EAGAIN) }
        return nil
    }

    /// Stops listening. A second call does nothing.
    func stop() {
        let descriptor = listener.withLock { listener in
            defer { listener = -1 }
            return listener
        }
        guard descriptor >= 0 else { return }
        unlink(path)
        // Wakes the thread out of accept; it closes.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Takes away the socket of a daemon that was killed; anything else stays. False when a daemon listens there.
    private func removeStale() -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return true }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        if Self.withAddress(path, { connect(descriptor, $0, $1) }) == 0 { return false }
        unlink(path)
        return true
    }

    private func problem(_ verb: String, _ code: Int32) -> String {
        "Cannot \(verb) the control socket \(path) (error \(code)): `gantry power`, `storage`, `resume` and `answer` will not work. "
            + "Set socket in [control] to a place that the daemon may write to."
    }

    private func serve(_ listener: Int32) {
        defer { close(listener) }
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            // On a thread of its own: an order may take as long as a bed takes to warm up.
            if !startThread({ [self] in talk(to: client) }) { close(client) }
        }
    }

    private func talk(to client: Int32) {
        defer { close(client) }
        // Who connects and says nothing does not keep the thread for long.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let answer = Self.readLine(client).map(answer(to:)) ?? "no order"
        _ = (answer + "\n").withCString { send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }

    private func answer(to order: String) -> String {
        let words = order.split(separator: " ", maxSplits: 2).map(String.init)
        switch (words.first, words.dropFirst().first, words.dropFirst(2).first) {
        case ("power", "on", nil): return board.power(.on)
        case ("power", "off", let force): return board.power(.off(force: force == "force"))
        case ("power", "cycle", let force): return board.power(.cycle(force: force == "force"))
        case ("power", "status", nil): return board.power(.status)
        case ("storage", "list", nil):
            let list = board.storages.map { "\($0.name)\t\($0.path)\t\($0.isReadOnly ? "read-only" : "writable")" }
            return list.isEmpty ? "no sticks" : list.joined(separator: "\n")
        case ("storage", "eject", let name?):
            return board.eject(name).map { "refused: \($0)" } ?? "\(name) may be pulled"
        case ("resume", nil, nil): return recover(.takeUp)
        case ("resume", "recover", nil): return recover(.recover)
        case ("resume", "discard", nil): return recover(.discard)
        case ("answer", let number, nil): return reply(number.map { Int($0) ?? 0 })
        default: return "refused: unknown order"
        }
    }

    private func recover(_ order: RecoveryOrder) -> String {
        do throws(MachineError) { return try machine.obey(order) } catch { return "refused: \(error)" }
    }

    private func reply(_ number: Int?) -> String {
        do throws(MachineError) { return try machine.answer(number) } catch { return "refused: \(error)" }
    }

    private static func readLine(_ descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while bytes.count < 4096 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
        }
        return nil
    }

    /// Calls `body` with the address of a path; -2 when the path is longer than an address.
    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room, !bytes.contains(0) else { return -2 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

extension ControlSocket {
    /// Gives the running daemon an order and returns its answer; nil when nobody listens at `path`.
    public static func ask(_ order: String, at path: String) -> String? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard withAddress(path, { connect(descriptor, $0, $1) }) == 0 else { return nil }
        let line = order + "\n"
        guard line.withCString({ send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }) > 0 else { return nil }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
