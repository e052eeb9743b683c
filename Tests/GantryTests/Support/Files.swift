import Simulators

/// G-code that the tests print.
enum Files {
    /// `count` short moves between 10 and 20 mm, each with a number of its own.
    static func moves(_ count: Int) -> [UInt8] {
        var text = "G90\nM83\n"
        for number in 0..<count { text += "G1 X\(10 + number % 100 / 10).\(number % 10) Y\(number % 150) F6000\n" }
        return Array(text.utf8)
    }

    /// With `slow` a print of a minute, which the tests end earlier. Long files take long to make and to check.
    static let long = heating(moves: 3000)

    /// Heats bed and nozzle first, as slicers do.
    static func heating(moves count: Int = 200) -> [UInt8] {
        Array("M140 S60\nM104 S200\nM190 S60\nM109 S200\nM106 S255\n".utf8) + moves(count)
    }

    /// Moves that take long enough to meet the print in its midst.
    static func slow(_ configuration: inout MarlinPrinter.Configuration) {
        configuration.moveTime = .fixed(nanoseconds: 20_000_000)
    }

    static func digest(_ bytes: [UInt8]) -> String { CommandDigest.of(file: bytes).hexadecimal }
}
