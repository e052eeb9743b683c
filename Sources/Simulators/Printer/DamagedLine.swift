/// One direction of a serial cable that damages bytes as its plan says.
struct DamagedLine: Sendable {
    private var random: SplitMix64
    private let flipBelow: UInt64
    private let lossBelow: UInt64
    private let doubleBelow: UInt64
    private let onePerLine: Bool
    private var damagedThisLine = false
    private(set) var faults = 0

    /// False when bytes pass untouched, so that callers can skip the walk.
    var isActive: Bool

    init(_ plan: FaultPlan.Bytes, seed: UInt64, onePerLine: Bool) {
        random = SplitMix64(seed: seed)
        flipBelow = Self.threshold(plan.flip)
        lossBelow = flipBelow &+ Self.threshold(plan.loss)
        doubleBelow = lossBelow &+ Self.threshold(plan.double)
        self.onePerLine = onePerLine
        isActive = !plan.isNone
    }

    private static func threshold(_ probability: Double) -> UInt64 {
        // A third of the range at most each, so that the sum of three cannot overflow.
        UInt64(min(max(probability, 0), 0.33) * 0x1p53) << 11
    }

    /// Appends what arrives of `byte`.
    mutating func pass(_ byte: UInt8, into arrived: inout [UInt8]) {
        let draw = random.next()
        if draw >= doubleBelow || (onePerLine && damagedThisLine) {
            arrived.append(byte)
        } else {
            faults += 1
            damagedThisLine = true
            if draw < flipBelow {
                arrived.append(byte ^ (1 << UInt8(random.next() & 7)))
            } else if draw >= lossBelow {
                arrived.append(byte)
                arrived.append(byte)
            }
        }
        // A fault on the line end itself also spoils the line behind it, so the mark stays for that one.
        if byte == UInt8(ascii: "\n"), arrived.last == byte { damagedThisLine = false }
    }
}
