import MarlinLink

/// Why the machine does not do what it was told.
public enum MachineError: Error, Sendable, CustomStringConvertible {
    /// The order does not fit the state.
    case wrongState(String)
    /// The link refused or broke.
    case link(LinkError)
    /// The file cannot be printed.
    case file(JobFileError)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .wrongState(let text): text
        case .link(let error): error.description
        case .file(let error): error.description
        }
    }
}
