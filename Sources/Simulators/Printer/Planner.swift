/// The firmware's buffer of planned moves. Nothing runs here: each block knows when it ends, and blocks that have
/// ended are taken out when somebody looks.
struct Planner: Sendable {
    private struct Block {
        var end: UInt64
        var duration: UInt64
        var target: SIMD4<Double>
    }

    private var blocks: [Block] = []
    private var head = 0
    /// Where the machine stood when the first block began.
    private var origin: SIMD4<Double>
    private var movesSinceStop = 0
    private let firstMoveDelay: UInt64
    private let shortestSegment: UInt64

    /// Blocks that can wait; one of the firmware's places stays free.
    let usable: Int
    private(set) var count = 0
    private(set) var lastEnd: UInt64 = 0
    private(set) var movesPlanned = 0
    /// How often a move found the planner run dry behind at least 16 moves without a stop that a command asked for.
    private(set) var starvations = 0

    init(_ machine: Machine, origin: SIMD4<Double>, isInstant: Bool) {
        usable = machine.plannerBlocks - 1
        firstMoveDelay = isInstant ? 0 : machine.firstMoveDelay
        shortestSegment = isInstant ? 0 : machine.shortestSegment
        self.origin = origin
        blocks = Array(repeating: Block(end: 0, duration: 0, target: origin), count: machine.plannerBlocks)
    }

    var isEmpty: Bool { count == 0 }
    var isFull: Bool { count >= usable }
    var free: Int { usable - count }

    /// When the first block ends and makes room.
    var firstEnd: UInt64 { count == 0 ? 0 : blocks[head].end }

    mutating func retire(at now: UInt64) {
        while count > 0, blocks[head].end <= now {
            origin = blocks[head].target
            head = (head + 1) % blocks.count
            count -= 1
        }
    }

    /// Plans a move; the caller made sure of room.
    mutating func add(to target: SIMD4<Double>, duration: UInt64, at now: UInt64) {
        retire(at: now)
        movesPlanned += 1
        var length = duration
        if count > 1, count < (usable + 1) / 2, length < shortestSegment {
            // Both firmwares stretch short moves while little is planned, so that the host can catch up.
            length += 2 * (shortestSegment - length) / UInt64(count)
        }
        if count == 0 {
            if movesSinceStop >= usable + 1, lastEnd < now, duration > 0 { starvations += 1 }
            lastEnd = now + firstMoveDelay
        }
        lastEnd += length
        blocks[(head + count) % blocks.count] = Block(end: lastEnd, duration: length, target: target)
        count += 1
        movesSinceStop += 1
        if count == 3, firstMoveDelay > 0 { startNow(at: now) }
    }

    /// Three moves are company enough: a first move that still waits starts.
    private mutating func startNow(at now: UInt64) {
        let start = blocks[head].end - blocks[head].duration
        guard start > now else { return }
        for offset in 0..<count { blocks[(head + offset) % blocks.count].end -= start - now }
        lastEnd -= start - now
    }

    /// A command waits for the moves: running dry after that is no starvation.
    mutating func noteStop() { movesSinceStop = 0 }

    /// Drops all moves; the machine stands where it was.
    mutating func stop(at now: UInt64) -> SIMD4<Double> {
        let place = position(at: now)
        count = 0
        lastEnd = now
        origin = place
        noteStop()
        return place
    }

    /// Where the machine is.
    func position(at now: UInt64) -> SIMD4<Double> {
        var from = origin
        for offset in 0..<count {
            let block = blocks[(head + offset) % blocks.count]
            guard block.end > now else {
                from = block.target
                continue
            }
            let start = block.end - block.duration
            guard start < now else { return from }
            return from + (block.target - from) * (Double(now - start) / Double(block.duration))
        }
        return from
    }

    /// The machine was moved by something else (homing).
    mutating func set(_ position: SIMD4<Double>) { origin = position }

    /// The coordinates were renamed (G92).
    mutating func shift(by offset: SIMD4<Double>) {
        origin += offset
        for index in blocks.indices { blocks[index].target += offset }
    }
}
