/// Numbers of M105s that are not unacknowledged any more though they may still be answered, oldest first. Such an answer must
/// not pass for that of a later M105: it would settle lines that the printer has yet to take.
struct MarkerNumbers: Sendable {
    private var numbers = InlineArray<8, UInt32>(repeating: 0)
    private var count = 0

    /// The oldest that may still be answered.
    var oldest: UInt32? { count > 0 ? numbers[0] : nil }

    /// Remembers a number that is above the others. What does not fit is left out: answers come in order, so the older
    /// ones matter first.
    mutating func append(_ number: UInt32) {
        guard count < numbers.count, count == 0 || numbers[count - 1] < number else { return }
        numbers[count] = number
        count += 1
    }

    /// Forgets those up to `number`: they were answered, or a later line was and no answer of theirs will come.
    mutating func remove(through number: UInt32) {
        var kept = 0
        for index in 0..<count where numbers[index] > number {
            numbers[kept] = numbers[index]
            kept += 1
        }
        count = kept
    }

    /// Forgets those from `number` on: the printer refused them.
    mutating func remove(from number: UInt32) {
        while count > 0, numbers[count - 1] >= number { count -= 1 }
    }

    mutating func removeAll() { count = 0 }
}
