import Glibc

/// The G-code that is streamed: a dense curve of short moves, as slicers make them of round parts.
struct GCodeProgram {
    /// Number of G1 lines.
    let moves: Int

    /// The text: a slicer's head, then layers of 1,000 moves of about 0.4 mm each. Always the same for the same number.
    func text() -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(moves * 36 + 4096)
        text += "; a dense curve for the benchmark\nG90 ; absolute\nM83 ; relative extrusion\nG92 E0\n".utf8
        for move in 0..<moves {
            if move % 1000 == 0 { text += ";LAYER_CHANGE\n;TYPE:External perimeter\n".utf8 }
            // A circle whose radius breathes: neither coordinate repeats, all stay between 60 and 160 mm.
            let angle = Double(move) * 0.01
            let radius = 40 + 8 * sin(angle * 7.3)
            text += "G1 X".utf8
            GCodeProgram.append(110 + radius * cos(angle), digits: 3, to: &text)
            text += " Y".utf8
            GCodeProgram.append(110 + radius * sin(angle), digits: 3, to: &text)
            text += " E".utf8
            GCodeProgram.append(0.0166 + 0.002 * sin(angle * 3), digits: 5, to: &text)
            text.append(UInt8(ascii: "\n"))
        }
        return text
    }

    /// Appends a number that is not negative with a fixed number of digits after the point.
    static func append(_ value: Double, digits: Int, to text: inout [UInt8]) {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((value * Double(scale)).rounded())
        text += String(scaled / scale).utf8
        text.append(UInt8(ascii: "."))
        let fraction = String(scaled % scale)
        text += String(repeating: "0", count: digits - fraction.utf8.count).utf8
        text += fraction.utf8
    }

    /// Writes the text to a new temporary file; the caller removes it.
    func writeTemporaryFile() throws(BenchError) -> String {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        // mkstemp(3) puts a name that is free in place of the six X.
        var path = Array("\(folder)/gantry-bench-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw BenchError("Cannot make a file in \(folder)", errno: errno) }
        defer { close(descriptor) }
        let text = text()
        var written = 0
        while written < text.count {
            let count = text.withUnsafeBytes { bytes in
                write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw BenchError("Cannot write to \(folder)", errno: errno) }
            written += count
        }
        return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
