import Testing

@testable import BoardIO

private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1_000_000_000

/// A line and its debouncer in simulated time.
private struct Contact {
    var debouncer: Debouncer
    var now: UInt64 = second
    var told: [Bool] = []
    var toldAt: [UInt64] = []
    var lastEdge: UInt64 = 0
    var level: Bool

    init(_ debouncer: Debouncer) {
        self.debouncer = debouncer
        level = debouncer.level
    }

    /// Time passes; the debouncer is called when it wants to be, as the devices' thread does.
    mutating func wait(_ nanoseconds: UInt64) {
        let end = now + nanoseconds
        while let deadline = debouncer.deadline, deadline <= end {
            now = max(now, deadline)
            note(debouncer.advance(to: now))
        }
        now = end
    }

    mutating func edge() {
        level.toggle()
        lastEdge = now
        note(debouncer.advance(to: now))
        debouncer.take(level, at: now)
        note(debouncer.advance(to: now))
    }

    /// Goes to `level` through `edges` edges (made odd or even as needed) with gaps up to `longestGap`.
    mutating func bounce(
        to target: Bool, edges: Int, longestGap: UInt64, using generator: inout some RandomNumberGenerator
    ) {
        for _ in 0..<edges {
            edge()
            wait(.random(in: 0...longestGap, using: &generator))
        }
        if level != target { edge() }
    }

    private mutating func note(_ change: Bool?) {
        guard let change else { return }
        told.append(change)
        toldAt.append(now)
    }
}

@Suite struct DebouncerTests {
    @Test func aCleanEdgeCountsAfterTheShortQuiet() {
        var contact = Contact(Debouncer(level: true, settle: 20 * millisecond))
        contact.edge()
        let edge = contact.now
        contact.wait(19 * millisecond)
        #expect(contact.told.isEmpty)
        contact.wait(millisecond)
        #expect(contact.told == [false])
        #expect(contact.toldAt == [edge + 20 * millisecond])
    }

    @Test func aGlitchIsNothing() {
        var contact = Contact(Debouncer(level: true))
        contact.edge()
        contact.wait(5 * millisecond)
        contact.edge()
        contact.wait(10 * second)
        #expect(contact.told.isEmpty)
        #expect(contact.debouncer.deadline == nil)
    }

    @Test func anEdgeThatTheKernelDebouncedCountsAtOnce() {
        var contact = Contact(Debouncer(level: true, settle: 0))
        contact.edge()
        #expect(contact.told == [false])
        // The next has to prove itself all the same.
        contact.edge()
        #expect(contact.told == [false])
        contact.wait(second)
        #expect(contact.told == [false, true])
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func aBounceTrainIsOneChange(_ seed: UInt64) {
        var generator = Dice(seed: seed)
        var contact = Contact(Debouncer(level: .random(using: &generator)))
        var expected: [Bool] = []
        for _ in 0..<20 {
            let target = !contact.debouncer.level
            expected.append(target)
            contact.bounce(
                to: target, edges: .random(in: 0...60, using: &generator), longestGap: 19 * millisecond,
                using: &generator)
            let settled = contact.lastEdge + 20 * millisecond
            contact.wait(second)
            #expect(contact.told == expected, "seed \(seed)")
            #expect(contact.toldAt.last == settled, "seed \(seed)")
        }
        #expect(!contact.debouncer.isFloating)
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func aFloatingLineIsOneChangeAtMost(_ seed: UInt64) {
        var generator = Dice(seed: seed)
        var contact = Contact(Debouncer(level: .random(using: &generator)))
        // A minute of gaps of any length short of calm, many of them longer than the short quiet.
        let longest = UInt64.random(in: 2...499, using: &generator) * millisecond
        let end = contact.now + 60 * second
        while contact.now < end {
            contact.edge()
            contact.wait(.random(in: 0...longest, using: &generator))
        }
        #expect(contact.told.count <= 1, "seed \(seed)")
        #expect(contact.debouncer.isFloating, "seed \(seed)")
        let before = contact.told.count
        contact.wait(second)
        #expect(!contact.debouncer.isFloating, "seed \(seed)")
        // Repaired, it says the truth again.
        #expect(contact.debouncer.level == contact.level, "seed \(seed)")
        #expect(contact.told.count <= before + 1, "seed \(seed)")
    }

    @Test func aFloatingLineDoesNotTellOfAChangeBeforeItIsCalm() {
        var contact = Contact(Debouncer(level: true))
        for _ in 0..<1000 {
            contact.edge()
            contact.wait(30 * millisecond)
        }
        #expect(contact.told == [false])
    }

    @Test func timeThatGoesBackIsNoTrouble() {
        var debouncer = Debouncer(level: true)
        debouncer.take(false, at: 10 * second)
        debouncer.take(true, at: 9 * second)
        debouncer.take(false, at: 8 * second)
        #expect(debouncer.advance(to: 5 * second) == nil)
        #expect(debouncer.advance(to: 11 * second) == false)
    }
}

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
