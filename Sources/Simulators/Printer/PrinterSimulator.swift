import CSerial
import Glibc
import Synchronization

/// Why a simulator could not start.
public enum SimulatorError: Error, CustomStringConvertible, Sendable {
    /// A system call failed: what was tried, the system's error number.
    case failed(String, Int32)
    /// It runs already.
    case alreadyRunning

    /// What happened, to what, and what to do.
    public var description: String {
        switch self {
        case .failed(let what, let number): "\(what): \(String(cString: strerror(number)))"
        case .alreadyRunning: "the simulator runs already; stop it first"
        }
    }
}

/// A `MarlinPrinter` behind a real pseudo-terminal, on a thread of its own: the device path it gives can be opened like
/// a serial port, by any host. All functions may be called from any thread.
public final class PrinterSimulator: Sendable {
    /// How the simulator behaves beside the printer itself.
    public struct Options: Sendable {
        /// The printer.
        public var printer: MarlinPrinter.Configuration
        /// A symbolic link that always points to the current device, replaced if it is a link already.
        public var link: String?
        /// Whether opening the port resets the board, as boards do whose reset hangs on DTR. Give the printer a
        /// bootloader time too: many hosts discard what arrives while they set the port up.
        public var resetsOnOpen = false

        /// A printer that is not reset when its port is opened.
        public init(printer: MarlinPrinter.Configuration = .init()) { self.printer = printer }
    }

    private struct State {
        var printer: MarlinPrinter
        var thread: pthread_t?
        var master: Int32 = -1
        /// Which terminal `master` is; descriptors are reused, this is not.
        var terminal = 0
        var path = ""
        var stopping = false
        var isOpen = false
        var opens = 0
    }

    private let options: Options
    private let state: Mutex<State>
    private let wake: Int32

    /// A stopped simulator.
    public init(_ options: Options = Options()) {
        self.options = options
        state = Mutex(State(printer: MarlinPrinter(options.printer)))
        wake = cserial_eventfd()
    }

    deinit { cserial_close(wake) }

    // MARK: Life

    /// Plugs the printer in: opens the pseudo-terminal and starts the thread. Returns the device path for the host.
    @discardableResult
    public func start() throws(SimulatorError) -> String {
        let (master, path) = try openTerminal()
        let isFirst = state.withLock { state in
            guard state.thread == nil else { return false }
            state.master = master
            state.terminal += 1
            state.path = path
            state.stopping = false
            return true
        }
        guard isFirst else {
            cserial_close(master)
            throw .alreadyRunning
        }
        do {
            try makeLink(to: path)
            try startThread()
        } catch {
            closeTerminal()
            throw error
        }
        return path
    }

    /// Ends the thread and closes the terminal; a host sees the port go away. The printer keeps its state.
    public func stop() {
        let thread = state.withLock { state in
            state.stopping = true
            defer { state.thread = nil }
            return state.thread
        }
        guard let thread else { return }
        cserial_eventfd_signal(wake)
        pthread_join(thread, nil)
        if let link = options.link { unlink(link) }
        closeTerminal()
    }

    /// The device path, changed by `plugIn()`; empty before `start()`.
    public var devicePath: String { state.withLock { $0.path } }

    /// Whether a host has the port open.
    public var isOpen: Bool { state.withLock { $0.isOpen } }

    /// How often a host has opened the port. A host that closes and opens again within a few milliseconds may count
    /// once.
    public var openCount: Int { state.withLock { $0.opens } }

    /// Pulls the cable: the terminal and its link are gone, the printer goes on.
    public func hangUp() {
        // First: the kernel gives the terminal's name to the next one that is opened.
        if let link = options.link { unlink(link) }
        closeTerminal()
        cserial_eventfd_signal(wake)
    }

    /// Plugs the cable in again after `hangUp()`: a new terminal, to which the link points too. Returns its path.
    @discardableResult
    public func plugIn() throws(SimulatorError) -> String {
        let (master, path) = try openTerminal()
        let old = state.withLock { state in
            defer {
                state.master = master
                state.terminal += 1
                state.path = path
                state.isOpen = false
            }
            return state.master
        }
        if old >= 0 { cserial_close(old) }
        try makeLink(to: path)
        cserial_eventfd_signal(wake)
        return path
    }

    // MARK: The printer

    /// The printer now.
    public func snapshot() -> PrinterSnapshot { withPrinter { $0.snapshot(at: $1) } }

    /// The commands executed so far, if the configuration keeps them.
    public var executedCommands: [String] { withPrinter { printer, _ in printer.executedCommands } }

    /// Presses the reset button: `start` and the start-up text follow.
    public func pressReset() { withPrinter { $0.reset(at: $1) } }

    /// The firmware falls silent until a reset.
    public func goSilent() { withPrinter { $0.goSilent(at: $1) } }

    /// Presses the button that a waiting firmware waits for.
    public func pressButton() { withPrinter { $0.pressButton(at: $1) } }

