import ArgumentParser
import Gantry
import Glibc
import MarlinLink
import PrusaConnect
import Synchronization

/// `gantry print`: one file, one printer, no Connect.
struct PrintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "print", abstract: "Print a G-code file without Connect.",
        discussion: """
            Ctrl-C cancels safely: nothing more is sent, heaters and fan go off. A second Ctrl-C leaves at once.
            What the printer asks meanwhile is answered by the number of the answer and Enter.
            Exit status: 0 printed, 1 failed, 2 wrong usage, 130 cancelled.
            """)

    @Argument(help: "The G-code file.")
    var file: String

    @Option(help: "Serial port of the printer; auto: the only USB serial port.")
    var port = "auto"

    @Option(help: "Baud rate.")
    var baud: UInt32 = 115_200

    @Flag(inversion: .prefixedNo, help: "Pack lines (MeatPack) where the printer reads that.")
    var meatpack = false

    @Option(help: "Lines that may be unacknowledged; 1 is stop-and-wait. What the firmware takes unless given.")
    var window: Int?

    @Option(help: DialectName.help)
    var dialect = DialectName.automatic

    @Option(help: "Seconds that the printer may take to answer after its port was opened.")
    var timeout = 30.0

    @Flag(help: "One JSON object on standard output at the end; progress goes to standard error.")
    var json = false

    @Flag(help: "Show at the end how fast lines followed the printer's oks, and what disturbed them.")
    var stats = false

    @Flag(inversion: .prefixedNo, help: "Ask for a real-time priority and for memory that stays in RAM.")
    var realtime = true

    func validate() throws {
        guard window.map({ (1...16).contains($0) }) ?? true else { throw ValidationError("--window takes 1 to 16.") }
        guard (0.1...3600).contains(timeout) else { throw ValidationError("--timeout takes 0.1 to 3600 seconds.") }
        guard baud >= 1200 else { throw ValidationError("--baud takes 1200 or more.") }
    }

    func run() throws {
        let jobFile: JobFile
        let path: String
        do { jobFile = try JobFile(path: file) } catch { finish(failure: error.description) }
        do { path = try AutomaticPort.resolve(port) } catch { finish(failure: "\(error)") }
        var configuration = LinkConfiguration(port: path, baud: baud)
        configuration.firmware.windowLines = window
        configuration.firmware.dialect = dialect.row
        configuration.meatPack = meatpack
        configuration.greetingLimit = UInt64(timeout * 1e9)
        configuration.isRealTime = realtime
        let session = PrintSession(file: jobFile, configuration: configuration)
        let interrupts = Mutex(0)
        SignalWatch.begin { _ in
            let count = interrupts.withLock { count in
                count += 1
                return count
            }
            if count > 1 {
                // Not through the display: its thread may be in the midst of a line.
                let warning = "\nLeft before the cancel script was executed: heaters may be on. Look at the printer.\n"
                _ = warning.withCString { write(STDERR_FILENO, $0, strlen($0)) }
                _exit(ExitStatus.cancelled)
            }
            session.cancel()
        }
        var keys = AnswerKeys()
        var display = PrintDisplay(file: jobFile, descriptor: json ? STDERR_FILENO : STDOUT_FILENO)
        do {
            let report = try session.run {
                display.show($0)
                let question = $0.prompt.flatMap { $0.buttons.isEmpty ? nil : $0.number }
                if let number = keys.next(question: question) { session.answer(number) }
            } onMessage: {
                display.message($0)
            }
            display.finish(report)
            if stats { for line in Statistics.lines(report.link) { display.message(line) } }
            finish(report)
        } catch {
            display.end()
            finish(failure: error.description)
        }
    }

    private func finish(_ report: PrintReport) -> Never {
        if json { printJSON(report) }
        switch report.outcome {
        case .printed: Glibc.exit(0)
        case .cancelled: Glibc.exit(ExitStatus.cancelled)
        case .failed(let reason): leave(reason)
        }
    }

    private func finish(failure: String) -> Never {
        if json { printJSON(PrintReport(outcome: .failed(failure))) }
        leave(failure)
    }

    private func printJSON(_ report: PrintReport) {
        var object: JSONObject = [:]
        switch report.outcome {
        case .printed: object["outcome"] = "printed"
        case .cancelled: object["outcome"] = "cancelled"
        case .failed(let reason):
            object["outcome"] = "failed"
            object["reason"] = .string(reason)
        }
        switch report.cancelScript {
        case .executed: object["cancel_script"] = "executed"
        case .failed(let reason):
            object["cancel_script"] = "failed"
            object["cancel_script_error"] = .string(reason)
        case nil: break
        }
        object["file"] = .string(file)
        object["lines"] = JSONValue(report.lines)
        object["bytes"] = JSONValue(report.bytes)
        object["resends"] = JSONValue(report.resends)
        object["seconds"] = .double((report.seconds * 1000).rounded() / 1000)
        if stats { object["stats"] = .object(Statistics.json(report.link)) }
        Terminal.line(JSONValue.object(object).wireText)
    }
}
