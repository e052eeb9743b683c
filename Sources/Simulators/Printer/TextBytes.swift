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

    /// A number with so many decimals, rounded half away from zero.
    mutating func append(_ value: Double, decimals: Int) {
        let scale = decimals == 2 ? 100.0 : 10.0
        let scaled = (value.magnitude * scale).rounded()
        guard scaled.isFinite, scaled < 1e15 else {
            append("nan")
            return
        }
        if value < 0, scaled > 0 { append(UInt8(ascii: "-")) }
        let whole = Int(scaled)
        append(integer: whole / Int(scale))
        append(UInt8(ascii: "."))
        let fraction = whole % Int(scale)
        if decimals == 2, fraction < 10 { append(UInt8(ascii: "0")) }
        append(integer: fraction)
    }
}
