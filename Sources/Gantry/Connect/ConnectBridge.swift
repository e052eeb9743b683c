import BoardIO
import GCodeStream
import MarlinLink
import PrusaConnect
import Synchronization

/// Ties the machine to Connect: its state, telemetry and job go there, commands come back.
///
/// Connect's troubles stay here: nothing in this file is ever waited for by the print.
final class ConnectBridge: Sendable {
    private let printer: Printer
    private let machine: Machine
    private let storage: LocalStorage
    private let mailbox = Mailbox<Bool>()
    private let attention = Mutex(false)
    /// Why somebody has to act at the board.
    private let boardReason = Mutex<String?>(nil)
    private let board = Mutex<Board?>(nil)
    private let configuredFirmware: String?
    private let sticks: StickStorages

    /// Bytes a second of a download during a print, which may read from the same card.
    private static let rateWhilePrinting = 1 << 20

    /// `onProblem` gets what goes wrong beside the connection itself; any thread.
    init(
        printer: Printer, machine: Machine, storage: LocalStorage, firmware: String?,
        onProblem: @escaping @Sendable (String) -> Void
    ) {
        sticks = StickStorages(printer: printer, onProblem: onProblem)
        self.printer = printer
        self.machine = machine
        self.storage = storage
        configuredFirmware = firmware
    }

    /// Lines and sticks count from now on. Before `start`.
    func attach(_ board: Board) { self.board.withLock { $0 = board } }

    /// Begins to talk to Connect.
    func start() throws {
        register()
        try printer.attach(Storage(name: LocalStorage.name, directory: storage.root))
        try printer.start()
        let started = startThread { [self] in
            // Telemetry is repeated each second, wanted or not: commands come in its answers.
            while mailbox.take(until: .now + 1).isEmpty { report() }
        }
        guard started else { throw PrinterError.notStarted("no thread for telemetry") }
    }

    /// Sends what waits, for at most five seconds, and ends the connection.
    func stop() {
        mailbox.post(true)
        printer.stop(deadline: .seconds(5))
    }

    private func report() {
        var telemetry = Telemetry(
            snapshot: machine.snapshot, state: machine.state, job: machine.job, now: .now)
        telemetry.extruderFilamentSensor = board.withLock { $0 }?.hasFilament.map { $0 ? .hasFilament : .noFilament }
        telemetry.dialogID = machine.prompt?.number
        printer.telemetry(telemetry)
    }

    // MARK: From the machine

    func take(_ change: Machine.Change) {
        switch change {
        case .state(let state, let reason, let command):
            if state.hasJob, let job = machine.job { printer.jobID = job.id }
            printer.setState(
                connectState(state), source: command == nil ? .marlin : .connect,
                reason: reason ?? machine.attention ?? (state.hasJob ? boardReason.withLock { $0 } : nil),
                commandID: command)
            if !state.hasJob { printer.jobID = nil }
            printer.transferRateLimit = state == .printing ? Self.rateWhilePrinting : nil
            report()
        case .attention(let reason):
            attention.withLock { $0 = reason != nil }
            if let prompt = machine.prompt, reason == prompt.text { return show(prompt) }
            printer.setState(
                connectState(machine.state), source: .firmware,
                reason: reason ?? machine.reason)
        case .identified(let identity):
            if configuredFirmware == nil, !identity.firmware.isEmpty {
                printer.updateInfo { $0.firmware = identity.firmware }
                printer.sendInfo()
            }
        case .halted, .used, .warning, .message:
            break
        }
    }

    private func show(_ prompt: HostPrompt) {
        let buttons = prompt.buttons.map(\.label)
        let dialog = Dialog(id: prompt.number, text: prompt.text, buttons: buttons)
        printer.showDialog(dialog, state: connectState(machine.state))
    }

    /// A stick came or went.
    func take(_ event: StickEvent) { sticks.take(event) }

    /// Somebody has to act at the board, for this reason; nil: no longer.
    func takeAttention(_ reason: String?) {
        boardReason.withLock { $0 = reason }
        printer.setState(connectState(machine.state), source: .marlin, reason: reason ?? machine.reason)
    }

    private func connectState(_ state: MachineState) -> PrinterState {
        if attention.withLock({ $0 }), state != .error { return .attention }
        if boardReason.withLock({ $0 != nil }), state.hasJob { return .attention }
        return switch state {
        case .busy: .busy
        case .idle: .idle
        case .ready: .ready
        case .printing: .printing
        case .paused: .paused
        case .finished: .finished
        case .stopped: .stopped
        case .error: .error
        }
    }

    // MARK: From Connect

    private func register() {
        printer.onPrintedFile { [weak self] in self?.printedFile }
        printer.onTransferFinished { [weak self] transfer in self?.printIfWanted(transfer) }
        on(.startPrint) { bridge, command in
            try bridge.startPrint(try command.required("path"), command: command.id)
            return .finished
        }
        on(.pausePrint) { bridge, command in
            try bridge.machine.pause(command: command.id)
            return .finished
        }
        on(.resumePrint) { bridge, command in
            try bridge.machine.resume(command: command.id)
            return .finished
        }
        on(.stopPrint) { bridge, command in
            try bridge.machine.cancel(command: command.id)
            return .finished
        }
        on(.setPrinterReady) { bridge, command in
            try bridge.machine.setReady(command: command.id)
            return .finished
        }
        on(.cancelPrinterReady) { bridge, command in
            try bridge.machine.cancelReady(command: command.id)
            return .finished
        }
        on(.resetPrinter) { bridge, command in try bridge.reset(command) }
        on(.dialogAction) { bridge, command in try bridge.answerDialog(command) }
        on(.gcode) { bridge, command in try bridge.runGCode(command) }
        on(.sendJobInfo) { bridge, _ in try bridge.jobInfo() }
    }

