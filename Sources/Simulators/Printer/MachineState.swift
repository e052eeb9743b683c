/// What the firmware remembers about its machine between commands.
struct MachineState: Sendable {
    /// Where the last planned move ends, in the coordinates the host uses, mm: X, Y, Z, E.
    var position: SIMD4<Double>
    /// What G92 moved: machine coordinates minus the host's.
    var nativeOffset = SIMD4<Double>(repeating: 0)
    var isHomed = false
    var isRelative = false
    var isExtruderRelative = false
    /// mm/s
    var feedRate = 25.0
    var feedRatePercent = 100
    var flowPercent = 100
    /// 0...255
    var fan = 0
    var progress: Int?
    var minutesLeft: Int?
    var message: [UInt8] = []
    var isPaused = false
    var allowsColdExtrusion = false

    init(_ machine: Machine) { position = machine.startPosition }
}
