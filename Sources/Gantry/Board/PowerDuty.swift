import BoardIO

/// Keeps the relay where the policy wants it. For the board's thread only.
struct PowerDuty {
    private let configuration: BoardConfiguration.Power
    private let makeSwitch: Board.SwitchMaker
    private var output: (any PowerSwitch)?
    private var policy: PowerPolicy
    /// What the line was set to last; nil while it is not held.
    private var level: Bool?
    /// The line was held once: from then on the policy knows better than the line.
    private var knowsLine = false
    private var retryAt: UInt64 = 0
    private var told: GPIOError?

    /// Takes the line at the first `apply`.
    init(_ configuration: BoardConfiguration.Power, now: UInt64, makeSwitch: @escaping Board.SwitchMaker) {
        self.configuration = configuration
        self.makeSwitch = makeSwitch
        policy = PowerPolicy(settings: configuration.policy, isOn: false, now: now)
    }

    /// What `gantry power status` says.
    var status: String { problem.map { "unknown: \($0)" } ?? (policy.isOn ? "on" : "off") }

    /// Why the relay does not follow; nil while it does.
    var problem: String? { output == nil ? told?.description ?? "the line was not taken yet" : nil }

    /// Changes the policy and switches accordingly; the failure when the line does not follow and that is news.
    mutating func apply(
        now: UInt64, _ change: (inout PowerPolicy) throws(PowerPolicy.Refusal) -> Void
    ) throws(PowerPolicy.Refusal) -> GPIOError? {
        let taken = take(now)
        try change(&policy)
        guard let output else { return taken }
        guard policy.isOn != level else { return nil }
        do throws(GPIOError) {
            try output.set(policy.isOn)
            level = policy.isOn
            return nil
        } catch {
            return fail(error, now)
        }
    }

    /// The end: the relay goes where it shall be.
    mutating func close() {
        if let level = policy.levelAtExit, let output { try? output.set(level) }
        output = nil
    }

    /// Takes the line when it is not held; the first time the policy learns what the relay was.
    private mutating func take(_ now: UInt64) -> GPIOError? {
        guard output == nil, now >= retryAt else { return nil }
        do throws(GPIOError) {
            let taken = try makeSwitch(configuration)
            let isOn = try taken.isOn()
            if !knowsLine {
                // Demanded meanwhile, it is on.
                let isPrinting = policy.isPrinting
                policy = PowerPolicy(settings: configuration.policy, isOn: isOn || policy.isOn, now: now)
                policy.noteJob(isUnderWay: isPrinting, now: now)
                knowsLine = true
            }
            output = taken
            level = isOn
            told = nil
            return nil
        } catch {
            return fail(error, now)
        }
    }

    private mutating func fail(_ error: GPIOError, _ now: UInt64) -> GPIOError? {
        output = nil
        level = nil
        retryAt = now &+ 5_000_000_000
        defer { told = error }
        return error == told ? nil : error
    }
}
