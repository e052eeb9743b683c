import CGpiod
import Glibc

/// Which way a line goes.
public enum GPIODirection: Equatable, Sendable {
    /// The line is read.
    case input
    /// The line is driven.
    case output
}

/// The pull resistor of a line.
public enum GPIOBias: Equatable, Sendable {
    /// The driver does not tell. Never asked for.
    case unknown
    /// Asked for: leave it as it is.
    case asIs
    /// No pull resistor.
    case disabled
    /// Pulled to the supply.
    case pullUp
    /// Pulled to ground.
    case pullDown
}

/// How an output drives its line.
public enum GPIODrive: Equatable, Sendable {
    /// High and low are both driven.
    case pushPull
    /// Only low is driven.
    case openDrain
    /// Only high is driven.
    case openSource
}

/// Which edges of an input are reported. Rising means from inactive to active.
public enum GPIOEdges: Equatable, Sendable {
    /// None: the value can only be read.
    case none
    /// Inactive to active.
    case rising
    /// Active to inactive.
    case falling
    /// Both.
    case both
}

/// One edge of an input.
public struct GPIOEdge: Equatable, Sendable {
    /// When the kernel's interrupt handler saw it: CLOCK_MONOTONIC in nanoseconds (Linux 5.7 and newer).
    public let timestampNanoseconds: UInt64
    /// True from inactive to active, false the other way.
    public let isRising: Bool
}

/// What the kernel knew of a line when it was asked.
public struct GPIOLineInfo: Equatable, Sendable {
    /// Offset on its chip, from 0.
    public let offset: UInt32
    /// Name from the device tree or firmware ("GPIO17"), nil when it has none.
    public let name: String?
    /// Who holds the line, nil when nobody does or they gave no name.
    public let consumer: String?
    /// True when a program or a kernel driver holds the line.
    public let isUsed: Bool
    /// Input or output.
    public let direction: GPIODirection
    /// True when a low voltage counts as active.
    public let isActiveLow: Bool
    /// The pull resistor.
    public let bias: GPIOBias
    /// How it drives as an output.
    public let drive: GPIODrive
}

extension GPIOLineInfo {
    /// nil when the library gave a value that is none of its own.
    init?(offset: UInt32, _ raw: cgpiod_line_info) {
        guard let bias = GPIOBias(raw: raw.bias), let drive = GPIODrive(raw: raw.drive) else { return nil }
        self.offset = offset
        name = withUnsafeBytes(of: raw.name) { nonEmptyText($0) }
        consumer = withUnsafeBytes(of: raw.consumer) { nonEmptyText($0) }
        isUsed = raw.used
        direction = raw.output ? .output : .input
        isActiveLow = raw.active_low
        self.bias = bias
        self.drive = drive
    }
}

extension GPIOBias {
    init?(raw: Int32) {
        switch cgpiod_bias(UInt32(bitPattern: raw)) {
        case CGPIOD_BIAS_UNKNOWN: self = .unknown
        case CGPIOD_BIAS_AS_IS: self = .asIs
        case CGPIOD_BIAS_DISABLED: self = .disabled
        case CGPIOD_BIAS_PULL_UP: self = .pullUp
        case CGPIOD_BIAS_PULL_DOWN: self = .pullDown
        default: return nil
        }
    }

    var raw: Int32 {
        let value =
            switch self {
            case .unknown: CGPIOD_BIAS_UNKNOWN
            case .asIs: CGPIOD_BIAS_AS_IS
            case .disabled: CGPIOD_BIAS_DISABLED
            case .pullUp: CGPIOD_BIAS_PULL_UP
            case .pullDown: CGPIOD_BIAS_PULL_DOWN
            }
        return Int32(bitPattern: value.rawValue)
    }
}

extension GPIODrive {
    init?(raw: Int32) {
        switch cgpiod_drive(UInt32(bitPattern: raw)) {
        case CGPIOD_DRIVE_PUSH_PULL: self = .pushPull
        case CGPIOD_DRIVE_OPEN_DRAIN: self = .openDrain
        case CGPIOD_DRIVE_OPEN_SOURCE: self = .openSource
        default: return nil
        }
    }

    var raw: Int32 {
        let value =
            switch self {
            case .pushPull: CGPIOD_DRIVE_PUSH_PULL
            case .openDrain: CGPIOD_DRIVE_OPEN_DRAIN
            case .openSource: CGPIOD_DRIVE_OPEN_SOURCE
            }
        return Int32(bitPattern: value.rawValue)
    }
}

extension GPIOEdges {
    var raw: Int32 {
        switch self {
        case .none: 0
        case .rising: Int32(CGPIOD_EDGE_RISING)
        case .falling: Int32(CGPIOD_EDGE_FALLING)
        case .both: Int32(CGPIOD_EDGE_RISING) | Int32(CGPIOD_EDGE_FALLING)
        }
    }
}
