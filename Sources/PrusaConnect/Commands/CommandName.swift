/// The name of a command. The server may send names that the library does not know; they can be handled all the same.
public struct CommandName: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name on the wire, for example `START_PRINT`.
    public let rawValue: String

    /// A command by its name on the wire.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The name on the wire.
    public var description: String { rawValue }
}

extension CommandName {
    /// Asks for everything about the printer. Answered by the library.
    public static let sendInfo = CommandName(rawValue: "SEND_INFO")
    /// Asks for the state. Answered by the library.
    public static let sendStateInfo = CommandName(rawValue: "SEND_STATE_INFO")
    /// Asks for a file's metadata. Keyword `path`.
    public static let sendFileInfo = CommandName(rawValue: "SEND_FILE_INFO")
    /// Asks for the job.
    public static let sendJobInfo = CommandName(rawValue: "SEND_JOB_INFO")
    /// Asks for the transfer. Keyword `transfer_id`.
    public static let sendTransferInfo = CommandName(rawValue: "SEND_TRANSFER_INFO")
    /// Runs lines of G-code: ``Command/gcode``, ``Command/isForced``.
    public static let gcode = CommandName(rawValue: "GCODE")
    /// Starts a print: ``Command/path()``, ``Command/toolMapping()``.
    public static let startPrint = CommandName(rawValue: "START_PRINT")
    /// Stops the print.
    public static let stopPrint = CommandName(rawValue: "STOP_PRINT")
    /// Pauses the print.
    public static let pausePrint = CommandName(rawValue: "PAUSE_PRINT")
    /// Resumes the print.
    public static let resumePrint = CommandName(rawValue: "RESUME_PRINT")
    /// Resets the printer. Comes before a command that runs.
    public static let resetPrinter = CommandName(rawValue: "RESET_PRINTER")
    /// Upgrades the software.
    public static let upgrade = CommandName(rawValue: "UPGRADE")
    /// Loads filament: ``Command/filamentTemperatures()``.
    public static let loadFilament = CommandName(rawValue: "LOAD_FILAMENT")
    /// Unloads filament: ``Command/filamentTemperatures()``.
    public static let unloadFilament = CommandName(rawValue: "UNLOAD_FILAMENT")
    /// Somebody confirmed that a print may start. Answered by the library.
    public static let setPrinterReady = CommandName(rawValue: "SET_PRINTER_READY")
    /// Takes that back. Answered by the library.
    public static let cancelPrinterReady = CommandName(rawValue: "CANCEL_PRINTER_READY")
    /// Presses a button of a dialog: ``Command/dialogAction()``. Without a handler it is refused: the Python SDK 0.8.1
    /// claims FINISHED although nothing was pressed.
    public static let dialogAction = CommandName(rawValue: "DIALOG_ACTION")
    /// Acts on the multi-material unit: ``Command/slotAction()``.
    public static let slotAction = CommandName(rawValue: "SLOT_ACTION")
    /// Makes a folder. Keyword `path`.
    public static let createFolder = CommandName(rawValue: "CREATE_FOLDER")
    /// Older name of ``createFolder``.
    public static let createDirectory = CommandName(rawValue: "CREATE_DIRECTORY")
    /// Deletes a file. Keyword `path`.
    public static let deleteFile = CommandName(rawValue: "DELETE_FILE")
    /// Deletes a folder. Keywords `path`, `force`.
    public static let deleteFolder = CommandName(rawValue: "DELETE_FOLDER")
    /// Older name of ``deleteFolder``.
    public static let deleteDirectory = CommandName(rawValue: "DELETE_DIRECTORY")
    /// Downloads from a URL. Keywords `url`, `path`, `printing`, `selecting`.
    public static let startURLDownload = CommandName(rawValue: "START_URL_DOWNLOAD")
    /// Downloads from Connect. Keywords `team_id`, `hash`, `path`, `printing`, `selecting`.
    public static let startConnectDownload = CommandName(rawValue: "START_CONNECT_DOWNLOAD")
    /// Stops the transfer. Keyword `transfer_id`.
    public static let stopTransfer = CommandName(rawValue: "STOP_TRANSFER")
    /// Sets a value such as `chamber.target_temp`: ``Command/valuesToSet()``. In the Python SDK after 0.8.1.
    public static let setValue = CommandName(rawValue: "SET_VALUE")
    /// Confirms that a job is over. Buddy firmware only.
    public static let setIdle = CommandName(rawValue: "SET_IDLE")
    /// Leaves out one object of the print. Keyword `id`. Buddy firmware only.
    public static let cancelObject = CommandName(rawValue: "CANCEL_OBJECT")
    /// Takes that back. Keyword `id`. Buddy firmware only.
    public static let uncancelObject = CommandName(rawValue: "UNCANCEL_OBJECT")
    /// Another name of ``resetPrinter``. Buddy firmware only.
    public static let reset = CommandName(rawValue: "RESET")
    /// Another name of ``startConnectDownload``. Buddy firmware only.
    public static let startInlineDownload = CommandName(rawValue: "START_INLINE_DOWNLOAD")
    /// Downloads an encrypted file. Keywords `path`, `key`, `iv`, `orig_size`, `port`. Buddy firmware only.
    public static let startEncryptedDownload = CommandName(rawValue: "START_ENCRYPTED_DOWNLOAD")
    /// Gives the printer another token. Keyword `token`. Buddy firmware only.
    public static let setToken = CommandName(rawValue: "SET_TOKEN")

    /// The commands of the Python SDK 0.8.1 and the one that it got afterwards, `SET_VALUE`. Without a handler they are answered "Not Implemented", all others
    /// "Unknown command".
    public static let known: Set<CommandName> = [
        .sendInfo, .sendStateInfo, .sendFileInfo, .sendJobInfo, .sendTransferInfo, .gcode, .startPrint, .stopPrint,
        .pausePrint, .resumePrint, .resetPrinter, .upgrade, .loadFilament, .unloadFilament, .setPrinterReady,
        .cancelPrinterReady, .dialogAction, .slotAction, .createFolder, .createDirectory, .deleteFile, .deleteFolder,
        .deleteDirectory, .startURLDownload, .startConnectDownload, .stopTransfer,
        .setValue,
    ]
}
