import ArgumentParser
import Gantry
import Glibc
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
        guard let type = configuration.type else {
            throw ValidationError("Which model is the printer? Set --type to \(GantryConfiguration.typeHint).")
        }
        guard let serialNumber = configuration.serialNumber else {
            throw ValidationError(
                "Set --serial-number, or serial_number in gantry.ini: Connect knows the printer by it.")
        }
        var file = try settingsFile(configuration.settings)
        var connection = try ConnectSettings(file)
        connection.server = try server(connection.server)
        var info = PrinterInfo()
        info.firmware = configuration.firmware
        info.softwareVersion = gantryVersion
        let printer = try Printer(type: type, serialNumber: serialNumber, connection: connection, info: info)
        connection.token = try token(from: printer)
        try connection.store(in: &file)
        try file.write()
        print("Registered. The token is in \(configuration.settings).")
    }

    /// The settings file, or an empty one when there is none yet.
    private func settingsFile(_ path: String) throws -> INIFile {
        access(path, F_OK) == 0 ? try INIFile(path: path) : try INIFile(text: "", path: path)
    }

    private func server(_ known: ConnectServer) throws -> ConnectServer {
        guard
            let server = ConnectServer(
                host: hostname ?? known.host, port: serverPort ?? (hostname == nil ? known.port : nil),
                usesTLS: tls ?? (hostname == nil ? known.usesTLS : true))
        else { throw ValidationError("--hostname takes a host name or an address.") }
        return server
    }

    private func token(from printer: Printer) throws -> Token {
        SignalWatch.begin { _ in
            printer.cancelRegistration()
        }
        let results = ResultBox()
        printer.register(name: name, location: location) { progress in
            switch progress {
            case .code(let code):
                print("Code: \(code.code)\nEnter it on \(code.url)\nWaiting for you, for 30 minutes …")
            case .delayed(let reason):
                Terminal.error("gantry: \(reason); trying again")
            case .registered(let token):
                results.put(.success(token))
            case .failed(let error):
                results.put(.failure(error))
            }
        }
        let result = results.wait()
        printer.stop()
        switch result {
        case .success(let token): return token
        case .failure(.cancelled): leave("cancelled", status: ExitStatus.cancelled)
        case .failure(let error): leave("The registration failed: \(error)")
        }
    }
}

/// Waits for one result of another thread.
private final class ResultBox: Sendable {
    private let mailbox = Mailbox<Result<Token, RegistrationError>>()

    func put(_ result: Result<Token, RegistrationError>) { mailbox.post(result) }

    func wait() -> Result<Token, RegistrationError> {
        while true {
            if let result = mailbox.take(until: .now + 3600).first { return result }
        }
    }
}
