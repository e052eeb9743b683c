import ArgumentParser
import BoardIO
import Gantry
import PrusaConnect

/// `gantry doctor`: what this machine has that Gantry could use.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show library versions and what was found on this board.")

    func run() throws {
        print("gantry \(gantryVersion)")
        for line in BoardReport().lines { print(line) }
    }
}
