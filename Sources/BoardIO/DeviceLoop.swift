import Glibc

/// What the devices' thread does.
struct DeviceLoop: ~Copyable {
    let lines: [LineWatch]
    let monitor: UdevMonitor
    let wake: WakePipe
    let onEvent: @Sendable (BoardDevices.Event) -> Void
    let keeper: StickKeeper?

    init(
        lines: [LineWatch], monitor: consuming UdevMonitor, wake: WakePipe,
        onEvent: @escaping @Sendable (BoardDevices.Event) -> Void, keeper: StickKeeper?
    ) {
        self.lines = lines
        self.monitor = monitor
        self.wake = wake
        self.onEvent = onEvent
        self.keeper = keeper
    }

    /// Polls and tells until `isStopping`.
    func run(until isStopping: () -> Bool) {
        // Readable as a file always, but an exceptional condition after each change (proc(5)).
        let mounts = keeper == nil ? -1 : open(MountTable.path, O_RDONLY | O_CLOEXEC)
        defer { if mounts >= 0 { close(mounts) } }
        while !isStopping() {
            var now = MonotonicClock.nanoseconds
            for line in lines { line.advance(to: now).forEach(onEvent) }
            var items = [
                pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0),
                pollfd(fd: monitor.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: mounts, events: Int16(POLLPRI), revents: 0),
            ]
            let held = lines.filter { $0.descriptor != nil }
            items += held.map { pollfd(fd: $0.descriptor ?? -1, events: Int16(POLLIN), revents: 0) }
            let ready = poll(&items, nfds_t(items.count), timeout(now))
            if ready < 0, errno != EINTR { _ = sleep(1) }
            guard ready > 0 else { continue }
            now = MonotonicClock.nanoseconds
            // Lines first: a run-out is what hurries most.
            for (line, item) in zip(held, items[3...]) where item.revents != 0 {
                line.readEdges(now: now).forEach(onEvent)
            }
            if items[0].revents != 0 { wake.clear() }
            if items[1].revents != 0 { takeNews() }
            if items[2].revents & Int16(POLLPRI | POLLERR) != 0 { keeper?.mountsChanged() }
        }
    }

    /// Milliseconds until a line wants to be called, rounded up; -1 when none does.
    private func timeout(_ now: UInt64) -> Int32 {
        guard let next = lines.compactMap(\.deadline).min() else { return -1 }
        guard next > now else { return 0 }
        return Int32(clamping: (next - now + 999_999) / 1_000_000)
    }

    private func takeNews() {
        var lost = false
        var chipsChanged = false
        while true {
            errno = 0
            let isTaken = monitor.next { action, device in
                switch device.subsystem {
                case "block": takeDisk(action, device)
                case "gpio": chipsChanged = true
                default: takePort(action, device)
                }
            }
            if isTaken { continue }
            // The socket overflowed: whatever came or went must be looked up.
            if errno == ENOBUFS {
                lost = true
                continue
            }
            break
        }
        if lost { keeper?.rescan() }
        guard lost || chipsChanged else { return }
        for line in lines { line.chipsChanged(now: MonotonicClock.nanoseconds).forEach(onEvent) }
    }

    private func takeDisk(_ action: String, _ device: borrowing UdevDevice) {
        guard let keeper, let node = device.node else { return }
        if action != "remove", let volume = USBFileSystem(device) {
            keeper.appeared(volume)
        } else {
            keeper.vanished(node: node)
        }
    }

    private func takePort(_ action: String, _ device: borrowing UdevDevice) {
        guard let node = device.node else { return }
        switch action {
        case "remove":
            onEvent(
                .serialPort(SerialPort(node: node, links: device.links, driver: nil, usb: nil), isAttached: false))
        case "add":
            if let port = SerialPort(device) { onEvent(.serialPort(port, isAttached: true)) }
        default: break
        }
    }
}
