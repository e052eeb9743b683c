/// Decides what a filament sensor's news mean for a print. Pure: knows neither line nor printer.
///
/// A run-out is told once, and again only after filament was seen or the print was resumed without it. Filament that
/// is missing when a print begins counts as a run-out of that print.
public struct FilamentWatch: Equatable, Sendable {
    /// What the sensor saw.
    public enum News: Equatable, Sendable {
        /// There is filament.
        case inserted
        /// There is none, and no print to care.
        case removed
        /// There is none in a print: do what the configuration says.
        case ranOut
    }

    /// True when there is filament.
    public private(set) var isPresent: Bool
    /// True while a print needs filament: it runs, and no run-out was told yet.
    public private(set) var isNeeded = false
    /// True from a run-out until filament is seen, or the print is resumed or ends.
    public private(set) var hasRunOut = false

    /// - Parameter isPresent: what the sensor sees at the start.
    public init(isPresent: Bool) {
        self.isPresent = isPresent
    }

    /// The sensor sees filament or sees it no more. nil when that is nothing new.
    public mutating func take(isPresent: Bool) -> News? {
        guard isPresent != self.isPresent else { return nil }
        self.isPresent = isPresent
        if isPresent {
            hasRunOut = false
            return .inserted
        }
        return ranOut() ?? .removed
    }

    /// A motion sensor found that the filament does not move although the extruder does. nil when no print needs it
    /// or it was told already.
    public mutating func stoodStill() -> News? { ranOut() }

    /// A motion sensor saw filament move. `.inserted` when that ends a run-out in a print that went on, as when the firmware
    /// changed the filament; nil otherwise.
    public mutating func moved() -> News? {
        guard isNeeded, hasRunOut else { return nil }
        hasRunOut = false
        return .inserted
    }

    /// A print began or goes on. `.ranOut` when it begins without filament; one that is resumed without is left alone,
    /// as its user has seen why it stopped.
    ///
    /// - Parameter isResumed: true when it was paused.
    public mutating func printRuns(isResumed: Bool) -> News? {
        isNeeded = true
        hasRunOut = false
        return isPresent || isResumed ? nil : ranOut()
    }

    /// The print was paused or ended.
    ///
    /// - Parameter isPaused: true when it may go on: the run-out stands until somebody acts.
    public mutating func printStops(isPaused: Bool) {
        isNeeded = false
        if !isPaused { hasRunOut = false }
    }

    private mutating func ranOut() -> News? {
        guard isNeeded, !hasRunOut else { return nil }
        hasRunOut = true
        return .ranOut
    }
}
