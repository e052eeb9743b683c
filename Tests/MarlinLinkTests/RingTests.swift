import Foundation
import GCodeStream
import Synchronization
import Testing

@testable import MarlinLink

@Suite struct FixedRingTests {
    @Test func inOrderAndNoMoreThanFits() {
        let ring = FixedRing<Int>(capacity: 5, filler: 0)
        // The next power of two.
        for value in 1...8 { #expect(ring.push(value)) }
        #expect(!ring.push(9))
        #expect(ring.refused == 1)
        for value in 1...8 { #expect(ring.pop() == value) }
        #expect(ring.pop() == nil)
    }

    @Test func keepsPlacesFree() {
        let ring = FixedRing<Int>(capacity: 8, filler: 0)
        for value in 1...6 { #expect(ring.push(value, keeping: 2)) }
        #expect(!ring.push(7, keeping: 2))
        #expect(ring.push(7))
        #expect(ring.push(8))
        #expect(!ring.push(9))
    }

    @Test func twoThreads() async throws {
        let ring = FixedRing<UInt64>(capacity: 16, filler: 0)
        let count: UInt64 = 100_000
        let popped = onThread {
            var expected: UInt64 = 0
            while expected < count {
                guard let value = ring.pop() else {
                    sched_yield()
                    continue
                }
                guard value == expected else { return expected }
                expected += 1
            }
            return expected
        }
        let pushed = onThread {
            for value in 0..<count { while !ring.push(value) { sched_yield() } }
            return true
        }
        try await eventually("both threads end") { popped.value != nil && pushed.value != nil }
        #expect(popped.value == count)
        #expect(ring.pop() == nil)
    }
}

@Suite struct SnapshotSlotTests {
    private struct Pair: BitwiseCopyable, Sendable {
        var values = InlineArray<8, UInt64>(repeating: 0)
        var isWhole: Bool { values.indices.allSatisfy { values[$0] == values[0] } }
    }

    @Test func theNewestValue() {
        let slot = SnapshotSlot(1)
        #expect(slot.read() == 1)
        slot.publish(2)
        slot.publish(3)
        #expect(slot.read() == 3)
        #expect(slot.read() == 3)
    }

    @Test func valuesAreWholeAndNeverOlderThanBefore() async throws {
        let slot = SnapshotSlot(Pair())
        let count: UInt64 = 50_000
        let readers = (0..<2).map { _ in
            onThread {
                var last: UInt64 = 0
                while last < count {
                    let pair = slot.read()
                    guard pair.isWhole, pair.values[0] >= last else { return false }
                    last = pair.values[0]
                    sched_yield()
                }
                return true
            }
        }
        for value in 1...count { slot.publish(Pair(values: InlineArray(repeating: value))) }
        try await eventually("the readers see the last value") { readers.allSatisfy { $0.value != nil } }
        #expect(readers.allSatisfy { $0.value == true })
    }
}

@Suite struct CommandRingTests {
    private func command(_ text: String) -> CommandBuffer {
        var command = CommandBuffer()
        for byte in text.utf8 { command.append(byte) }
        return command
    }

    private func ring(capacity: Int) throws -> CommandRing {
        CommandRing(room: try #require(WakeSignal()), capacity: capacity)
    }

    @Test func commandsThenTheEnd() throws {
        let ring = try ring(capacity: 64)
        var taken = CommandBuffer()
        #expect(ring.pop(into: &taken) == .empty)
        #expect(ring.push(command("G28"), advance: 4, newLayer: false))
        #expect(ring.push(command("G1 X1"), advance: 70_000, newLayer: true))
        ring.end(failure: 0)
        #expect(ring.pop(into: &taken) == .command(advance: 4, newLayer: false))
        #expect(String(taken) == "G28")
        #expect(ring.pop(into: &taken) == .command(advance: 70_000, newLayer: true))
        #expect(String(taken) == "G1 X1")
        #expect(ring.pop(into: &taken) == .end(failure: 0))
        #expect(ring.pop(into: &taken) == .end(failure: 0))
    }

    @Test func failuresComeBehindWhatWasRead() throws {
        let ring = try ring(capacity: 64)
        #expect(ring.push(command("G28"), advance: 4, newLayer: false))
        ring.end(failure: EIO)
        var taken = CommandBuffer()
        #expect(ring.pop(into: &taken) == .command(advance: 4, newLayer: false))
        #expect(ring.pop(into: &taken) == .end(failure: EIO))
    }

    @Test func aFullRingAsksForHalfOfItsRoom() throws {
        let ring = try ring(capacity: 64)
        // Six bytes in front of ten.
        for _ in 0..<4 { #expect(ring.push(command("G1 X123456"), advance: 11, newLayer: false)) }
        #expect(!ring.push(command("G1"), advance: 3, newLayer: false))
        ring.announceWait()
        #expect(!ring.hasRoom)
        var taken = CommandBuffer()
        _ = ring.pop(into: &taken)
        #expect(!ring.hasRoom)
        _ = ring.pop(into: &taken)
        #expect(ring.hasRoom)
        // The second one signalled it.
        ring.room.wait(nanoseconds: 60_000_000_000)
        #expect(ring.push(command("G1"), advance: 3, newLayer: false))
    }

    @Test func hungerIsToldOnce() throws {
        let ring = try ring(capacity: 64)
        #expect(!ring.takeHunger())
        ring.announceHunger()
        #expect(ring.takeHunger())
        #expect(!ring.takeHunger())
    }

    @Test func twoThreadsThatSleep() async throws {
        let ring = try ring(capacity: 512)
        let wake = try #require(WakeSignal())
        let count = 20_000
        // Neither side polls: a lost wake-up would end the test by its deadline.
        let written = onThread {
            for number in 0..<count {
                let text = "G1 X\(number)" + String(repeating: "7", count: number % 40)
                let command = self.command(text)
                while !ring.push(command, advance: UInt32(number), newLayer: number % 3 == 0) {
                    ring.announceWait()
                    if !ring.hasRoom { ring.room.wait(nanoseconds: 100_000_000) }
                }
                if ring.takeHunger() { wake.signal() }
            }
            ring.end(failure: 0)
            wake.signal()
            return true
        }
        let read = onThread {
            var number = 0
            var taken = CommandBuffer()
            while true {
                var next = ring.pop(into: &taken)
                if next == .empty {
                    ring.announceHunger()
                    next = ring.pop(into: &taken)
                }
                switch next {
                case .empty: wake.wait()
                case .end: return number
                case .command(let advance, let newLayer):
                    let text = "G1 X\(number)" + String(repeating: "7", count: number % 40)
                    guard String(taken) == text, advance == UInt32(number), newLayer == (number % 3 == 0) else {
                        return -number
                    }
                    number += 1
                }
            }
        }
        try await eventually("both threads end") { written.value != nil && read.value != nil }
        #expect(read.value == count)
    }
}

@Suite struct CommandWaitersTests {
    @Test func asManyAsTheLaneHolds() throws {
        let waiters = CommandWaiters()
        var tags: [UInt32] = []
        while let tag = waiters.tag() { tags.append(tag) }
        #expect(tags.count == CommandWaiters.capacity)
        #expect(Set(tags).count == tags.count)
        waiters.settle(tags[3], as: .acknowledged)
        #expect(waiters.tag() != nil)
        #expect(waiters.tag() == nil)
        // Once more, and one that never was: neither makes room.
        waiters.settle(tags[3], as: .acknowledged)
        waiters.settle(.max, as: .dropped)
        #expect(waiters.tag() == nil)
        waiters.dropAll()
        #expect(waiters.tag() != nil)
    }

    @Test func theFirstFateCounts() throws {
        let waiters = CommandWaiters()
        let signal = try #require(WakeSignal())
        let tag = try #require(waiters.tag(telling: signal))
        #expect(waiters.fate(of: tag) == .pending)
        waiters.settle(tag, as: .acknowledged)
        waiters.settle(tag, as: .dropped)
        waiters.dropAll()
        #expect(waiters.fate(of: tag) == .acknowledged)
        signal.wait(nanoseconds: 60_000_000_000)
        waiters.forget(tag)
        #expect(waiters.fate(of: tag) == .dropped)
    }
}