    /// A screen of the printer wants the button: commands wait, busy messages repeat.
    public func showScreen() { withPrinter { $0.showScreen(at: $1) } }

    /// The firmware says a line of its own accord.
    public func emit(_ line: String) { withPrinter { $0.emit(line, at: $1) } }

    /// The firmware sends a host action such as `paused`, in its own spelling.
    public func emitAction(_ name: String) { withPrinter { $0.emitAction(name, at: $1) } }

    private func withPrinter<Result: Sendable>(_ body: (inout MarlinPrinter, UInt64) -> Result) -> Result {
        let result = state.withLock { body(&$0.printer, cserial_monotonic_ns()) }
        cserial_eventfd_signal(wake)
        return result
    }

    // MARK: Terminal and thread

    private func openTerminal() throws(SimulatorError) -> (master: Int32, path: String) {
        var name = [CChar](repeating: 0, count: 128)
        let master = cserial_open_pty(&name, name.count)
        guard master >= 0 else { throw .failed("cannot open a pseudo-terminal", -master) }
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // A terminal whose other side was never opened looks as if a host had it open; open and close it once.
        let slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard slave >= 0 else {
            let number = errno
            cserial_close(master)
            throw .failed("cannot open \(path)", number)
        }
        close(slave)
        return (master, path)
    }

    private func makeLink(to path: String) throws(SimulatorError) {
        guard let link = options.link else { return }
        var status = stat()
        if lstat(link, &status) == 0, status.st_mode & S_IFMT == S_IFLNK { unlink(link) }
        guard symlink(path, link) == 0 else { throw .failed("cannot make the link \(link)", errno) }
    }

    private func closeTerminal() {
        let master = state.withLock { state in
            defer { state.master = -1 }
            state.isOpen = false
            return state.master
        }
        if master >= 0 { cserial_close(master) }
    }

    private func startThread() throws(SimulatorError) {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let error = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<PrinterSimulator>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, context)
        guard error == 0 else {
            Unmanaged<PrinterSimulator>.fromOpaque(context).release()
            throw .failed("cannot start the simulator's thread", error)
        }
        state.withLock { $0.thread = thread }
    }

    // MARK: The loop

    /// What one turn of the loop left to wait for.
    private struct Turn {
        var master: Int32
        var wantsToWrite: Bool
        var deadline: UInt64?
        var isOpen: Bool
        var stopping: Bool
    }

    /// How often a closed port is looked at, in nanoseconds: the kernel cannot say when a host opens it.
    private static let openCheck: Int64 = 2_000_000

    private func run() {
        cserial_name_thread("sim-printer")
        var terminal = TerminalBuffers()
        var knowsHost = false
        while true {
            let turn = turn(&terminal, knowsHost: knowsHost)
            if turn.stopping { return }
            knowsHost = wait(for: turn)
        }
    }

    /// Reads what the host wrote, lets the printer work, writes what it said.
    private func turn(_ terminal: inout TerminalBuffers, knowsHost: Bool) -> Turn {
        state.withLock { state in
            let master = state.master
            let isSame = state.terminal == terminal.number
            if !isSame { terminal.reset(to: master, number: state.terminal) }
            let isOpen = master >= 0 && ((isSame && knowsHost) || terminal.hasHost())
            if isOpen != state.isOpen {
                state.isOpen = isOpen
                if isOpen { opened(&state, &terminal) }
            }
            terminal.exchange(with: &state.printer, hasHost: isOpen)
            let now = cserial_monotonic_ns()
            return Turn(
                master: master, wantsToWrite: isOpen && terminal.hasUnsent,
                deadline: state.printer.nextDeadline.map { $0 > now ? $0 - now : 0 }, isOpen: isOpen,
                stopping: state.stopping)
        }
    }

    private func opened(_ state: inout State, _ terminal: inout TerminalBuffers) {
        state.opens += 1
        guard options.resetsOnOpen else { return }
        terminal.discardUnsent()
        state.printer.reset(at: cserial_monotonic_ns())
    }

    /// Sleeps until something is to do. True when it is certain that a host has the port open.
    private func wait(for turn: Turn) -> Bool {
        var timeout = turn.deadline.map { Int64(clamping: $0) } ?? -1
        var polled = [cserial_pollfd(fd: wake, events: Int16(CSERIAL_IN), revents: 0)]
        if turn.isOpen {
            let events = CSERIAL_IN | (turn.wantsToWrite ? CSERIAL_OUT : 0)
            polled.append(cserial_pollfd(fd: turn.master, events: Int16(events), revents: 0))
        } else if turn.master >= 0 {
            timeout = timeout < 0 ? Self.openCheck : min(timeout, Self.openCheck)
        }
        _ = cserial_poll(&polled, UInt32(polled.count), timeout)
        if polled[0].revents != 0 { cserial_eventfd_clear(wake) }
        guard turn.isOpen else { return false }
        return polled[1].revents & Int16(CSERIAL_HUP | CSERIAL_ERR | CSERIAL_NVAL) == 0
    }
}
