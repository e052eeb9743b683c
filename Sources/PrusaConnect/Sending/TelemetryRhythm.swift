// How often telemetry goes out, and how much of it.

extension ConnectOptions {
    /// What of the telemetry travels when some of it has changed.
    public enum TelemetryExtent: Sendable, Hashable {
        /// Everything that is known (Buddy firmware).
        case everything
        /// What differs from what the server has (PrusaLink). Everything again every five minutes, after an outage, and
        /// to another server.
        case changes
    }

    /// How telemetry slows down while nothing happens.
    ///
    /// Commands arrive in the answers to telemetry, so a sleeping printer learns of them late. Awake it is with a job
    /// (PRINTING, PAUSED), in BUSY and ATTENTION, while a command or a transfer runs, and for a while after one of these, after
    /// an event, and after a change of a target temperature, a position, the target of the print fan, or the speed.
    public struct TelemetrySleep: Sendable, Hashable {
        /// Time without activity after which telemetry goes to sleep.
        public var after: Duration
        /// Time between two telemetry requests then.
        public var interval: Duration

        /// PrusaLink's 4 seconds after three minutes, or others.
        public init(after: Duration = .seconds(180), interval: Duration = .seconds(4)) {
            (self.after, self.interval) = (after, interval)
        }
    }
}

/// When telemetry is due.
struct TelemetryRhythm: Sendable {
    /// When something happened last.
    private var activeAt: Duration
    /// Something happened since the last look at the clock.
    private var isActivityNew = false
    private var lastStart: Duration?

    init(now: Duration) { activeAt = now }

    mutating func noteActivity() { isActivityNew = true }

    /// Returns the moment of a beat that activity brings forward.
    mutating func wake(now: Duration, options: ConnectOptions) -> Duration? {
        guard isActivityNew else { return nil }
        isActivityNew = false
        activeAt = now
        guard options.telemetrySleep != nil, let lastStart else { return nil }
        return max(now, lastStart + options.telemetryInterval)
    }

    /// The moment of the beat after one that started at `start`.
    mutating func beat(after start: Duration, isBusy: Bool, options: ConnectOptions) -> Duration {
        lastStart = start
        if isBusy { activeAt = start }
        guard let sleep = options.telemetrySleep, start - activeAt >= sleep.after else {
            return start + options.telemetryInterval
        }
        return start + max(sleep.interval, options.telemetryInterval)
    }
}

extension Telemetry {
    /// Whether something about the printer moved that people want to follow (PrusaLink's list).
    func isActivity(since old: Telemetry) -> Bool {
        nozzleTarget != old.nozzleTarget || bedTarget != old.bedTarget || x != old.x || y != old.y || z != old.z
            || printFanTarget != old.printFanTarget || speed != old.speed || transfer?.id != old.transfer?.id
    }
}

extension PrinterCore {
    /// Something is going on: telemetry stays awake.
    var isBusy: Bool {
        [.printing, .paused, .busy, .attention].contains(state) || machine.running != nil || telemetry.transfer != nil
    }

    /// Chooses the fields of the next telemetry request: all, or those that the server does not have yet.
    mutating func chooseFields(now: Duration) {
        travellingTelemetry = telemetry.fields
        if let repeatTelemetryAt, repeatTelemetryAt <= now { knownTelemetry = nil }
        guard options.telemetryExtent == .changes, let knownTelemetry else { return }
        var fields = JSONObject()
        for member in travellingTelemetry.members where knownTelemetry[member.key] != member.value {
            fields[member.key] = member.value
        }
        travellingTelemetry = fields
    }
}
