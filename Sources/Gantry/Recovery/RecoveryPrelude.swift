import MarlinLink

/// What a printer that lost its power is told before a print goes on: heat, find X and Y, prime, go back to the place, set
/// everything up again as the print had it.
///
/// Z is not homed: the part stands where the nozzle would go. It is taken to be where it was, which holds for spindles
/// that do not sink without current; who moved it by hand must not recover. X and Y are homed with the nozzle lifted.
struct RecoveryPrelude: Sendable, Equatable {
    /// Why a print cannot be recovered.
    enum Refusal: Error, Equatable, CustomStringConvertible {
        /// It was moved in coordinates that the file renamed (G92).
        case shiftedAxes
        /// No move has told all of X, Y and Z: there is nothing to go back to, and no part either.
        case unknownPosition

        var description: String {
            switch self {
            case .shiftedAxes:
                "The file renames its coordinates (G92): after a loss of power nobody knows where they are."
            case .unknownPosition: "It had not begun to print yet: print it from its beginning."
            }
        }
    }

    /// The commands, one after the other; each is waited for.
    let commands: [String]

    /// Millimetres that the nozzle is lifted before it moves to the side.
    private static let lift = 2.0
    /// Millimetres of filament that fill the nozzle again, and that are drawn back before it moves.
    private static let prime = 5.0
    private static let retraction = 1.0

    init(_ state: JobState) throws(Refusal) {
        guard !state.isShifted else { throw .shiftedAxes }
        guard let x = state.x, let y = state.y, let z = state.z else { throw .unknownPosition }
        var list = Self.heating(state)
        list += ["G21", "G90", "M83"]
        if state.tool != 0 { list.append("T\(state.tool)") }
        // Lifted before anything moves to the side; what was lost of the height by the loss of power is lost.
        list += ["G92 Z\(z.gcode()) E0", "G1 Z\((z + Self.lift).gcode()) F300", "G28 X Y"]
        // The nozzle leaked while it was hot and cold; what it loses here stays beside the part.
        list += ["G1 E\(Self.prime.gcode()) F150", "G1 E-\(Self.retraction.gcode()) F1800"]
        list += state.settings.map(\.command)
        list += ["G1 X\(x.gcode()) Y\(y.gcode()) F6000", "G1 Z\(z.gcode()) F300"]
        if !state.isRetracted { list.append("G1 E\(Self.retraction.gcode()) F1800") }
        list += PausePoint.modes(state)
        commands = list
    }

    /// The bed first, and the nozzle only to where it does not leak, until that is warm.
    private static func heating(_ state: JobState) -> [String] {
        var list: [String] = []
        if let bed = state.bed, bed > 0 { list.append("M140 S\(bed.gcode())") }
        if let chamber = state.chamber, chamber > 0 { list.append("M141 S\(chamber.gcode())") }
        // The printer has the first tool selected.
        let tool = state.tool == 0 ? "" : " T\(state.tool)"
        if let hotend = state.hotend, hotend > 0 { list.append("M104\(tool) S\(min(hotend, 150).gcode())") }
        if let bed = state.bed, bed > 0 { list.append("M190 S\(bed.gcode())") }
        for (tool, target) in state.hotends.sorted(by: { $0.key < $1.key }) where target > 0 && tool != state.tool {
            list.append("M104 T\(tool) S\(target.gcode())")
        }
        if let hotend = state.hotend, hotend > 0 { list.append("M109\(tool) S\(hotend.gcode())") }
        return list
    }
}
