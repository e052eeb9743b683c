import ArgumentParser
import Simulators

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "demo")
    func run() throws {}
}
