import ArgumentParser
import Gantry
import Glibc
import MarlinLink

/// The `gantry` command.
struct GantryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gantry",
        abstract: "Prusa Connect and gap-free streaming for any Marlin printer.",
        subcommands: [
            PrintCommand.self, RunCommand.self, RegisterCommand.self, DemoCommand.self, SimulateCommand.self,
            DoctorCommand.self, PowerCommand.self, StorageCommand.self, ResumeCommand.self, AnswerCommand.self,
        ])
}

/// Exit statuses, the same for all subcommands.
enum ExitStatus {
    static let failed: Int32 = 1
    static let usage: Int32 = 2
    static let cancelled: Int32 = 130
}

/// Says why on standard error and leaves.
func leave(_ text: String, status: Int32 = ExitStatus.failed) -> Never {
    Terminal.error("gantry: \(text)")
    exit(status)
}

@main
enum Main {
    static func main() {
        // A peer that went away is an error of the write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        keepStandardDescriptors()
        do {
            var command = try GantryCommand.parseAsRoot()
            StartupMemory.release()
            try command.run()
        } catch let error as ExitCode {
            exit(error.rawValue)
        } catch {
            let code = GantryCommand.exitCode(for: error)
            if code == .success {
                print(GantryCommand.fullMessage(for: error))
            } else if code == .validationFailure {
                Terminal.error(GantryCommand.fullMessage(for: error))
                exit(ExitStatus.usage)
            } else {
                leave("\(error)")
            }
        }
    }

    /// Somebody may have started us with standard descriptors closed: the serial port would get one of their numbers, and
    /// what is meant for a person would go to the printer.
    private static func keepStandardDescriptors() {
        var descriptor = open("/dev/null", O_RDWR)
        while descriptor >= 0, descriptor <= STDERR_FILENO { descriptor = open("/dev/null", O_RDWR) }
        if descriptor > STDERR_FILENO { close(descriptor) }
    }
}
