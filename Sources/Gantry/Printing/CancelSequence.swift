import MarlinLink

/// What follows a job that ended early: waits for a temperature or for the user are cut short where the firmware can be reached in one,
/// and the cancel script is executed.
struct CancelSequence: Sendable {
    let link: PrinterLink
    let script: [String]
    /// The firmware hears M108 in the midst of a wait, however full its queue is (EMERGENCY_PARSER).
    let hearsM108: Bool

    /// Waits until the printer has executed the script, for `limit` seconds at most. `onWait` is called a few times a
    /// second. What the printer has taken of the job comes first: firmware without emergency parser ends a wait for a
    /// temperature only when that is reached.
    func run(limit: Double, onWait: () -> Void = {}) throws(LinkError) {
        guard let last = script.last else { return }
        var interrupter = HeatingInterrupter(link: link, hearsM108: hearsM108)
        interrupter.advance(now: .now)
        // All at once: what the printer cannot take yet waits at its door, and needs nobody who hands it in.
        for command in script.dropLast() { try link.send(command) }
        let outcome = Mailbox<Result<Void, LinkError>>()
        let started = startThread { [link] in
            do throws(LinkError) {
                try link.run([last], limit: limit)
                outcome.post(.success(()))
            } catch {
                outcome.post(.failure(error))
            }
        }
        guard started else {
            try link.run([last], limit: limit)
            return
        }
        while true {
            if let result = outcome.take(until: .now + 0.2).first { return try result.get() }
            interrupter.advance(now: .now)
            onWait()
        }
    }
}

/// Sends M108 while the printer waits for a temperature, or for its user (M0, M600): nobody need press a button for a print
/// that is no more.
private struct HeatingInterrupter {
    let link: PrinterLink
    let hearsM108: Bool
    private var next: MonotonicTime? = MonotonicTime(nanoseconds: 0)

    init(link: PrinterLink, hearsM108: Bool) {
        self.link = link
        self.hearsM108 = hearsM108
    }

    mutating func advance(now: MonotonicTime) {
        let readings = link.snapshot.readings
        // Firmware that cannot hear it would find it in its queue, behind the wait.
        let waits = readings.isHeating || hearsM108 && readings.waitsForUser
        guard let due = next, now >= due, waits else { return }
        // Refused when the link is down; the script's own error tells that.
        try? link.interruptHeating()
        // A second wait may follow the first (M190, then M109). Firmware that cannot hear it puts it into its queue,
        // which must not be filled with it.
        next = hearsM108 ? now + 1.5 : nil
    }
}

extension FirmwareIdentity {
    /// See `CancelSequence.hearsM108`.
    var hearsM108: Bool { capabilities.contains("EMERGENCY_PARSER") }
}
