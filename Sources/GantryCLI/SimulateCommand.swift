import ArgumentParser

/// `gantry simulate`: the other side of both wires, for people who write hosts.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Run a simulated printer or Connect server alone.",
        subcommands: [SimulatePrinterCommand.self, SimulateConnectCommand.self])
}
