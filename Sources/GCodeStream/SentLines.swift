/// Whose line it is.
enum LineOrigin: Sendable, Equatable {
    /// A command of the job; `sourceEnd` is where it ends in the file.
    case job(sourceEnd: UInt64)
    /// A command of the priority lane.
    case priority(tag: UInt32)
    /// The engine's own: the M400 and M105 behind a job, the M105 behind an M110.
    case engine
}

/// The lines sent last, for resends: line n stands in slot n mod 64 until line n + 64 takes its place.
///
/// What only reads is `mutating` all the same: a borrowed value of this size is copied as a whole for each call, eight
/// kilobytes at a time (Swift 6.3).
struct SentLines: ~Copyable {
    private struct Slot {
        var line = CommandBuffer()
        /// Bytes that it takes on the wire.
        var wireLength: UInt8 = 0
        var origin = LineOrigin.engine
        var isMarker = false
        /// Acknowledged, so that a line sent twice is not counted twice.
        var acknowledged = false
        /// Its owner was told, which cannot be taken back.
        var reported = false
        /// Commands of the job up to this line.
        var jobCommands: UInt64 = 0
    }

    private var slots = InlineArray<64, Slot>(repeating: Slot())

    /// How lines are written; changed only while none is kept for the wire.
    var packing = Packing.none

    /// The oldest line that is kept.
    private(set) var oldest: UInt32 = 1

    /// The number that the next new line gets.
    private(set) var next: UInt32 = 1

    /// Commands of the job that were given numbers, those before `begin` included.
    private(set) var jobCommands: UInt64 = 0

    /// Forgets everything; the next line is line 1.
    mutating func restart() {
        oldest = 1
        next = 1
    }

    /// A job begins, or goes on behind its first `commands`.
    mutating func beginJob(after commands: UInt64) { jobCommands = commands }

    /// Gives `command` the next number.
    mutating func add(_ command: borrowing CommandBuffer, origin: LineOrigin) {
        let index = Int(next % UInt32(Limits.history))
        LineFormat.compose(number: next, command: command, packing: packing, into: &slots[index].line)
        let length = packing == .none ? slots[index].line.count : MeatPack.length(of: slots[index].line, packing)
        slots[index].wireLength = UInt8(truncatingIfNeeded: length)
        slots[index].origin = origin
        slots[index].isMarker = command.isTemperatureQuery
        slots[index].acknowledged = false
        slots[index].reported = false
        if case .job = origin { jobCommands += 1 }
        slots[index].jobCommands = jobCommands
        next += 1
        if next - oldest > UInt32(Limits.history) { oldest = next - UInt32(Limits.history) }
    }

    mutating func contains(_ number: UInt32) -> Bool { number >= oldest && number < next }

    /// Commands of the job up to line `number`.
    mutating func jobCommands(through number: UInt32) -> UInt64 {
        slots[Int(number % UInt32(Limits.history))].jobCommands
    }

    /// Bytes that line `number` takes on the wire.
    mutating func length(of number: UInt32) -> Int { Int(slots[Int(number % UInt32(Limits.history))].wireLength) }

    mutating func isMarker(_ number: UInt32) -> Bool { slots[Int(number % UInt32(Limits.history))].isMarker }

    /// Writes line `number` behind what `output` holds; false when it does not fit.
    mutating func copy(_ number: UInt32, to output: inout OutputBuffer) -> Bool {
        let index = Int(number % UInt32(Limits.history))
        guard output.free >= Int(slots[index].wireLength) else { return false }
        guard packing == .none else {
            MeatPack.write(slots[index].line, packing, to: &output)
            return true
        }
        slots[index].line.withBytes { output.append($0) }
        return true
    }

    /// Marks line `number` as acknowledged; its origin the first time, nil after that.
    mutating func acknowledge(_ number: UInt32) -> LineOrigin? {
        guard contains(number) else { return nil }
        let index = Int(number % UInt32(Limits.history))
        if slots[index].acknowledged { return nil }
        slots[index].acknowledged = true
        if case .priority = slots[index].origin {
            if slots[index].reported { return nil }
            slots[index].reported = true
        }
        return slots[index].origin
    }

    /// Takes acknowledgements back from line `number` on: the printer says that it has none of these. Returns how
    /// many job commands were counted too early.
    mutating func withdraw(from number: UInt32) -> UInt64 {
        var jobCommands: UInt64 = 0
        var current = Swift.max(number, oldest)
        while current < next {
            let index = Int(current % UInt32(Limits.history))
            if slots[index].acknowledged {
                slots[index].acknowledged = false
                if case .job = slots[index].origin { jobCommands += 1 }
            }
            current += 1
        }
        return jobCommands
    }
}

extension CommandBuffer {
    /// M105, whose answer can be told from a plain ok.
    var isTemperatureQuery: Bool { isCommand("M105") }

    /// True for what would make the printer count from somewhere else: an M110, or a line number of its own (firmware
    /// takes the last `N` of a line).
    package var changesLineCount: Bool {
        isCommand("M110") || count > 1 && self[0] == UInt8(ascii: "N") && self[1].isDigit
    }

    /// True when the command word is `word`.
    func isCommand(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        for index in 0..<length where self[index] != (unsafe word.utf8Start[index]) { return false }
        return count == length || !self[length].isDigit && self[length] != UInt8(ascii: ".")
    }
}

/// Bytes that are composed and not yet taken by the port.
struct OutputBuffer: ~Copyable {
    private var bytes = InlineArray<512, UInt8>(repeating: 0)
    private var start = 0
    private var end = 0

    var count: Int { end - start }
    var free: Int { Limits.output - end }

    mutating func append(_ byte: UInt8) {
        guard end < Limits.output else { return }
        bytes[end] = byte
        end += 1
    }

    mutating func append(_ source: Span<UInt8>) {
        let taken = Swift.min(source.count, free)
        bytes.write(source, count: taken, at: end)
        end += taken
    }

    mutating func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[index]) }
    }

    mutating func removeAll() {
        start = 0
        end = 0
    }

    mutating func consume(_ count: Int) {
        start += Swift.min(Swift.max(count, 0), self.count)
        if start == end { removeAll() }
    }

    mutating func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
        body(bytes.span.extracting(start..<end))
    }
}
