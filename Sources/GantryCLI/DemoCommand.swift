import ArgumentParser
import Gantry
import Glibc
import MarlinLink
import Simulators

/// `gantry demo`: the main job on embedded defaults.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Register, connect and print from end to end, against a simulated printer and Connect server.",
        discussion: """
            A simulated Marlin printer behind a real pseudo-terminal at 250000 baud, a simulated Connect server on
            loopback, the real daemon between them: the printer is registered, Connect starts the print of a generated
            file and watches it. Moves and heating run faster than real. Ends with what was proved; exit status 0 when
            all of it was.
            """)

    @Option(help: "How many times faster than real the printer moves and heats.")
    var speed = 200.0

    @Option(help: "Layers of the printed gear.")
    var layers = 22

    func validate() throws {
        guard speed >= 1 else { throw ValidationError("--speed takes 1 or more.") }
        guard (1...500).contains(layers) else { throw ValidationError("--layers takes 1 to 500.") }
    }

    func run() throws {
        let demo = try Demo(speed: speed, layers: layers)
        SignalWatch.begin { _ in
            demo.cleanUp()
            _exit(ExitStatus.cancelled)
        }
        defer { demo.cleanUp() }
        let proof = try demo.run()
        for line in proof.lines { Terminal.line(line) }
        if !proof.isComplete { throw ExitCode(ExitStatus.failed) }
    }
}
