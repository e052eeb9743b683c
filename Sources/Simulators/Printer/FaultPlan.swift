/// What goes wrong on a simulated line, and when. The description reproduces a run: `FaultPlan(plan.description)`.
///
/// All probabilities are 0...1. Faults are drawn from `SplitMix64` streams made of `seed`.
public struct FaultPlan: Sendable, Equatable {
    /// Damage to the bytes of one direction.
    public struct Bytes: Sendable, Equatable {
        /// Chance that one bit of a byte flips.
        public var flip: Double
        /// Chance that a byte is lost.
        public var loss: Double
        /// Chance that a byte arrives twice.
        public var double: Double

        /// No damage unless told.
        public init(flip: Double = 0, loss: Double = 0, double: Double = 0) {
            self.flip = flip
            self.loss = loss
            self.double = double
        }

        /// True when nothing is done to any byte.
        public var isNone: Bool { flip <= 0 && loss <= 0 && double <= 0 }
    }

    /// Seed of all faults.
    public var seed: UInt64
    /// Host to printer.
    public var toPrinter: Bytes
    /// Printer to host.
    public var toHost: Bytes
    /// At most one damaged byte in a line. One damaged byte of a numbered line is always seen by its checksum or
    /// its neighbour's number; two can cancel each other in the eight bits of XOR, which no host can notice.
    public var onePerLine: Bool
    /// Chance that an `ok` is not sent.
    public var lostOk: Double
    /// Chance that an `ok` is sent twice.
    public var doubledOk: Double
    /// Chance that an `ok` comes late.
    public var lateOk: Double
    /// How late, in milliseconds.
    public var lateOkMilliseconds: UInt64
    /// The `ok` that is lost, counted from 1.
    public var lostOkNumber: Int?
    /// The firmware restarts by itself when it has executed this many commands.
    public var resetAfterCommands: Int?
    /// The firmware goes silent for good when it has executed this many commands.
    public var silentAfterCommands: Int?
    /// Before this command the firmware says nothing for `stallMilliseconds`; it takes lines in as far as it has room.
    public var stallAfterCommands: Int?
    /// How long that is.
    public var stallMilliseconds: UInt64 = 0
    /// With this command the firmware's line count goes wrong by `miscountBy`.
    public var miscountAfterCommands: Int?
    /// What is added to its last line number then.
    public var miscountBy = 0
    /// Byte and `ok` faults end when this many commands were executed.
    public var endAfterCommands: Int?

    /// No faults at all.
    public static let none = FaultPlan(seed: 0)

    /// A plan without faults; set what shall go wrong.
    public init(seed: UInt64) {
        self.seed = seed
        toPrinter = Bytes()
        toHost = Bytes()
        onePerLine = true
        lostOk = 0
        doubledOk = 0
        lateOk = 0
        lateOkMilliseconds = 3000
    }

    /// A moderately bad cable: the mix and the strength of faults follow from the seed.
    ///
    /// Damage up to one byte in 2000 in each direction, lost, doubled and late `ok` up to one in 200.
    public static func noisy(seed: UInt64) -> FaultPlan {
        var random = SplitMix64(seed: seed)
        func share(of most: Double) -> Double {
            random.chance(0.5) ? most * Double(random.next() >> 11) * 0x1p-53 : 0
        }
        var plan = FaultPlan(seed: seed)
        plan.toPrinter = Bytes(flip: share(of: 5e-4), loss: share(of: 5e-4), double: share(of: 5e-4))
        plan.toHost = Bytes(flip: share(of: 5e-4), loss: share(of: 5e-4), double: share(of: 5e-4))
        plan.lostOk = share(of: 5e-3)
        plan.doubledOk = share(of: 5e-3)
        plan.lateOk = share(of: 5e-3)
        return plan
    }

    var hasOkFaults: Bool { lostOk > 0 || doubledOk > 0 || lateOk > 0 }

