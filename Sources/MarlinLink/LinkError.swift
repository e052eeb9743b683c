#if canImport(Glibc)
    import Glibc
#endif

/// What can go wrong between Gantry and the printer's port, or with the file that is to be printed.
public enum LinkError: Error, Sendable, Equatable {
    /// There is no such device.
    case portMissing(path: String)
    /// The port was to be found, and there is none or more than one to choose from; the text says which.
    case portNotFound(String)
    /// Another program has the port.
    case portBusy(path: String)
    /// This user may not open the port.
    case portForbidden(path: String)
    /// The path names something that is no serial port.
    case notATerminal(path: String)
    /// The driver does not take the baud rate.
    case baudRefused(path: String, baud: UInt32)
    /// The port could not be opened or set up; `errno` says why.
    case portFailed(path: String, errno: Int32)
    /// The port went away: the cable was pulled, the printer's USB chip was reset.
    case portLost(path: String, errno: Int32)
    /// Nothing came from the printer.
    case noAnswer(path: String)
    /// Bytes came, none of which are text: the baud rate is not the printer's.
    case wrongBaud(path: String, baud: UInt32)
    /// Text came, but not from a firmware that says `ok`.
    case notAPrinter(path: String)
    /// The printer does not agree on a line count.
    case notSynchronised(path: String)
    /// The order needs a printer that is connected and greeted.
    case notReady
    /// A job runs already.
    case jobRunning
    /// No job runs that this could be done to.
    case noJob
    /// A command is empty or longer than the firmware takes.
    case badCommand(String)
    /// More commands wait than the lane holds.
    case laneFull
    /// The command was not answered in time.
    case commandTimedOut(String)
    /// The command was dropped, because the printer restarted or the link went down.
    case commandDropped(String)
    /// The port has no line that could reset the printer.
    case noResetLine(path: String)
}

extension LinkError: CustomStringConvertible {
    /// What happened, to what, and what to do.
    public var description: String {
        switch self {
        case .portMissing(let path):
            "There is no serial port \(path). Is the printer connected and switched on? `gantry doctor` lists the ports."
        case .portNotFound(let text):
            text
        case .portBusy(let path):
            "Another program uses \(path). Stop it (OctoPrint, a slicer, a second Gantry) and try again."
        case .portForbidden(let path):
            "No permission to open \(path). Join the group that owns it, usually: sudo usermod -aG dialout $USER, "
                + "then log in again."
        case .notATerminal(let path):
            "\(path) is no serial port."
        case .baudRefused(let path, let baud):
            "The driver of \(path) does not take \(baud) baud. Printers use 115200 or 250000."
        case .portFailed(let path, let errno):
            "\(path) cannot be used: \(message(errno))."
        case .portLost(let path, let errno):
            "The connection to the printer on \(path) was lost"
                + (errno == 0 ? "" : " (\(message(errno)))") + ". Check cable and power."
        case .noAnswer(let path):
            "No answer from a printer on \(path). Is it switched on, and is this its port?"
        case .wrongBaud(let path, let baud):
            "What comes from \(path) at \(baud) baud is no text: the baud rate is wrong. Try 115200 or 250000."
        case .notAPrinter(let path):
            "What answers on \(path) does not say `ok` as Marlin does. Is this the printer's port?"
        case .notSynchronised(let path):
            "The printer on \(path) does not take a line count (M110). Is the wire disturbed?"
        case .notReady:
            "The printer is not connected."
        case .jobRunning:
            "A print is running already."
        case .noJob:
            "No print is running."
        case .badCommand(let command):
            "The command is empty or too long for the firmware: \(command.prefix(100))"
        case .laneFull:
            "Too many commands wait for the printer. Try again in a moment."
        case .commandTimedOut(let command):
            "The printer did not answer \(command) in time."
        case .commandDropped(let command):
            "\(command) was not sent: the printer restarted or the connection was lost."
        case .noResetLine(let path):
            "\(path) has no line that could reset the printer. Reset it by hand."
        }
    }
}

/// The system's words for an error number.
func message(_ code: Int32) -> String {
    guard let text = strerror(code) else { return "error \(code)" }
    return String(cString: text)
}
