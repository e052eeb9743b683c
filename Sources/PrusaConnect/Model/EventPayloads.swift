// The `data` of events whose form the server knows (PrusaLink, Buddy firmware).

/// What JOB_INFO tells about the job. What is `nil` is not sent.
public struct JobInfo: Sendable, Hashable {
    /// How a job stands or ended (Buddy firmware).
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It runs.
        case printing = "PRINTING"
        /// It waits.
        case paused = "PAUSED"
        /// It was ended early.
        case stopped = "FIN_STOPPED"
        /// It ended by an error.
        case failed = "FIN_ERROR"
        /// It is complete.
        case complete = "FIN_OK"
        /// It is complete, and the part was taken off by the printer itself.
        case harvested = "FIN_HARVESTED"
    }

    /// How long it has been printing, s.
    public var timePrinting: Int?
    /// How long it will take, s.
    public var timeRemaining: Int?
    /// Progress, 0 to 100 %.
    public var progress: Int?
    /// Whether only a part of ``path`` is known.
    public var isPathIncomplete = false
    /// The command that started it.
    public var startCommandID: UInt64?
    /// The file as the server names it, for example `/local/box.gcode`.
    public var path: String?
    /// The file's name as people gave it.
    public var displayName: String?
    /// When the file was written, s since 1 January 1970 UTC.
    public var modified: Int64?
    /// Length of the file, bytes.
    public var size: UInt64?
    /// Whether the printer reads the file from its own SD card.
    public var isFromSD: Bool?
    /// Heights of the bed mesh in mm, row by row.
    public var meshHeights: [Double]?
    /// How it stands.
    public var state: State?

    /// A job of which nothing is known yet.
    public init() {}

    /// As the data of an event, in PrusaLink's order.
    public var data: JSONObject {
        var data = JSONObject()
        data.set("time_printing", timePrinting)
        data.set("time_remaining", timeRemaining)
        data.set("progress", progress)
        if isPathIncomplete { data["path_incomplete"] = true }
        data.set("start_cmd_id", startCommandID)
        data.set("path", path)
        data.set("display_name", displayName)
        data["m_timestamp"] = modified.map(JSONValue.int)
        data.set("size", size)
        data.set("from_sd", isFromSD)
        data["mbl"] = meshHeights.map { .array($0.map(JSONValue.double)) }
        data.set("state", state?.rawValue)
        return data
    }
}

extension CommandResult {
    /// The answer to SEND_JOB_INFO.
    public static func jobInfo(_ info: JobInfo, source: EventSource = .connect) -> CommandResult {
        .answer(.jobInfo, source: source, data: info.data)
    }
}

/// An error of the multi-material unit, as SLOT_EVENT and STATE_CHANGED name it: `04` and three digits.
public struct SlotErrorCode: Sendable, Hashable, CustomStringConvertible {
    /// 101 to 108 the filament's way, 115 and 116 selector, 125 and 126 idler, 201 to 222 temperature, 301 to 325
    /// electricity, 401 and 402 connection, 501 to 508 software and handling.
    public let number: Int

    /// A code by the unit's own number of the error, 0 to 999; `nil` for others. The Python SDK's users send `04None`
    /// for errors that they do not know: leave those out.
    public init?(_ number: Int) {
        guard (0...999).contains(number) else { return nil }
        self.number = number
    }

    /// For example `04101`.
    public var description: String {
        let digits = String(number)
        return "04" + String(repeating: "0", count: 3 - digits.count) + digits
    }
}

extension Telemetry.SlotTelemetry {
    /// What the unit is doing (the numbers of its firmware's progress codes).
    public enum Progress: Int, Sendable, Hashable, CaseIterable {
        /// Nothing.
        case ok = 0
        /// Engages the idler.
        case engagingIdler = 1
        /// Disengages the idler.
        case disengagingIdler = 2
        /// Unloads to the FINDA sensor.
        case unloadingToFinda = 3
        /// Unloads to the pulley.
        case unloadingToPulley = 4
        /// Feeds to the FINDA sensor.
        case feedingToFinda = 5
        /// Feeds to the extruder.
        case feedingToExtruder = 6
        /// Feeds to the nozzle.
        case feedingToNozzle = 7
        /// Avoids grinding the filament.
        case avoidingGrind = 8
        /// Selects a slot.
        case selectingSlot = 18
        /// Parks the selector.
        case parkingSelector = 23
        /// Ejects filament.
        case ejecting = 24
        /// Retracts from the FINDA sensor.
        case retractingFromFinda = 25
        /// Homes.
        case homing = 26
        /// Moves the selector.
        case movingSelector = 27
        /// Feeds to the filament sensor.
        case feedingToSensor = 28
    }

    /// ``state`` as a word; `nil` for the codes of errors (10 to 15), the cutter (19 to 22), and unknown ones.
    public var doing: Progress? {
        get { state.flatMap(Progress.init(rawValue:)) }
        set { state = newValue?.rawValue }
    }
}
