/// Why a registration ended without a token.
public enum RegistrationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no server to register at.
    case noServer
    /// The server refused; repeating would not help.
    case refused(status: Int, message: String)
    /// The answer lacks what it must have.
    case invalidAnswer(String)
    /// Nobody used the code in time.
    case expired
    /// The application ended it, or started another one.
    case cancelled
    /// libcurl or a thread is missing.
    case notStarted(String)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .noServer: "no Connect server is set: set Printer.connection first"
        case .refused(let status, let message):
            "Connect refused the registration (\(status))\(message.isEmpty ? "" : ": \(message)")"
        case .invalidAnswer(let what): "Connect's answer to the registration is incomplete: \(what)"
        case .expired: "nobody entered the code within 30 minutes: start the registration again"
        case .cancelled: "the registration was cancelled"
        case .notStarted(let problem): "the registration cannot start: \(problem)"
        }
    }
}

/// The code that a user enters to add the printer.
public struct RegistrationCode: Sendable, Hashable {
    /// The code; the real server's have ten characters.
    public let code: String
    /// The page to open: it has the code and the printer's type filled in.
    public let url: String
}

/// What a registration reports.
public enum RegistrationProgress: Sendable, Hashable {
    /// The code is here: show it. The registration goes on until somebody uses it.
    case code(RegistrationCode)
    /// Something keeps the registration from going on; it will be tried again.
    case delayed(String)
    /// Done: the printer has its token. Store it: ``ConnectSettings/store(in:)``.
    case registered(Token)
    /// Ended without token.
    case failed(RegistrationError)

    /// Whether nothing more follows.
    public var isEnd: Bool {
        switch self {
        case .registered, .failed: true
        case .code, .delayed: false
        }
    }
}
