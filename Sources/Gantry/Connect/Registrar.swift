import Glibc
import PrusaConnect

/// Registers a printer with Connect and stores its token in `prusa_printer_settings.ini`.
public final class Registrar: Sendable {
    private let printer: Printer
    private let settings: String
    private let server: ConnectServer
    private let mailbox = Mailbox<Result<Token, RegistrationError>>()

    /// Prepares a registration; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - configuration: the printer's model and serial number, and the path of the settings file.
    ///   - server: where to register instead of at the server of the settings file.
    public init(
        configuration: GantryConfiguration, server change: (ConnectServer) throws -> ConnectServer = { $0 }
    ) throws {
        guard let type = configuration.type else { throw ConfigurationError.noType }
        guard let serialNumber = configuration.serialNumber else { throw ConfigurationError.noSerialNumber }
        settings = configuration.settings
        try Self.requireWritable(settings)
        var connection = try ConnectSettings(INIFile.orEmpty(path: settings))
        connection.server = try change(connection.server)
        server = connection.server
        var info = PrinterInfo()
        info.firmware = configuration.firmware
        info.softwareVersion = gantryVersion
        printer = try Printer(type: type, serialNumber: serialNumber, connection: connection, info: info)
    }

    /// Asks for a code and waits until somebody has entered it; `onStep` is called with the code and with delays.
    /// The token is stored, never shown.
    public func run(
        name: String? = nil, location: String? = nil, onStep: @escaping @Sendable (RegistrationProgress) -> Void
    ) throws {
        printer.register(name: name, location: location) { [mailbox] progress in
            switch progress {
            case .code, .delayed: onStep(progress)
            case .registered(let token): mailbox.post(.success(token))
            case .failed(let error): mailbox.post(.failure(error))
            }
        }
        var result: Result<Token, RegistrationError>?
        while result == nil { result = mailbox.take(until: .now + 60).first }
        printer.stop()
        if let token = try result?.get() { try store(token) }
    }

    /// Ends `run` with `RegistrationError.cancelled`. Any thread.
    public func cancel() { printer.cancelRegistration() }

    /// A token that cannot be stored would be lost: better said before somebody enters the code.
    private static func requireWritable(_ path: String) throws(ConfigurationError) {
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard access(directory, W_OK | X_OK) == 0 else {
            let problem = String(cString: strerror(errno))
            throw .missing("\(path) cannot be written, and the token would be lost: \(directory): \(problem)")
        }
    }

    /// Reads the file anew: somebody may have changed it in half an hour.
    private func store(_ token: Token) throws {
        var file = try INIFile.orEmpty(path: settings)
        var connection = try ConnectSettings(file)
        connection.server = server
        connection.token = token
        try connection.store(in: &file)
        try file.write()
    }
}

extension INIFile {
    /// The file, or an empty one where there is none yet.
    static func orEmpty(path: String) throws(INIError) -> INIFile {
        do {
            return try INIFile(path: path)
        } catch {
            guard error.isMissingFile else { throw error }
            return try INIFile(text: "", path: path)
        }
    }
}

extension INIError {
    /// There is no such file.
    var isMissingFile: Bool {
        if case .file(let failure) = problem { failure.code == ENOENT } else { false }
    }
}