    private var printedFile: String? { machine.state.hasJob ? machine.job?.path : nil }

    /// The printer holds its handlers, and the bridge the printer: neither would ever end if handlers held the bridge.
    private func on(
        _ name: CommandName, _ body: @escaping @Sendable (ConnectBridge, Command) throws -> CommandResult
    ) {
        printer.on(name) { [weak self] command in
            guard let self else { throw CommandError("Gantry is ending") }
            return try body(self, command)
        }
    }

    private func reset(_ command: Command) throws -> CommandResult {
        if let board = board.withLock({ $0 }), board.configuration.power?.resetsByPower == true {
            let answer = board.power(.cycle(force: true))
            let refused = "refused: "
            guard !answer.hasPrefix(refused) else { throw CommandError(String(answer.dropFirst(refused.count))) }
            return .finished
        }
        try machine.reset(command: command.id)
        return .finished
    }

    private func answerDialog(_ command: Command) throws -> CommandResult {
        let action = try command.dialogAction()
        guard let prompt = machine.prompt, prompt.number == action.dialogID,
            let button = prompt.buttons.firstIndex(where: { $0.label == action.button })
        else { throw CommandError("The printer does not ask that any more") }
        _ = try machine.answer(button + 1)
        return .finished
    }

    private func startPrint(_ path: String, command: UInt64?) throws {
        let file = try printer.localPath(of: path)
        // Switched on first; refused in a state where no job could begin anyway.
        if !machine.state.hasJob, let board = board.withLock({ $0 }) { try board.prepareForPrint() }
        do throws(MachineError) {
            try machine.startJob(file: file, path: path, command: command)
        } catch {
            guard case .file(let problem) = error else { throw error }
            // The server knows the file by another path than this machine.
            throw CommandError(problem.description.replacing(file, with: path))
        }
    }

    /// Connect downloads a file in order to print it: the command was answered when the download began, so what goes
    /// wrong now is told by an event of its own.
    private func printIfWanted(_ transfer: Transfer) {
        guard transfer.isToPrint else { return }
        do {
            try startPrint(transfer.path, command: transfer.startCommandID)
        } catch {
            printer.send(
                event: .failed, source: .wui, reason: "\(transfer.path) is not printed: \(error)",
                transferID: transfer.id)
        }
    }

    /// PrusaLink's rule: refused while a print or trouble is on, unless forced. No state refuses an emergency stop.
    private func runGCode(_ command: Command) throws -> CommandResult {
        guard let text = command.gcode else { throw CommandError("GCODE without G-code") }
        let commands = try Self.commands(in: text)
        if commands.contains(where: { Self.code(of: $0) == "M112" }) {
            try machine.emergencyStop(command: command.id)
            return .finished
        }
        let state = connectState(machine.state)
        if !command.isForced, [.printing, .attention, .error].contains(state) {
            throw CommandError("Can't run G-code while in \(state.rawValue) state.")
        }
        for line in commands {
            if command.isInterrupted { throw CommandError("Command interrupted") }
            try machine.execute([line])
        }
        return .finished
    }

    /// The commands of a text, comments and blank lines taken out. All are checked before the first is sent.
    static func commands(in text: String) throws(CommandError) -> [String] {
        var scanner = CommandScanner()
        var result: [String] = []
        func take(_ step: CommandScanner.Step) throws(CommandError) {
            guard step != .more else { return }
            var bytes: [UInt8] = []
            scanner.command.withBytes { span in
                for index in span.indices { bytes.append(span[index]) }
            }
            let command = String(decoding: bytes, as: UTF8.self)
            guard step != .damaged else {
                throw CommandError("Line \(scanner.lineNumber): there are NUL bytes in the command: \(command)")
            }
            let fits = step == .command && LineFormat.fits(number: Limits.lineNumber, commandLength: scanner.length)
            guard fits else {
                throw CommandError(
                    "Line \(scanner.lineNumber): \(scanner.length) characters are more than the firmware takes: "
                        + command)
            }
            guard code(of: command) != "M110" else {
                throw CommandError("Line \(scanner.lineNumber): M110 is not possible, Gantry numbers the lines itself")
            }
            result.append(command)
        }
        for byte in text.utf8 { try take(scanner.feed(byte)) }
        try take(scanner.end())
        guard !result.isEmpty else { throw CommandError("There is no command in this G-code") }
        return result
    }

    /// `M110` of `M110 N5` and of `M110N5`.
    private static func code(of command: String) -> Substring {
        let digits = command.dropFirst().prefix { $0.isASCII && $0.isNumber }
        return command[..<digits.endIndex]
    }

    private func jobInfo() throws -> CommandResult {
        let state = machine.state
        guard state.hasJob, let job = machine.job else {
            throw CommandError("Cannot get job info, when there is no job in progress.")
        }
        let elapsed = job.elapsed(at: .now)
        let progress = JobProgress(snapshot: machine.snapshot, size: job.file.size, elapsed: elapsed)
        var data: JSONObject = ["time_printing": .int(Int64(elapsed)), "progress": .int(Int64(progress.percent))]
        if let left = progress.secondsLeft { data["time_remaining"] = .int(Int64(left)) }
        if let command = job.startCommand { data["start_cmd_id"] = JSONValue(command) }
        data["path"] = .string(job.path)
        data["m_timestamp"] = .int(job.file.modified)
        data["size"] = JSONValue(job.file.size)
        data["from_sd"] = false
        return .answer(.jobInfo, data: data)
    }
}
