import ArgumentParser
import Gantry

/// How `power` and `storage` find the running daemon.
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
