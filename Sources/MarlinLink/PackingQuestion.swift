import GCodeStream

/// Asks whether the printer reads MeatPack on this port: a pure state machine, given lines and the time.
///
/// What M115 says is no proof: `Cap:MEATPACK:1` may be true of another port of the board, and Prusa's firmware has no such
/// line at all. Its query is answered by whoever decodes, at once: `[MP] PV01 OFF ESP`. To others it is half a line
/// of rubbish, which the line break behind it ends.
struct PackingQuestion {
    private static let patience: UInt64 = 1_000_000_000

    /// Nil while it is not known.
    private(set) var answer: Bool?
    private var questions = 0
    private var askAt: UInt64

    init(now: UInt64) { askAt = now }

    /// When `advance` must be called.
    var deadline: UInt64 { answer == nil ? askAt : .max }

    /// Does what is due; true when the query must be written now.
    mutating func advance(now: UInt64) -> Bool {
        guard answer == nil, now >= askAt else { return false }
        guard questions < 2 else {
            answer = false
            return false
        }
        questions += 1
        askAt = now &+ Self.patience
        return true
    }

    /// Takes a line of the printer.
    mutating func take(_ line: Span<UInt8>, _ reply: Reply) {
        guard answer == nil, questions > 0 else { return }
        if line.contains("[MP] PV", from: 0) { answer = true }
        // Whoever greets it anew asks again.
        if reply == .start || reply == .halted || reply == .alarm { answer = false }
    }
}
