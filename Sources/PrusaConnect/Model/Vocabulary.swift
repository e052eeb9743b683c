/// What the printer is doing, as Connect shows it. Section names are those of the Python SDK 0.8.1.
public enum PrinterState: String, Sendable, Hashable, CaseIterable {
    /// Nothing happens; whether the bed is empty is not known.
    case idle = "IDLE"
    /// Something other than a print is going on: start-up, homing, heating.
    case busy = "BUSY"
    /// A job runs.
    case printing = "PRINTING"
    /// A job waits.
    case paused = "PAUSED"
    /// A job is complete, and nobody has confirmed it yet.
    case finished = "FINISHED"
    /// A job was ended early, and nobody has confirmed it yet.
    case stopped = "STOPPED"
    /// The machine cannot be used.
    case error = "ERROR"
    /// Somebody has to do something at the printer.
    case attention = "ATTENTION"
    /// Idle, and somebody confirmed that a print may start.
    case ready = "READY"
}

/// What an event tells.
public enum EventKind: String, Sendable, Hashable, CaseIterable {
    /// A command was taken and will be answered.
    case accepted = "ACCEPTED"
    /// A command was refused.
    case rejected = "REJECTED"
    /// A command failed; without a command: trouble that nobody asked about.
    case failed = "FAILED"
    /// A command is done.
    case finished = "FINISHED"
    /// Facts about the printer, all or some.
    case info = "INFO"
    /// The printer's state.
    case stateChanged = "STATE_CHANGED"
    /// A storage is gone.
    case mediumEjected = "MEDIUM_EJECTED"
    /// A storage came.
    case mediumInserted = "MEDIUM_INSERTED"
    /// A file or folder came, changed or is gone.
    case fileChanged = "FILE_CHANGED"
    /// Metadata of a file.
    case fileInfo = "FILE_INFO"
    /// Facts about the job.
    case jobInfo = "JOB_INFO"
    /// Facts about the transfer of a file.
    case transferInfo = "TRANSFER_INFO"
    /// The heights of the bed mesh.
    case meshBedData = "MESH_BED_DATA"
    /// A transfer failed.
    case transferAborted = "TRANSFER_ABORTED"
    /// A transfer was stopped by somebody.
    case transferStopped = "TRANSFER_STOPPED"
    /// A transfer is complete.
    case transferFinished = "TRANSFER_FINISHED"
    /// The multi-material unit reports an error.
    case slotEvent = "SLOT_EVENT"
}

/// Who or what caused an event.
public enum EventSource: String, Sendable, Hashable, CaseIterable {
    /// The server.
    case connect = "CONNECT"
    /// A graphical user interface.
    case gui = "GUI"
    /// The printer software's own web interface, and whatever has no better source.
    case wui = "WUI"
    /// The serial line.
    case serial = "SERIAL"
    /// A line of G-code.
    case gcode = "GCODE"
    /// Marlin.
    case marlin = "MARLIN"
    /// The printer's firmware.
    case firmware = "FIRMWARE"
    /// The hardware.
    case hardware = "HW"
    /// A person at the printer.
    case user = "USER"
    /// The multi-material unit.
    case slot = "SLOT"
}
