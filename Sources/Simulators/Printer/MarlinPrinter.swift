/// A printer with Marlin or Prusa firmware as a pure model: bytes in with the time, bytes out, next deadline. It has
/// no clock and does no I/O, so that it runs under a simulated clock as well as behind a pseudo-terminal.
///
/// Time is in monotonic nanoseconds from any origin and must not go back. A caller repeats: `receive` what the host
/// sent, `advance` to the present, `takeOutput`, wait until `nextDeadline` or the next bytes.
///
/// What it keeps of the real thing: the receive buffer of 128 bytes that overflows without a word, the command queue,
/// the planner's blocks with the time each takes, checks of numbers and checksums with each firmware's texts and
/// habits, heating, waiting, busy messages, automatic reports, kill and restart. What it leaves out: acceleration,
/// sensors, the screen, SD cards; an arc is one block.
public struct MarlinPrinter: Sendable {
    /// What the printer is and how fast its world runs.
    public struct Configuration: Sendable {
        /// How long a move takes.
        public enum MoveTime: Sendable, Equatable {
            /// Distance over feed rate, within the machine's highest speeds.
            case computed
            /// Always so many nanoseconds.
            case fixed(nanoseconds: UInt64)
        }

        /// The firmware.
        public var profile: FirmwareProfile
        /// Line speed in bits per second, ten bits a byte, both ways; the processor then takes its time too. Nil:
        /// bytes and processor are infinitely fast.
        public var baud: UInt32?
        /// How long moves take.
        public var moveTime = MoveTime.computed
        /// How many times faster than real moves, homing, dwelling and heating are. `.infinity`: they take no time.
        /// Busy messages, automatic reports and start-up keep real time, for they are the line's.
        public var timeScale = 1.0
        /// Hotend and bed.
        public var hotend = HeaterModel.hotend
        /// The bed, if the firmware has one.
        public var bed = HeaterModel.bed
        /// °C of the room.
        public var ambient = 25.0
        /// Whether moving E with a cold hotend is refused with a message.
        public var preventsColdExtrusion = true
        /// How long the bootloader waits before the firmware starts, in milliseconds.
        public var bootloaderMilliseconds: UInt64 = 0
        /// What goes wrong.
        public var faults = FaultPlan.none
        /// Whether `executedCommands` keeps the text of every command.
        public var keepsCommands = false
        /// Whether the digest and `executedCommands` count only commands that came with a line number (and so with a checksum).
        public var digestsOnlyNumbered = false

        /// A printer in real time on an infinitely fast line.
        public init(profile: FirmwareProfile = .marlin2) { self.profile = profile }
    }

    /// What the firmware does with its processor.
    enum Condition: Sendable, Equatable {
        case running
        case booting(start: UInt64, step: Int, afterKill: Bool)
        case halted(rebootAt: UInt64?)
        case silent
    }

    let configuration: Configuration
    /// A copy of the configuration's: reading it in place is what keeps the hot path from copying it whole.
    let profile: FirmwareProfile

    var now: UInt64 = 0
    var condition = Condition.running
    var activity = Activity.none
    var statistics = PrinterStatistics()
    var digest = CommandDigest()

    /// The text of every executed command, housekeeping included, if the configuration asks for it.
    public internal(set) var executedCommands: [String] = []

    // The line.
    var input: SerialInput
    var output: SerialOutput
    var receiveBuffer: ByteRing
    var emergency = EmergencyParser()
    /// Nil for firmware without MeatPack.
    var meatPack: MeatPackInput?
    var partialLine: [UInt8] = []
    var inComment = false
    var lastByteAt: UInt64 = 0
    var lastNumber: Int32 = 0
    var queue = CommandQueue()
    var flushWhenFree = false
    var overran = false
    var readsOneMore = false

    // The processor.
    var processorFreeAt: UInt64 = 0
    var words = GCodeWords()
    var text: [UInt8] = []
    var okFaults: SplitMix64
    var oksDue = 0
    var faultsAreOver = false
    let okLine: [UInt8]
    let lineCheck: LineCheck

    // The machine.
    var state: MachineState
    var planner: Planner
    var hotend: Heater
    var bed: Heater
    var timers = Timers()

