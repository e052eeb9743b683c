/// The one place for a transfer, and what is known about it. Lives in the printer's core, under its lock; knows
/// neither threads nor sockets.
struct TransferSlot: Sendable {
    fileprivate struct Current: Sendable {
        var transfer: Transfer
        let beganAt: Duration
        let life: TransferLife
        /// Its file is open and its first bytes are on the way: from now on telemetry and events name it.
        var hasStarted = false
        /// An end that somebody asked for; it wins over whatever that does to the connection.
        var wantedEnd: TransferEnd?
        /// The complete file is being put in its place: too late to stop.
        var isCommitting = false
    }

    private var current: Current?
    /// Stays after the end: a question about it is answered "no transfer", one about another id is an error.
    private(set) var lastID: UInt64?
    /// A transfer that begins when the answer to its command is queued.
    var waiting: Download?
    /// Bytes a second; `nil` for as fast as it goes.
    var rateLimit: Int?

    /// The transfer that goes on.
    var transfer: Transfer? { current?.transfer }
    var life: TransferLife? { current?.life }
    /// The transfer whose end somebody asked for.
    var endingLife: TransferLife? { current.flatMap { $0.wantedEnd == nil ? nil : $0.life } }
    /// The id that events carry which do not say one themselves.
    var startedID: UInt64? { current.flatMap { $0.hasStarted ? $0.transfer.id : nil } }

    /// Takes the slot; false when it is taken.
    mutating func begin(_ transfer: Transfer, life: TransferLife, now: Duration) -> Bool {
        guard current == nil else { return false }
        current = Current(transfer: transfer, beganAt: now, life: life)
        lastID = transfer.id
        return true
    }

    /// The answer's head was good and the file is open. True the first time; a new attempt is no new start.
    mutating func started(_ id: UInt64, size: UInt64?) -> Bool {
        guard current?.transfer.id == id else { return false }
        current?.transfer.size = size
        defer { current?.hasStarted = true }
        return current?.hasStarted == false
    }

    mutating func progressed(_ id: UInt64, to transferred: UInt64) {
        if current?.transfer.id == id { current?.transfer.transferred = transferred }
    }

    /// Asks for an early end. False when there is nothing to end or it is too late; the first wish counts.
    mutating func wantEnd(_ end: TransferEnd) -> Bool {
        guard let old = current, !old.isCommitting else { return false }
        if old.wantedEnd == nil { current?.wantedEnd = end }
        return true
    }

    /// The file is complete. False when somebody stopped the transfer meanwhile: its file must not appear then.
    mutating func mayCommit(_ id: UInt64) -> Bool {
        guard let old = current, old.transfer.id == id, old.wantedEnd == nil else { return false }
        current?.isCommitting = true
        return true
    }

    /// Frees the slot. `nil` when this transfer has ended before: each ends once.
    mutating func end(_ id: UInt64, _ end: TransferEnd) -> (transfer: Transfer, end: TransferEnd)? {
        guard let old = current, old.transfer.id == id else { return nil }
        current = nil
        waiting = nil
        return (old.transfer, end == .finished ? end : old.wantedEnd ?? end)
    }
}

// What the server is told.
extension TransferSlot {
    /// The data of TRANSFER_INFO.
    func info(now: Duration) -> JSONObject {
        guard let current else { return ["type": "NO_TRANSFER"] }
        let transfer = current.transfer
        var data = JSONObject()
        data.set("start_cmd_id", transfer.startCommandID)
        data.set("type", transfer.kind.rawValue)
        data.set("path", transfer.path)
        data.set("url", transfer.url)
        data.set("size", transfer.size)
        data.set("progress", transfer.progress)
        data.set("transferred", transfer.transferred)
        data.set("time_remaining", current.timeRemaining(now: now))
        data.set("time_transferring", current.timeTransferring(now: now))
        data.set("to_print", transfer.isToPrint)
        return data
    }

    /// The fields of telemetry, once the download has started.
    func telemetry(now: Duration) -> Telemetry.TransferTelemetry? {
        guard let current, current.hasStarted else { return nil }
        var telemetry = Telemetry.TransferTelemetry(id: current.transfer.id)
        telemetry.progress = current.transfer.progress
        telemetry.timeRemaining = current.timeRemaining(now: now)
        telemetry.transferred = current.transfer.transferred
        telemetry.timeTransferring = current.timeTransferring(now: now)
        return telemetry
    }
}

extension TransferSlot.Current {
    fileprivate func timeTransferring(now: Duration) -> Int { Int((now - beganAt).components.seconds) }

    /// `nil` until something has arrived, 0 once somebody wants the end.
    fileprivate func timeRemaining(now: Duration) -> Int? {
        if wantedEnd != nil { return 0 }
        guard let size = transfer.size, transfer.transferred > 0 else { return nil }
        let elapsed = (now - beganAt).inSeconds
        let left = Double(size) / Double(transfer.transferred) * elapsed - elapsed
        // A hundred years is as good as any longer time, and fits.
        return Int(min(max(left, 0), 3.2e9))
    }
}
