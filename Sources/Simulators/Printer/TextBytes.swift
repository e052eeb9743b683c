/// Building answers in a reused byte array.
extension [UInt8] {
    mutating func set(_ text: String) {
        removeAll(keepingCapacity: true)
        append(text)
    }

    mutating func append(_ text: String) { append(contentsOf: text.utf8) }

    mutating func append(integer value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = count
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        self[start...].reverse()
    }

    /// A number with so many decimals (0...6), rounded half away from zero.
    mutating func append(_ value: Double, decimals: Int) {
        let scale = Self.scales[decimals]
        let scaled = (value.magnitude * Double(scale)).rounded()
        guard scaled.isFinite, scaled < 1e15 else {
            append("nan")
            return
        }
        if value < 0, scaled > 0 { append(UInt8(ascii: "-")) }
        let whole = Int(scaled)
        append(integer: whole / scale)
        guard decimals > 0 else { return }
        append(UInt8(ascii: "."))
        var place = scale / 10
        while place > 0 {
            append(UInt8(ascii: "0") + UInt8(whole / place % 10))
            place /= 10
        }
    }

    /// A number the way PrusaSlicer writes it: no trailing zeros, no zero in front of the point (`.05`, `-.8`, `12`).
    mutating func append(short value: Double, decimals: Int) {
        let start = count
        append(trimmed: value, decimals: decimals)
        let digits = count > start && self[start] == UInt8(ascii: "-") ? start + 1 : start
        if count > digits + 1, self[digits] == UInt8(ascii: "0") { remove(at: digits) }
    }

    /// A number without trailing zeros (`0.05`, `12`).
    mutating func append(trimmed value: Double, decimals: Int) {
        append(value, decimals: decimals)
        while last == UInt8(ascii: "0") { removeLast() }
        if last == UInt8(ascii: ".") { removeLast() }
    }

    private static var scales: [Int] { [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] }
}