    /// A printer that was switched on long ago and is idle.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        profile = configuration.profile
        let plan = configuration.faults
        let byteTime = configuration.baud.map { 10_000_000_000 / UInt64(max($0, 1)) } ?? 0
        input = SerialInput(
            nanosecondsPerByte: byteTime,
            damage: DamagedLine(plan.toPrinter, seed: plan.seed ^ 0xA5A5, onePerLine: plan.onePerLine))
        output = SerialOutput(
            nanosecondsPerByte: byteTime,
            damage: DamagedLine(plan.toHost, seed: plan.seed ^ 0x5A5A, onePerLine: plan.onePerLine))
        okFaults = SplitMix64(seed: plan.seed ^ 0xC3C3)
        receiveBuffer = ByteRing(size: profile.queue.receiveBuffer)
        meatPack = profile.capabilities.meatPack ? MeatPackInput() : nil
        okLine = Array("ok\(profile.text.end)".utf8)
        lineCheck = LineCheck(rules: profile.line)
        state = MachineState(profile.machine)
        planner = Planner(
            profile.machine, origin: profile.machine.startPosition, isInstant: configuration.timeScale.isInfinite)
        hotend = Heater(configuration.hotend, ambient: configuration.ambient, scale: configuration.timeScale)
        bed = Heater(configuration.bed, ambient: configuration.ambient, scale: configuration.timeScale)
        timers.busyInterval = profile.capabilities.busySeconds * 1_000_000_000
        partialLine.reserveCapacity(CommandQueue.slotSize)
        text.reserveCapacity(512)
    }

    // MARK: The wire

    /// The host sends `bytes` at `time`. On a paced line they arrive one after the other from then on; otherwise at
    /// once, and what the firmware cannot take in is lost.
    public mutating func receive(_ bytes: some Sequence<UInt8>, at time: UInt64) {
        advance(to: time)
        input.add(bytes, at: now)
        if input.nanosecondsPerByte == 0 { takeInEverything() } else { settle() }
    }

    /// Lets the time pass until `time`; everything due happens in its order.
    public mutating func advance(to time: UInt64) {
        settle()
        while let next = nextEvent, next <= time {
            guard next > now else { break }
            now = next
            settle()
        }
        guard time > now else { return }
        now = time
        settle()
    }

    /// Appends to `bytes` what the printer has sent by `time`.
    public mutating func takeOutput(at time: UInt64, into bytes: inout [UInt8]) {
        advance(to: time)
        output.take(at: now, into: &bytes)
    }

    /// What the printer has sent by `time`.
    public mutating func takeOutput(at time: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        takeOutput(at: time, into: &bytes)
        return bytes
    }

    /// When `advance` has something to do or `takeOutput` something to give; nil when only the host can cause more.
    public var nextDeadline: UInt64? { earliest(nextEvent, output.nextLineAt) }

    // MARK: What a person does to a printer

    /// Presses the reset button (or the host pulls DTR): everything is lost, then `start` and the start-up text.
    public mutating func reset(at time: UInt64) {
        advance(to: time)
        restart(afterKill: false)
        settle()
    }

    /// From now on the firmware neither answers nor listens, until a reset.
    public mutating func goSilent(at time: UInt64) {
        advance(to: time)
        condition = .silent
    }

    /// Ends the plan's faults on bytes and `ok`: somebody pressed the plug home.
    public mutating func endFaults() {
        faultsAreOver = true
        input.damage.isActive = false
        output.damage.isActive = false
    }

    /// Presses the button on the printer: ends a wait for the user (M0, the screen after a kill on MK3S 3.13.3).
    public mutating func pressButton(at time: UInt64) {
        advance(to: time)
        guard case .waitingForUser(let acknowledges) = activity else { return }
        activity = .none
        if acknowledges { finish() }
        settle()
    }

    /// A screen of the printer wants the button (crash, thermal anomaly, filament): a command that runs is ended with
    /// its `ok`, the next ones wait, their lines are still checked, and `echo:busy: paused for user` repeats.
    public mutating func showScreen(at time: UInt64) {
        advance(to: time)
        guard condition == .running else { return }
        if !activity.isNone { finish() }
        begin(.waitingForUser(acknowledges: false))
        settle()
    }

    /// The firmware says `line` of its own accord, for example `//action:paused` or `echo:something`.
    public mutating func emit(_ line: String, at time: UInt64) {
        advance(to: time)
        say(line)
    }

    /// The firmware sends a host action: `emit("paused")` gives `//action:paused` in the firmware's spelling.
    public mutating func emitAction(_ name: String, at time: UInt64) {
        emit(profile.text.action + name, at: time)
    }

    func earliest(_ one: UInt64?, _ other: UInt64?) -> UInt64? {
        guard let one else { return other }
        guard let other else { return one }
        return min(one, other)
    }
}
