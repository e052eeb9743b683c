import ArgumentParser
import Glibc
import Simulators
import Synchronization

/// `gantry simulate printer`: a Marlin printer behind a pseudo-terminal.
struct SimulatePrinterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "printer", abstract: "A simulated Marlin printer behind a pseudo-terminal, until Ctrl-C.",
        discussion: """
            Prints the path of its port; at the end what it saw, as one line. Faults are given as words, for example
            --faults "seed=7 in-flip=0.0005 lost-ok=0.01": in-flip, in-loss, in-double, out-flip, out-loss, out-double
            (chances a byte), lost-ok, doubled-ok, late-ok (chances an ok), late-ok-ms, reset-after, silent-after,
            end-after (commands).
            """)

    @Option(help: "Symbolic link that points to the port.")
    var link: String?

    @Option(help: "Pace the wire at this baud rate.")
    var baud: UInt32?

    @Flag(help: "A wire without pace (the default).")
    var unpaced = false

    @Option(help: ArgumentHelp("Firmware: \(FirmwareProfile.all.map(\.name).joined(separator: ", "))."))
    var firmware = FirmwareProfile.marlin2.name

    @Flag(help: "The firmware reads MeatPack.")
    var meatpack = false

    @Option(help: "How many times faster than real the printer moves and heats.")
    var speed = 1.0

    @Option(help: "Faults, see below.")
    var faults = ""

    @Flag(help: "Restart the board when its port is opened.")
    var resetOnOpen = false

    @Option(help: "At the end, write the commands that it executed to this file, one a line.")
    var record: String?

    func validate() throws {
        guard FirmwareProfile.named(firmware) != nil else { throw ValidationError("There is no firmware \(firmware).") }
        guard FaultPlan(faults) != nil else {
            throw ValidationError("--faults: a word is unknown or its value no number.")
        }
        guard speed > 0 else { throw ValidationError("--speed takes a number above 0.") }
        guard baud == nil || !unpaced else { throw ValidationError("Give either --baud or --unpaced.") }
    }

    func run() throws {
        let profile = FirmwareProfile.named(firmware) ?? .marlin2
        var printer = MarlinPrinter.Configuration(profile: meatpack ? profile.with(.meatPack) : profile)
        printer.baud = baud
        printer.timeScale = speed
        printer.faults = FaultPlan(faults) ?? .none
        printer.keepsCommands = record != nil
        var options = PrinterSimulator.Options(printer: printer)
        options.link = link
        options.resetsOnOpen = resetOnOpen
        let record = record
        let simulator = PrinterSimulator(options)
        SignalWatch.begin { _ in
            let snapshot = simulator.snapshot()
            if let record { Self.write(simulator.executedCommands, to: record) }
            simulator.stop()
            Terminal.line(Self.summary(snapshot))
            Glibc.exit(0)
        }
        let path = try simulator.start()
        Terminal.line(link ?? path)
        while true { pause() }
    }

    private static func write(_ commands: [String], to path: String) {
        guard let file = fopen(path, "w") else { return Terminal.error("\(path) cannot be written (error \(errno))") }
        for command in commands { fputs(command + "\n", file) }
        fclose(file)
    }

    private static func summary(_ snapshot: PrinterSnapshot) -> String {
        let statistics = snapshot.statistics
        return [
            "executed=\(statistics.commandsExecuted)", "received=\(statistics.linesReceived)",
            "bytes=\(statistics.bytesReceived)", "resends=\(statistics.resendsRequested)",
            "overflows=\(statistics.overflows)", "faults=\(statistics.faults)", "digest=\(snapshot.digest)",
        ].joined(separator: " ")
    }
}
