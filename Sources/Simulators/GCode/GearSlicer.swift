import Glibc

/// The body of the file with the time each of its lines ends at.
struct SlicedPath: Sendable {
    var text: [UInt8] = []
    /// End of each line in `text`, and the seconds printed until then.
    var lines: [(end: Int, seconds: Double)] = []
    var seconds = 0.0
    var filament = 0.0
}

/// Turns a gear into lines of G-code: perimeters from outside in, infill clipped to the innermost one.
struct GearSlicer: Sendable {
    private typealias Point = SIMD2<Double>

    private let parameters: SampleGCode.Parameters
    private let centre = Point(110, 105)
    private let width = 0.45
    private var position = Point(0, 0)
    private var isRetracted = false

    private(set) var path = SlicedPath()

    init(_ parameters: SampleGCode.Parameters) { self.parameters = parameters }

    mutating func slice() {
        for layer in 0..<max(0, parameters.layers) { slice(layer: layer) }
        retract()
    }

    private mutating func slice(layer: Int) {
        let height = parameters.layerHeight
        let z = height * Double(layer + 1)
        line { text in
            text.append(";LAYER_CHANGE\n;Z:")
            text.append(trimmed: z, decimals: 3)
            text.append("\n;HEIGHT:")
            text.append(trimmed: height, decimals: 3)
        }
        retract()
        move(z: z)
        switch layer {
        case 0: line("M107")
        case 1: line("M106 S127.5")
        case 2: line("M106 S255")
        default: break
        }
        for index in 0..<max(1, parameters.perimeters) {
            let isOuter = index == 0
            line(isOuter ? ";TYPE:External perimeter" : ";TYPE:Perimeter")
            line { [width] text in
                text.append(";WIDTH:")
                text.append(trimmed: width, decimals: 2)
            }
            line("M204 P\(isOuter ? 800 : 1250)")
            let speed = layer == 0 ? 20.0 : isOuter ? 25 : 45
            draw(contour(layer: layer, inset: (Double(index) + 0.5) * width), isClosed: true, speed: speed)
        }
        fill(layer: layer)
    }

    /// Bottom and top layers are filled completely, the others as the parameters say; the direction alternates.
    private mutating func fill(layer: Int) {
        let isSolid = layer < 2 || layer >= parameters.layers - 2
        let share = isSolid ? 1 : min(max(parameters.infill, 0), 1)
        guard share > 0.01 else { return }
        line(isSolid ? ";TYPE:Solid infill" : ";TYPE:Internal infill")
        line("M204 P1250")
        let inset = (Double(parameters.perimeters) + 0.25) * width
        let angle = (layer % 2 == 0 ? 45.0 : 135.0) * Double.pi / 180
        let speed = layer == 0 ? 20.0 : isSolid ? 60 : 80
        for (index, strand) in strands(in: contour(layer: layer, inset: inset), angle: angle, spacing: width / share)
            .enumerated()
        {
            draw(index % 2 == 0 ? strand : strand.reversed(), isClosed: false, speed: speed)
        }
    }

    /// The gear's outline, a little twisted from layer to layer, `inset` mm inside.
    private func contour(layer: Int, inset: Double) -> [Point] {
        let count = max(3, parameters.segments)
        let twist = Double(layer) * 0.01
        return (0..<count).map { index in
            let angle = 2 * Double.pi * Double(index) / Double(count)
            let tooth = tanh(3 * cos(Double(parameters.teeth) * (angle + twist)))
            let radius = parameters.radius + 0.08 * parameters.radius * tooth - inset
            return centre + Point(radius * cos(angle), radius * sin(angle))
        }
    }

    /// Parallel lines through a polygon, cut where they cross its edges.
    private func strands(in polygon: [Point], angle: Double, spacing: Double) -> [[Point]] {
        let along = Point(cos(angle), sin(angle))
        let across = Point(-along.y, along.x)
        let reach = polygon.map { dot($0 - centre, across) }
        guard let low = reach.min(), let high = reach.max() else { return [] }
        var result: [[Point]] = []
        var level = low + spacing / 2
        while level < high {
            var cuts: [Double] = []
            for index in polygon.indices {
                let one = polygon[index] - centre
                let other = polygon[(index + 1) % polygon.count] - centre
                let (first, second) = (dot(one, across), dot(other, across))
                guard (first <= level) != (second <= level) else { continue }
                cuts.append(dot(one + (other - one) * ((level - first) / (second - first)), along))
            }
            cuts.sort()
            for pair in 0..<cuts.count / 2 where cuts[2 * pair + 1] - cuts[2 * pair] > 0.4 {
                result.append(
                    [cuts[2 * pair], cuts[2 * pair + 1]].map { centre + across * level + along * $0 })
            }
            level += spacing
        }
        return result
    }

    private func dot(_ one: Point, _ other: Point) -> Double { one.x * other.x + one.y * other.y }

    // MARK: Lines

    private mutating func line(_ text: String, seconds: Double = 0) { line(seconds: seconds) { $0.append(text) } }

    private mutating func line(seconds: Double = 0, _ write: (inout [UInt8]) -> Void) {
        write(&path.text)
        path.text.append(UInt8(ascii: "\n"))
        path.seconds += seconds
        path.lines.append((path.text.count, path.seconds))
    }

    private mutating func move(z: Double) {
        line(seconds: parameters.layerHeight / 12) { text in
            text.append("G1 Z")
            text.append(short: z, decimals: 3)
            text.append(" F720")
        }
    }

    /// Retracts for ways longer than 2 mm, as the slicer's default profiles do.
    private mutating func travel(to target: Point) {
        let way = target - position
        let length = dot(way, way).squareRoot()
        if length > 2 { retract() }
        line(seconds: length / 180) { text in
            text.append("G1 X")
            text.append(short: target.x, decimals: 3)
            text.append(" Y")
            text.append(short: target.y, decimals: 3)
            text.append(" F10800")
        }
        position = target
        if isRetracted {
            line("G1 E.8 F2100", seconds: 0.8 / 35)
            isRetracted = false
        }
    }

    private mutating func retract() {
        guard !isRetracted else { return }
        line("G1 E-.8 F2100", seconds: 0.8 / 35)
        isRetracted = true
    }

    private mutating func draw(_ points: [Point], isClosed: Bool, speed: Double) {
        guard let first = points.first else { return }
        travel(to: first)
        line { text in
            text.append("G1 F")
            text.append(integer: Int(speed * 60))
        }
        for target in isClosed ? Array(points.dropFirst()) + [first] : Array(points.dropFirst()) {
            let way = target - position
            let length = dot(way, way).squareRoot()
            let filament = Extrusion.filament(length: length, width: width, height: parameters.layerHeight)
            path.filament += filament
            line(seconds: length / speed) { text in
                text.append("G1 X")
                text.append(short: target.x, decimals: 3)
                text.append(" Y")
                text.append(short: target.y, decimals: 3)
                text.append(" E")
                text.append(short: filament, decimals: 5)
            }
            position = target
        }
    }
}
