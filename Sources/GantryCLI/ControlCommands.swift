import ArgumentParser
import Gantry

/// How `power`, `storage`, `resume` and `answer` find the running daemon.
struct ControlOptions: ParsableArguments {
    @Option(help: "Path of gantry.ini, for the socket of the running daemon.")
    var config: String?

    @Option(help: "Path of that socket.")
    var socket: String?

    /// Gives the daemon an order, prints its answer, leaves with 1 when it refuses.
    func ask(_ order: String) throws {
        let path =
            try socket ?? config.map { try GantryConfiguration(path: $0).controlSocket }
            ?? GantryConfiguration().controlSocket
        guard let answer = ControlSocket.ask(order, at: path), !answer.isEmpty else {
            leave("no daemon answers at \(path): is `gantry run` running, and may this user open that socket?")
        }
        if answer.hasPrefix("refused: ") { leave(String(answer.dropFirst("refused: ".count))) }
        print(answer)
    }
}

/// `gantry power`: the printer's relay.
struct PowerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "power", abstract: "Switch the printer's power relay, by the running daemon.")

    enum Action: String, ExpressibleByArgument, CaseIterable {
        case on, off, cycle, status
    }

    @Argument(help: "on, off, cycle (off and on again) or status.")
    var action: Action

    @Flag(help: "Off even in the middle of a print.")
    var force = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard !force || action == .off || action == .cycle else {
            throw ValidationError("--force belongs to off and cycle.")
        }
    }

    func run() throws {
        try control.ask("power \(action.rawValue)\(force ? " force" : "")")
    }
}

/// `gantry storage`: USB sticks.
struct StorageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "USB sticks of the running daemon.",
        subcommands: [List.self, Eject.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Name, folder and access of each stick.")
        @OptionGroup var control: ControlOptions

        func run() throws { try control.ask("storage list") }
    }

    struct Eject: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write out what waits and unmount; when this returns the stick may be pulled.")
        @Argument(help: "Name of the stick, see `gantry storage list`.")
        var name: String
        @OptionGroup var control: ControlOptions

        func run() throws { try control.ask("storage eject \(name)") }
    }
}

/// `gantry resume`: a print that was paused or interrupted.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a print of the running daemon that was paused or interrupted.",
        discussion: """
            After a crash or a restart of Gantry the print waits; where the printer kept its power it goes on with the very \
            next command. Where the printer lost its place this shows what has to be done to it; --recover does that.
            """)

    @Flag(help: "Prepare a printer that lost its place (heat, home X and Y, prime), then go on.")
    var recover = false

    @Flag(help: "Forget the print.")
    var discard = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard !recover || !discard else { throw ValidationError("--recover and --discard exclude each other.") }
    }

    func run() throws { try control.ask(recover ? "resume recover" : discard ? "resume discard" : "resume") }
}

/// `gantry answer`: what the printer asks.
struct AnswerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "Show what the printer of the running daemon asks, or answer it.")

    @Argument(help: "Number of the answer, from 1; without it the question is shown.")
    var number: Int?

    @OptionGroup var control: ControlOptions

    func validate() throws {
        guard number.map({ $0 > 0 }) ?? true else { throw ValidationError("The first answer is 1.") }
    }

    func run() throws { try control.ask(number.map { "answer \($0)" } ?? "answer") }
}
