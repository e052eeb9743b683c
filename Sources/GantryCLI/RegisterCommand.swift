import ArgumentParser
import Gantry
import PrusaConnect

/// `gantry register`: from an unknown printer to a token in `prusa_printer_settings.ini`.
struct RegisterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register", abstract: "Register the printer with Prusa Connect and store its token.",
        discussion: "Prints a code and the page to enter it on, waits for it, and stores the token.")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "Connect server; the one in the settings file, or connect.prusa3d.com.")
    var hostname: String?

    @Option(help: "Port of the server.")
    var serverPort: UInt16?

    @Flag(inversion: .prefixedNo, help: "Speak TLS with the server.")
    var tls: Bool?

    @Option(help: "Name of the printer, filled in on the page.")
    var name: String?

    @Option(help: "Place of the printer, filled in on the page.")
    var location: String?

    func run() throws {
        let configuration = try options.load()
        let registrar = try Registrar(configuration: configuration, server: server)
        SignalWatch.begin { _ in registrar.cancel() }
        do {
            try registrar.run(name: name, location: location) { step in
                switch step {
                case .code(let code):
                    Terminal.line("Code: \(code.code)\nEnter it on \(code.url)\nWaiting for you, for 30 minutes …")
                case .delayed(let reason):
                    Terminal.error("gantry: \(reason); trying again")
                case .registered, .failed:
                    break
                }
            }
        } catch RegistrationError.cancelled {
            leave("cancelled", status: ExitStatus.cancelled)
        }
        Terminal.line("Registered. The token is in \(configuration.settings).")
    }

    private func server(_ known: ConnectServer) throws -> ConnectServer {
        guard
            let server = ConnectServer(
                host: hostname ?? known.host, port: serverPort ?? (hostname == nil ? known.port : nil),
                usesTLS: tls ?? (hostname == nil ? known.usesTLS : true))
        else { throw ValidationError("--hostname takes a host name or an address.") }
        return server
    }
}
