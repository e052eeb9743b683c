/// What lies between the engine and the printer besides the line itself: a port that takes only so much at a time, and
/// an adapter that collects bytes before it hands them over, split or merged as it likes.
public struct SimulatedWire: Sendable {
    /// How the wire treats its bytes.
    public struct Habits: Sendable, Equatable {
        /// The most bytes that one read gives.
        public var piece = 64
        /// Reads come at multiples of so many nanoseconds: 16 ms is an FTDI adapter with its usual latency timer.
        public var readInterval: UInt64 = 0
        /// The most bytes that the port takes at once; the rest has to wait a millisecond.
        public var writeLimit = 4096
        /// Nothing gets through, neither way, from here...
        public var deafFrom: UInt64 = .max
        /// ...to there; nanoseconds from the beginning.
        public var deafUntil: UInt64 = .max

        /// A prompt wire.
        public init() {}

        func isDeaf(at time: UInt64) -> Bool { time >= deafFrom && time < deafUntil }
    }

    let habits: Habits
    private let start: UInt64
    private var arrived: [UInt8] = []
    private var head = 0
    private var readableAt: UInt64 = .max
    private(set) var writableAt: UInt64 = 0

    init(_ habits: Habits, start: UInt64) {
        self.habits = habits
        self.start = start
    }

    /// Takes what the printer has sent.
    mutating func collect(_ bytes: [UInt8], at now: UInt64) {
        guard !bytes.isEmpty, !habits.isDeaf(at: now - start) else { return }
        if head == arrived.count {
            arrived.removeAll(keepingCapacity: true)
            head = 0
            let interval = habits.readInterval
            readableAt = interval == 0 ? now : now / interval * interval + interval
        }
        arrived.append(contentsOf: bytes)
    }

    /// When the next read gives something.
    var nextRead: UInt64 { head < arrived.count ? readableAt : .max }

    /// What a read gives now; empty when there is nothing.
    mutating func read(at now: UInt64) -> ArraySlice<UInt8> {
        guard head < arrived.count, readableAt <= now else { return [] }
        let end = min(head + habits.piece, arrived.count)
        defer { head = end }
        return arrived[head..<end]
    }

    /// How many of `count` bytes the port takes now.
    mutating func accepted(_ count: Int, at now: UInt64) -> Int {
        guard count > 0, writableAt <= now else { return 0 }
        let taken = min(count, habits.writeLimit)
        if taken < count { writableAt = now + 1_000_000 }
        return taken
    }

    func isDeaf(at now: UInt64) -> Bool { habits.isDeaf(at: now - start) }
}

extension SimulatedWire.Habits: CustomStringConvertible {
    /// What is not usual.
    public var description: String {
        var words = ["reads of \(piece)"]
        if readInterval > 0 { words.append("every \(readInterval / 1_000_000) ms") }
        if writeLimit < 4096 { words.append("writes of \(writeLimit)") }
        if deafFrom != .max { words.append("deaf from \(seconds(deafFrom)) to \(seconds(deafUntil)) s") }
        return words.joined(separator: " ")
    }
}
