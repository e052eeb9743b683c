/// What is on the wire or in the printer and not yet acknowledged, oldest first.
///
/// What only reads is `mutating` or inlined all the same: otherwise the 256 bytes are copied for each look (Swift 6.3).
struct InFlight: Sendable {
    struct Entry: Sendable {
        /// The line number; 0 for an unnumbered line.
        var number: UInt32
        var bytes: UInt8
        /// An M105: its ok carries temperatures and so tells itself from others.
        var isMarker: Bool
        /// Sent to find out where the printer stands; nothing follows before it is answered or given up.
        var isProbe = false
    }

    private var slots = InlineArray<32, Entry>(
        repeating: Entry(number: 0, bytes: 0, isMarker: false))
    private var head = 0
    private(set) var count = 0
    private(set) var bytes = 0
    /// How many of the entries are probes.
    private(set) var probes = 0

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count == Limits.unacknowledged }
    var first: Entry? { @inline(__always) get { count > 0 ? slots[head] : nil } }

    subscript(index: Int) -> Entry { @inline(__always) get { slots[(head + index) % Limits.unacknowledged] } }

    mutating func append(_ entry: Entry) {
        guard !isFull else { return }
        slots[(head + count) % Limits.unacknowledged] = entry
        count += 1
        bytes += Int(entry.bytes)
        if entry.isProbe { probes += 1 }
    }

    mutating func removeFirst() -> Entry? {
        guard count > 0 else { return nil }
        let entry = slots[head]
        head = (head + 1) % Limits.unacknowledged
        count -= 1
        bytes -= Int(entry.bytes)
        if entry.isProbe { probes -= 1 }
        return entry
    }

    /// Drops the newest.
    mutating func removeLast() {
        guard count > 0 else { return }
        let entry = self[count - 1]
        count -= 1
        bytes -= Int(entry.bytes)
        if entry.isProbe { probes -= 1 }
    }

    mutating func removeAll() {
        head = 0
        count = 0
        bytes = 0
        probes = 0
    }

    /// Drops the probes.
    mutating func removeProbes() {
        var kept = 0
        for index in 0..<count where !self[index].isProbe {
            slots[(head + kept) % Limits.unacknowledged] = self[index]
            kept += 1
        }
        count = kept
        probes = 0
        bytes = 0
        for index in 0..<count { bytes += Int(self[index].bytes) }
    }

    /// Index of the oldest marker.
    var firstMarker: Int? {
        mutating get {
            for index in 0..<count where self[index].isMarker { return index }
            return nil
        }
    }

    /// Index of line `number`.
    mutating func index(of number: UInt32) -> Int? {
        for index in 0..<count where self[index].number == number { return index }
        return nil
    }

    /// Index of the last line with a number below `number`.
    mutating func lastIndex(below number: UInt32) -> Int? {
        for index in (0..<count).reversed() where self[index].number > 0 && self[index].number < number { return index }
        return nil
    }

    /// How many numbered entries have a number above `number`.
    mutating func linesAbove(_ number: UInt32) -> Int {
        var result = 0
        for index in 0..<count where self[index].number > number { result += 1 }
        return result
    }

    /// Bytes of the entries behind that one.
    mutating func bytes(behind index: Int) -> Int {
        var result = 0
        for later in index + 1..<Swift.max(count, index + 1) { result += Int(self[later].bytes) }
        return result
    }

    /// Drops the first line with a number of at least `number` and everything behind it.
    mutating func truncate(from number: UInt32) {
        for index in 0..<count where self[index].number >= number {
            for dropped in index..<count {
                bytes -= Int(self[dropped].bytes)
                if self[dropped].isProbe { probes -= 1 }
            }
            count = index
            return
        }
    }
}
