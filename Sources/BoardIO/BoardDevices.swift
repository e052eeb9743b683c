import Glibc
import Synchronization

/// The board's devices as news: input lines, USB sticks, serial ports.
///
/// One thread polls the lines' descriptors, udev's monitor and the mount table; it never does slow work. Mounting and
/// unmounting have a thread of their own. Events come on these two threads, each line's and each stick's in order; who
/// takes them posts them on and returns.
public final class BoardDevices: Sendable {
    /// An input line to watch.
    public struct Line: Equatable, Sendable {
        /// How the line's news are used.
        public enum Kind: Equatable, Sendable {
            /// Its level, debounced.
            case level
            /// Its rising edges, counted.
            case pulses
        }

        /// The name its news carry: "filament".
        public var role: String
        /// Which line.
        public var address: GPIOLineAddress
        /// Level or pulses.
        public var kind = Kind.level
        /// Pull resistor.
        public var bias = GPIOBias.asIs
        /// True when a low voltage counts as active.
        public var isActiveLow = false
        /// Nanoseconds of quiet after which a change counts.
        public var settle: UInt64 = 20_000_000

        /// A line by its address.
        public init(role: String, address: GPIOLineAddress) {
            self.role = role
            self.address = address
        }
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// A line was found at a level when it was taken, or changed. `isFirst`: nothing was known before. `at` is the
        /// time of CLOCK_MONOTONIC in nanoseconds.
        case level(line: String, isActive: Bool, isFirst: Bool, at: UInt64)
        /// A line does not come to rest: a wire or its pull resistor is missing. Told once.
        case floating(line: String)
        /// A line pulsed so many times.
        case pulses(line: String, count: Int)
        /// A line cannot be used; it is tried again. Told once for each reason.
        case lineFailed(line: String, GPIOError)
        /// News of a stick.
        case storage(StickEvent)
        /// A serial port came (with its links) or went.
        case serialPort(SerialPort, isAttached: Bool)
    }

    /// Why the watch cannot begin.
    public enum StartError: Error, Equatable, Sendable, CustomStringConvertible {
        /// No descriptors or threads are left.
        case resources
        /// udev cannot be listened to.
        case udev(UdevError)

        /// What happened and what to do.
        public var description: String {
            switch self {
            case .resources: "The board's devices cannot be watched: no more threads or descriptors (see ulimit -n)."
            case .udev(let error): "The board's devices cannot be watched: \(error)"
            }
        }
    }

    private let lines: [Line]
    let keeper: StickKeeper?
    private let onEvent: @Sendable (Event) -> Void
    private let wake: WakePipe
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<BoardThread?>(nil)

    /// Nothing is taken or watched before `start`.
    ///
    /// - Parameters:
    ///   - lines: input lines to watch.
    ///   - storage: how sticks are used; nil leaves them alone.
    ///   - onEvent: called on the threads of this object.
    public init(
        lines: [Line], storage: StickSettings?, onEvent: @escaping @Sendable (Event) -> Void
    ) throws(StartError) {
        guard let wake = WakePipe() else { throw .resources }
        self.wake = wake
        self.lines = lines
        self.onEvent = onEvent
        guard let storage else {
            keeper = nil
            return
        }
        guard let keeper = StickKeeper(storage, onEvent: { onEvent(.storage($0)) }) else { throw .resources }
        self.keeper = keeper
    }

    /// Begins: sticks that are plugged in and the lines' levels are told first.
    public func start() throws(StartError) {
        let monitor: UdevMonitor
        do { monitor = try UdevMonitor(subsystems: ["block", "tty", "gpio"]) } catch { throw .udev(error) }
        if let keeper, !keeper.start() { throw .resources }
        // Listening has begun: what comes between the list and the first news is told twice, never not at all.
        keeper?.rescan()
        let box = Mutex<UdevMonitor?>(consume monitor)
        let started = BoardThread { [self] in
            guard let monitor = box.withLock({ $0.take() }) else { return }
            DeviceLoop(lines: lines.map(LineWatch.init), monitor: monitor, wake: wake, onEvent: onEvent, keeper: keeper)
                .run(until: { self.stopping.load(ordering: .acquiring) })
        }
        guard let started else {
            keeper?.stop()
            throw .resources
        }
        thread.withLock { $0 = started }
    }

    /// Releases the lines, unmounts what was mounted and returns when both are done. Call it once after `start`.
    public func stop() {
        stopping.store(true, ordering: .releasing)
        wake.signal()
        let running = thread.withLock { $0.take() }
        running?.join()
        keeper?.stop()
    }

    /// The sticks that can be read now, by name.
    public var storages: [Stick] { keeper?.list ?? [] }

    /// Writes out what waits for a stick and unmounts it. `done` is called on a thread of this object, after the event
    /// that it is gone; with nil when it may be pulled.
    public func eject(_ name: String, done: @escaping @Sendable (StickError?) -> Void) {
        guard let keeper else { return done(StickError(.eject, name, code: ENOENT)) }
        keeper.eject(name, done: done)
    }
}
