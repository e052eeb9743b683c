import CSerial

#if canImport(Glibc)
    import Glibc
#endif

// Where the printer stands.
extension PrinterLink {
    /// Asks for temperatures (M105) and the position (M114) and waits for the answers; `limit` in seconds holds for each
    /// command. A position counts when it was told twice: an ok alone does not say that the answer is there, as firmware
    /// whose oks bear no number lets one pass for another's. NaN where the printer does not tell it.
    public func inquire(limit: Double = 60) throws(LinkError) -> PrinterReadings {
        try run(["M105"], limit: limit)
        var last: PrinterReadings?
        for _ in 0..<6 {
            let reports = snapshot.readings.positionReports
            try run(["M114"], limit: limit)
            guard let readings = readings(behind: reports) else { break }
            if let last, last.x == readings.x, last.y == readings.y, last.z == readings.z { return readings }
            last = readings
        }
        var readings = snapshot.readings
        (readings.x, readings.y, readings.z, readings.e) = (.nan, .nan, .nan, .nan)
        return readings
    }

    /// What the printer told when it told its position next; nil when it did not for two seconds.
    private func readings(behind reports: UInt32) -> PrinterReadings? {
        let end = cserial_monotonic_ns() &+ 2_000_000_000
        while true {
            let readings = snapshot.readings
            if readings.positionReports != reports { return readings }
            guard cserial_monotonic_ns() < end else { return nil }
            usleep(10_000)
        }
    }
}