    /// Whether answers may be damaged, lost, doubled or late.
    public var hasAnswerFaults: Bool { hasOkFaults || lostOkNumber != nil || !toHost.isNone }
}

extension FaultPlan: CustomStringConvertible, LosslessStringConvertible {
    /// For example `seed=7 in-flip=0.0005 lost-ok=0.01 reset-after=120`; only what is not zero.
    public var description: String {
        var words = ["seed=\(seed)"]
        func add(_ name: String, _ value: Double) { if value > 0 { words.append("\(name)=\(value)") } }
        func add(_ name: String, _ value: Int?) { if let value { words.append("\(name)=\(value)") } }
        add("in-flip", toPrinter.flip)
        add("in-loss", toPrinter.loss)
        add("in-double", toPrinter.double)
        add("out-flip", toHost.flip)
        add("out-loss", toHost.loss)
        add("out-double", toHost.double)
        if !onePerLine { words.append("one-per-line=0") }
        add("lost-ok", lostOk)
        add("doubled-ok", doubledOk)
        add("late-ok", lateOk)
        if lateOk > 0 { words.append("late-ok-ms=\(lateOkMilliseconds)") }
        add("lost-ok-number", lostOkNumber)
        add("reset-after", resetAfterCommands)
        add("stall-after", stallAfterCommands)
        if stallAfterCommands != nil { words.append("stall-ms=\(stallMilliseconds)") }
        add("miscount-after", miscountAfterCommands)
        if miscountAfterCommands != nil { words.append("miscount-by=\(miscountBy)") }
        add("silent-after", silentAfterCommands)
        add("end-after", endAfterCommands)
        return words.joined(separator: " ")
    }

    /// Reads what `description` writes; nil when a word is unknown or a value is no number. Words may also be
    /// separated by commas.
    public init?(_ description: String) {
        self.init(seed: 0)
        for word in description.split(whereSeparator: { $0 == " " || $0 == "," }) {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, set(String(parts[0]), to: String(parts[1])) else { return nil }
        }
    }

    private mutating func set(_ name: String, to text: String) -> Bool {
        switch name {
        case "seed": return assign(UInt64(text), to: &seed)
        case "late-ok-ms": return assign(UInt64(text), to: &lateOkMilliseconds)
        case "one-per-line": return assign(Int(text).map { $0 != 0 }, to: &onePerLine)
        case "lost-ok-number": return assign(Int(text), to: &lostOkNumber)
        case "stall-after": return assign(Int(text), to: &stallAfterCommands)
        case "stall-ms": return assign(UInt64(text), to: &stallMilliseconds)
        case "miscount-after": return assign(Int(text), to: &miscountAfterCommands)
        case "miscount-by": return assign(Int(text), to: &miscountBy)
        case "reset-after": return assign(Int(text), to: &resetAfterCommands)
        case "silent-after": return assign(Int(text), to: &silentAfterCommands)
        case "end-after": return assign(Int(text), to: &endAfterCommands)
        default: break
        }
        let probabilities: [String: WritableKeyPath<FaultPlan, Double>] = [
            "in-flip": \.toPrinter.flip, "in-loss": \.toPrinter.loss, "in-double": \.toPrinter.double,
            "out-flip": \.toHost.flip, "out-loss": \.toHost.loss, "out-double": \.toHost.double,
            "lost-ok": \.lostOk, "doubled-ok": \.doubledOk, "late-ok": \.lateOk,
        ]
        guard let path = probabilities[name], let value = Double(text), value >= 0, value <= 1 else { return false }
        self[keyPath: path] = value
        return true
    }

    private func assign<Value>(_ value: Value?, to place: inout Value) -> Bool {
        guard let value else { return false }
        place = value
        return true
    }

    private func assign<Value>(_ value: Value?, to place: inout Value?) -> Bool {
        guard value != nil else { return false }
        place = value
        return true
    }
}
