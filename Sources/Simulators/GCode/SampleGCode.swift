import Glibc

/// G-code of a real object, a gear with perimeters and infill, as PrusaSlicer writes it: deterministic, computed from
/// geometry, with true extrusion amounts, comments, progress, thumbnail and configuration block.
public struct SampleGCode: Sendable {
    /// What to slice and how.
    public struct Parameters: Sendable, Equatable {
        /// Number of layers.
        public var layers = 22
        /// Straight pieces of one perimeter.
        public var segments = 72
        /// Perimeters of a layer.
        public var perimeters = 2
        /// Teeth of the gear.
        public var teeth = 12
        /// Mean radius, mm.
        public var radius = 20.0
        /// mm.
        public var layerHeight = 0.2
        /// Share of the inside that is filled, 0...1.
        public var infill = 0.15
        /// °C.
        public var nozzleTemperature = 215
        /// °C.
        public var bedTemperature = 60
        /// Whether pictures for screens are included.
        public var thumbnails = true

        /// A gear of 4.4 mm with about 6000 command lines.
        public init() {}
    }

    /// What was asked for.
    public let parameters: Parameters
    /// The whole file.
    public let bytes: [UInt8]
    /// Filament the file uses, mm.
    public let filamentMillimetres: Double
    /// Estimated printing time in seconds: way over speed, without acceleration, heating and homing.
    public let seconds: Double
    /// Lines that are commands.
    public let commandLines: Int

    /// Computes the file.
    public init(_ parameters: Parameters = Parameters()) {
        self.parameters = parameters
        var slicer = GearSlicer(parameters)
        slicer.slice()
        let writer = SlicerFile(parameters, slicer.path)
        bytes = writer.file()
        filamentMillimetres = slicer.path.filament
        seconds = slicer.path.seconds
        commandLines = bytes.split(separator: UInt8(ascii: "\n")).count { $0.first != UInt8(ascii: ";") }
    }

    /// Writes the file to `path`, replacing what is there.
    public func write(to path: String) throws(SimulatorError) { try Self.write(bytes, to: path) }

    /// Writes bytes to `path`, replacing what is there.
    public static func write(_ bytes: [UInt8], to path: String) throws(SimulatorError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .failed("cannot write \(path)", errno) }
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return -1 }
                return Glibc.write(descriptor, base + start, buffer.count - start)
            }
            guard count > 0 else {
                let number = errno
                close(descriptor)
                throw .failed("cannot write \(path)", number)
            }
            start += count
        }
        guard close(descriptor) == 0 else { throw .failed("cannot write \(path)", errno) }
    }

    /// `count` short moves on a dense curve (0.1 to 0.4 mm each, true extrusion), behind three lines that set modes and
    /// speed: for measuring how many lines a second go through.
    public static func shortMoves(count: Int) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(count * 32)
        text.append("G90\nM83\nG1 X140 Y100 F6000\n")
        var last = SIMD2(140.0, 100.0)
        for step in 1...max(1, count) where step <= count {
            let angle = Double(step) * 0.006
            let radius = 30 + 10 * cos(angle * 7.3)
            let place = SIMD2(100 + radius * cos(angle), 100 + radius * sin(angle))
            let way = place - last
            let length = (way.x * way.x + way.y * way.y).squareRoot()
            text.append("G1 X")
            text.append(short: place.x, decimals: 3)
            text.append(" Y")
            text.append(short: place.y, decimals: 3)
            text.append(" E")
            text.append(short: Extrusion.filament(length: length, width: 0.45, height: 0.2), decimals: 5)
            text.append(UInt8(ascii: "\n"))
            last = place
        }
        return text
    }
}

/// How much filament an extrusion takes.
enum Extrusion {
    static let filamentDiameter = 1.75

    /// mm of filament for `length` mm of a strand: a rectangle with round ends, as slicers reckon.
    static func filament(length: Double, width: Double, height: Double) -> Double {
        let area = (width - height) * height + Double.pi * height * height / 4
        return length * area / (Double.pi * filamentDiameter * filamentDiameter / 4)
    }
}
