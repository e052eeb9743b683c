/// What the printer measures now. Fields that are `nil` are not sent.
///
/// Names and units on the wire are those that the server knows from PrusaLink and Buddy firmware. The state, the id
/// of a running command and the id of the job are added by ``Printer``.
public struct Telemetry: Sendable, Hashable {
    /// Temperature of the nozzle, °C.
    public var nozzleTemperature: Double?
    /// Temperature of the bed, °C.
    public var bedTemperature: Double?
    /// Target temperature of the nozzle, °C.
    public var nozzleTarget: Double?
    /// Target temperature of the bed, °C.
    public var bedTarget: Double?
    /// Position in mm. Leave it out while printing: the server does not want it then.
    public var x: Double?
    /// Position in mm. Leave it out while printing: the server does not want it then.
    public var y: Double?
    /// Height in mm.
    public var z: Double?
    /// Speed of the hotend's fan, rpm.
    public var extruderFan: Int?
    /// Speed of the hotend's fan, rpm; PrusaLink sends the same value here and as ``extruderFan``.
    public var hotendFan: Int?
    /// Speed of the print fan, rpm.
    public var printFan: Int?
    /// Power of the hotend's fan as the firmware reports it.
    public var extruderFanTarget: Int?
    /// Power of the hotend's fan as the firmware reports it.
    public var hotendFanTarget: Int?
    /// Power of the print fan as the firmware reports it.
    public var printFanTarget: Int?
    /// Progress of the job, 0 to 100 %.
    public var progress: Int?
    /// Filament used in this job, mm.
    public var filamentUsed: Double?
    /// Flow, %.
    public var flow: Int?
    /// Speed, %.
    public var speed: Int?
    /// How long the job has been printing, s.
    public var timePrinting: Int?
    /// How long the job will take, s.
    public var timeRemaining: Int?
    /// Time to the next pause or colour change, s.
    public var filamentChangeIn: Int?
    /// Whether the times are a guess.
    public var inaccurateEstimates: Bool?
    /// Name of the material, for example `PLA`.
    public var material: String?
    /// Filament used in the printer's life, mm.
    public var totalFilament: Int?
    /// Time printed in the printer's life, s.
    public var totalPrintTime: Int?
    /// Way of the axes in the printer's life.
    public var odometer: Odometer?
    /// State of the multi-material unit; leave it out while none is connected.
    public var slot: SlotTelemetry?
    /// The dialog on the printer's screen.
    public var dialogID: UInt64?
    /// Temperature of the heatbreak, °C.
    public var heatbreakTemperature: Double?
    /// Temperature of the power supply, °C.
    public var powerSupplyTemperature: Double?
    /// Temperature around the printer, °C.
    public var ambientTemperature: Double?
    /// Filament sensor in the extruder.
    public var extruderFilamentSensor: FilamentSensorState?
    /// Filament sensor at the spool.
    public var remoteFilamentSensor: FilamentSensorState?
    /// The enclosure of an XL.
    public var enclosure: EnclosureTelemetry?
    /// The heated chamber of a CORE One.
    public var chamber: ChamberTelemetry?
    /// A transfer of the application's own, for example an upload. The library's downloads are told without it, and
    /// instead of it.
    public var transfer: TransferTelemetry?
    /// Further fields by their names on the wire; they follow the others and win over them.
    public var extra = JSONObject()

    /// Telemetry that says nothing yet.
    public init() {}
}

extension Telemetry {
    /// State of a filament sensor (Buddy firmware).
    public enum FilamentSensorState: String, Sendable, Hashable {
        /// Not started.
        case notInitialized = "NOT_INITIALIZED"
        /// Not calibrated.
        case notCalibrated = "NOT_CALIBRATED"
        /// Sees filament.
        case hasFilament = "HAS_FILAMENT"
        /// Sees none.
        case noFilament = "NO_FILAMENT"
        /// Not there.
        case notConnected = "NOT_CONNECTED"
        /// Switched off.
        case disabled = "DISABLED"
    }

    /// Way of the axes in the printer's life, in the firmware's own unit.
    public struct Odometer: Sendable, Hashable {
        /// Way of X.
        public var x: Int?
        /// Way of Y.
        public var y: Int?
        /// Way of Z.
        public var z: Int?
        /// Way of the extruder.
        public var e: Int?

        /// Ways of the axes; `nil` is not sent.
        public init(x: Int? = nil, y: Int? = nil, z: Int? = nil, e: Int? = nil) {
            (self.x, self.y, self.z, self.e) = (x, y, z, e)
        }
    }

    /// The enclosure of an XL.
    public struct EnclosureTelemetry: Sendable, Hashable {
        /// Temperature, °C.
        public var temperature: Int?
        /// Speed of the fan, rpm.
        public var fan: Int?
        /// Time the filter was in use.
        public var timeInUse: Int?

        /// An enclosure; `nil` is not sent.
        public init(temperature: Int? = nil, fan: Int? = nil, timeInUse: Int? = nil) {
            (self.temperature, self.fan, self.timeInUse) = (temperature, fan, timeInUse)
        }
    }

    /// The heated chamber of a CORE One.
    public struct ChamberTelemetry: Sendable, Hashable {
        /// Temperature, °C.
        public var temperature: Double?
        /// Target temperature, °C.
        public var target: Double?
        /// Speed of the first fan, rpm.
        public var fan1: Int?
        /// Speed of the second fan, rpm.
        public var fan2: Int?
        /// Power wanted of the fans.
        public var fanTarget: Int?
        /// Brightness of the light.
        public var light: Int?

        /// A chamber about which nothing is known yet.
        public init() {}
    }

    /// The transfer of a file that is going on.
    public struct TransferTelemetry: Sendable, Hashable {
        /// Its id.
        public var id: UInt64
        /// Progress, %.
        public var progress: Double?
        /// Time it will take, s; `nil` while unknown.
        public var timeRemaining: Int?
        /// Bytes transferred.
        public var transferred: UInt64?
        /// Time since its start, s.
        public var timeTransferring: Int?

        /// A transfer by its id.
        public init(id: UInt64) { self.id = id }
    }

    /// State of the multi-material unit.
    public struct SlotTelemetry: Sendable, Hashable {
        /// What is in one slot.
        public struct Filament: Sendable, Hashable {
            /// Name of the material.
            public var material: String?
            /// Temperature, °C.
            public var temperature: Double?
            /// Speed of the hotend's fan, rpm.
            public var hotendFan: Int?
            /// Speed of the print fan, rpm.
            public var printFan: Int?

            /// A slot; `nil` is not sent.
            public init(
                material: String? = nil, temperature: Double? = nil, hotendFan: Int? = nil, printFan: Int? = nil
            ) {
                (self.material, self.temperature) = (material, temperature)
                (self.hotendFan, self.printFan) = (hotendFan, printFan)
            }
        }

        /// The slot in use: 1 to 5, 0 none.
        public var active: Int?
        /// The unit's progress code, 0 is OK.
        public var state: Int?
        /// Progress of what the unit does.
        public var progress: Int?
        /// Letter, or letter and number, of the unit's command that runs.
        public var command: String?
        /// The slots by their number, 1 to 5.
        public var filaments: [Int: Filament] = [:]

        /// A unit about which nothing is known yet.
        public init() {}
    }
}
