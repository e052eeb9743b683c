import Glibc
import Synchronization

/// The thread that mounts and unmounts: a stick that takes its time keeps nobody else waiting.
final class StickKeeper: Sendable {
    private enum Order: Sendable {
        case appeared(USBFileSystem)
        case vanished(node: String)
        case mountsChanged
        case rescan
        case eject(String, @Sendable (StickError?) -> Void)
        case stop
    }

    private struct Queue: Sendable {
        var orders: [Order] = []
        var list: [Stick] = []
        var isClosed = false
    }

    private let queue = Mutex(Queue())
    private let wake: WakePipe
    private let settings: StickSettings
    private let onEvent: @Sendable (StickEvent) -> Void
    private let thread = Mutex<BoardThread?>(nil)

    /// Nil when the process has no descriptors left. `onEvent` is called on the keeper's thread.
    init?(_ settings: StickSettings, onEvent: @escaping @Sendable (StickEvent) -> Void) {
        guard let wake = WakePipe() else { return nil }
        self.wake = wake
        self.settings = settings
        self.onEvent = onEvent
    }

    /// Begins; false when the system has no more threads.
    func start() -> Bool {
        let started = BoardThread { [self] in run() }
        thread.withLock { $0 = started }
        return started != nil
    }

    /// Unmounts what is ours and ends. Waits for at most the medium's time.
    func stop() {
        post(.stop)
        let running = thread.withLock { $0.take() }
        running?.join()
    }

    /// The sticks that can be read now.
    var list: [Stick] { queue.withLock { $0.list } }

    func appeared(_ volume: USBFileSystem) { post(.appeared(volume)) }
    func vanished(node: String) { post(.vanished(node: node)) }
    func mountsChanged() { post(.mountsChanged) }
    /// Compares with what udev knows: news were lost, or it is the start.
    func rescan() { post(.rescan) }

    /// Unmounts a stick; `done` is called on the keeper's thread.
    func eject(_ name: String, done: @escaping @Sendable (StickError?) -> Void) {
        if !post(.eject(name, done)) { done(StickError(.eject, name, code: ENOENT)) }
    }

    @discardableResult
    private func post(_ order: Order) -> Bool {
        let isTaken = queue.withLock { queue in
            if !queue.isClosed { queue.orders.append(order) }
            return !queue.isClosed
        }
        if isTaken { wake.signal() }
        return isTaken
    }

    private func run() {
        var sticks = Sticks(settings)
        if settings.mounting.usesKernel { sticks.clearLeftovers() }
        while true {
            var item = pollfd(fd: wake.reading, events: Int16(POLLIN), revents: 0)
            _ = poll(&item, 1, -1)
            wake.clear()
            let orders = queue.withLock { queue in
                defer { queue.orders = [] }
                return queue.orders
            }
            for order in orders {
                if case .stop = order {
                    finish(&sticks)
                    return
                }
                obey(order, &sticks)
            }
        }
    }

    private func finish(_ sticks: inout Sticks) {
        let late = queue.withLock { queue in
            queue.isClosed = true
            queue.list = []
            defer { queue.orders = [] }
            return queue.orders
        }
        for case .eject(let name, let done) in late { done(StickError(.eject, name, code: ENOENT)) }
        sticks.close()
    }

    private func obey(_ order: Order, _ sticks: inout Sticks) {
        var events: [StickEvent] = []
        var answer: (() -> Void)?
        switch order {
        case .appeared(let volume): events = sticks.appeared(volume)
        case .vanished(let node): events = sticks.vanished(node)
        case .mountsChanged: events = sticks.mountsChanged()
        case .rescan:
            // Without udev's list nothing can be said: what was there stays.
            if let volumes = try? UdevDevices.usbFileSystems() { events = sticks.compare(with: volumes) }
        case .eject(let name, let done):
            do throws(StickError) {
                events = try sticks.eject(name)
                answer = { done(nil) }
            } catch {
                answer = { done(error) }
            }
        case .stop: break
        }
        let list = sticks.list
        queue.withLock { $0.list = list }
        for event in events { onEvent(event) }
        answer?()
    }
}
