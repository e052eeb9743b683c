/// The transfer of a file to the printer. There is one at a time.
public struct Transfer: Sendable, Hashable {
    /// Where the file comes from.
    public enum Kind: String, Sendable, Hashable {
        /// From any address, by `START_URL_DOWNLOAD`.
        case fromWeb = "FROM_WEB"
        /// From Connect, by `START_CONNECT_DOWNLOAD`.
        case fromConnect = "FROM_CONNECT"
    }

    /// Its number, 1 to 2³²−1, by chance.
    public let id: UInt64
    /// Where the file comes from.
    public let kind: Kind
    /// Where it goes, as Connect knows it: `/local/box.gcode`.
    public let path: String
    /// The address it comes from.
    public let url: String
    /// The command that started it; `nil` when the application did.
    public let startCommandID: UInt64?
    /// Whether the file shall be printed when it is there.
    public let isToPrint: Bool
    /// Whether the file shall be selected when it is there. Connect sends it, and nobody is known to use it.
    public let isToSelect: Bool
    /// Bytes of the file; `nil` while the server has not told.
    public internal(set) var size: UInt64?
    /// Bytes that are on the storage.
    public internal(set) var transferred: UInt64 = 0

    /// Progress in percent with two decimals; 0 without size (Python SDK 0.8.1).
    public var progress: Double {
        guard let size, size > 0 else { return 0 }
        return (Double(transferred) / Double(size) * 10_000).rounded() / 100
    }
}

/// How a transfer ended.
public enum TransferEnd: Sendable, Hashable {
    /// The file is complete and in its place.
    case finished
    /// Somebody stopped it.
    case stopped(EventSource)
    /// It failed; a text for people that names no paths of the host.
    case aborted(String)
}

/// Why a transfer cannot be started.
public enum TransferError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One at a time.
    case busy
    /// No address to download from.
    case invalidURL(String)
    /// There is no server to download from.
    case noServer
    /// Team or hash of a file at Connect is nothing that could stand in an address.
    case invalidFile

    /// What happened.
    public var description: String {
        switch self {
        case .busy: "Another transfer in progress"
        case .invalidURL(let text): "Not an http or https address without a user name: \(text.prefix(200))"
        case .noServer: "No Connect server is set"
        case .invalidFile: "Invalid team_id or hash"
        }
    }
}
