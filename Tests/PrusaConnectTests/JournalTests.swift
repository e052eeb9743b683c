import Foundation
import Testing

@testable import PrusaConnect

@Suite struct JournalTests {
    private let folder: TemporaryDirectory
    private let files = FaultyFiles()

    init() throws { folder = try TemporaryDirectory() }

    private func event(_ text: String, kind: EventKind = .failed, answers id: UInt64? = nil) -> StoredEvent {
        let event = Event(
            kind: kind, source: .wui, commandID: id, reason: text, state: .idle, timestamp: Timestamp(tenths: 17))
        return StoredEvent(event, isAnswer: id != nil)
    }

    private func directory() -> StateDirectory {
        StateDirectory(path: folder.path, fingerprint: Fingerprint(serialNumber: testSerial), files: files)
    }

    private func outbox(events: Int = 4096, bytes: Int = 4 << 20, memory: Int = 256) -> JournalOutbox {
        JournalOutbox(
            directory: directory(), limits: OutboxLimits(events: events, bytes: bytes),
            memoryLimits: OutboxLimits(events: memory, bytes: 1 << 20))
    }

    private func drain(_ outbox: JournalOutbox, _ most: Int = .max) -> [String] {
        var reasons: [String] = []
        while reasons.count < most, let item = outbox.first {
            let reason = try? JSONValue(parsing: item.event.body)["reason"]?.string
            reasons.append(reason ?? "?")
            outbox.remove(item.number)
        }
        return reasons
    }

    private var size: UInt64 { (try? SystemFiles().sizeOf(directory().events)) ?? .max }

    @Test("What waits is there after a restart, unchanged and in order; what was delivered is not")
    func restart() throws {
        let all = [
            event("a"), event("b", kind: .info), event("c", kind: .accepted, answers: 0),
            event("d", kind: .finished, answers: .max), event(String(repeating: "long ", count: 40_000)),
        ]
        do {
            let first = outbox()
            for one in all { #expect(first.append(one).isEmpty) }
            #expect(drain(first, 1) == ["a"])
        }
        let second = outbox()
        #expect(second.count == 4 && second.takeNotes().map(\.text) == ["4 events from before wait for Connect"])
        for expected in all.dropFirst() {
            let item = try #require(second.first)
            #expect(item.event == expected)
            second.remove(item.number)
        }
        #expect(second.first == nil && size == 0)
    }

    @Test("The files are for the owner only, a printer's own, and one process's at a time")
    func privacy() throws {
        let first = outbox()
        _ = first.append(event("a"))
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(name))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        // The lock belongs to the open file, so a second one in this process is as good as another process.
        var second: JournalOutbox? = outbox()
        _ = second?.append(event("b"))
        let note = try #require(second?.takeNotes().first)
        #expect(note.level == .warning && note.text.contains("another process uses it"))
        #expect(second.map { drain($0) } == ["b"])
        second = nil
        let other = StateDirectory(path: folder.path, fingerprint: Fingerprint(serialNumber: "other"))
        let third = JournalOutbox(directory: other, limits: OutboxLimits(), memoryLimits: OutboxLimits())
        #expect(third.count == 0 && third.takeNotes().isEmpty)
        #expect(drain(first) == ["a"])
    }

    @Test("A lock that becomes free later is taken, and what was on disk goes first")
    func lateLock() {
        var first: JournalOutbox? = outbox()
        _ = first?.append(event("old"))
        let second = outbox()
        _ = second.append(event("new"))
        first = nil
        _ = second.append(event("newer"))
        #expect(drain(outbox()).isEmpty)
        #expect(drain(second) == ["old", "new", "newer"])
    }

    @Test("Whatever is cut off or damaged, the whole records are kept", arguments: 0..<12)
    func damage(_ seed: UInt64) throws {
        var random = SeededRandom(seed)
        do {
            let first = outbox()
            for number in 0..<20 { _ = first.append(event("\(number)")) }
        }
        var bytes = try AtomicFile.read(directory().events)
        let length = bytes.count / 20
        let whole: [String]
        switch seed % 3 {
        case 0:
            // A torn tail, as a full disk or a loss of power leaves it.
            let rest = Int.random(in: 8..<bytes.count, using: &random)
            bytes.removeLast(bytes.count - rest)
            whole = (0..<20).prefix { $0 * length + length <= rest - 8 + 20 }.map(String.init)
        case 1:
            // Zeros behind the last record.
            bytes += [UInt8](repeating: 0, count: 500)
            whole = (0..<20).map(String.init)
        default:
            // One damaged byte in the body of an event in the middle.
            let place = 8 + length * Int.random(in: 3..<17, using: &random) + length / 2
            bytes[place] ^= 0x40
            whole = []
        }
        try AtomicFile.write(bytes, to: directory().events)
        let second = outbox()
        let rest = drain(second)
        switch seed % 3 {
        case 0: #expect(rest == (0..<rest.count).map(String.init) && abs(rest.count - whole.count) <= 1)
        case 1: #expect(rest == whole)
        default: #expect(rest.count == 19 && rest == rest.sorted { Int($0) ?? 0 < Int($1) ?? 0 })
        }
        // The file goes on behind its last whole record.
        _ = second.append(event("next"))
        #expect(outbox().count == 0)
        #expect(drain(second) == ["next"])
    }

    @Test("A file that is none of ours is replaced")
    func foreign() throws {
        try AtomicFile.write(Array("[printer]\ntype = MK3S\n".utf8), to: directory().events)
        let first = outbox()
        #expect(first.count == 0 && first.takeNotes().first?.level == .warning)
        _ = first.append(event("a"))
        #expect(drain(first) == ["a"])
    }

    @Test("A disk that fails: memory holds what it can, the log is told once, and all of it survives afterwards",
        arguments: [ENOSPC, EROFS, EIO])
    func diskFails(_ code: Int32) throws {
        var first: JournalOutbox? = outbox(memory: 10)
        _ = first?.append(event("0"))
        files.faults.change { $0.write = code }
        for number in 1...10 { #expect(first?.append(event("\(number)")) == []) }
        #expect(first?.takeNotes().map(\.level) == [.warning])
        // Memory is full: the oldest in memory goes, the one on disk stays.
        #expect(first?.append(event("11")) == [.failed])
        #expect(first?.count == 11 && first?.takeNotes() == [])
        files.faults.change { $0.write = nil }
        _ = first?.append(event("12"))
        #expect(first?.takeNotes().map(\.text) == ["events are kept on disk again"])
        first = nil
        #expect(drain(outbox()) == ["0"] + (2...12).map(String.init))
    }

    @Test("A disk without room for a whole record: the piece is no record, and delivered events stay delivered")
    func noRoom() throws {
        var first: JournalOutbox? = outbox()
        for number in 0..<5 { _ = first?.append(event("\(number)")) }
        files.faults.change { $0.room = 40 }
        _ = first?.append(event("5"))
        #expect(first?.takeNotes().count == 1)
        #expect(first.map { drain($0, 3) } == ["0", "1", "2"])
        files.faults.change { $0.room = nil }
        #expect(first.map { drain($0, 1) } == ["3"])
        first = nil
        #expect(drain(outbox()) == ["4", "5"])
    }

    @Test("A directory that cannot be made, and one that can be made later")
    func noDirectory() {
        files.faults.change { $0.open = EACCES }
        var first: JournalOutbox? = outbox()
        _ = first?.append(event("0"))
        #expect(first?.count == 1 && first?.takeNotes().count == 1)
        files.faults.change { $0.open = nil }
        _ = first?.append(event("1"))
        first = nil
        #expect(drain(outbox()) == ["0", "1"])
    }

    @Test("An event that cannot be read back is lost with a word, the others are not")
    func unreadable() {
        let first = outbox()
        for number in 0..<3 { _ = first.append(event("\(number)")) }
        files.faults.change { $0.read = EIO }
        #expect(first.first == nil && first.takeNotes().map(\.level) == [.error, .error, .error])
        files.faults.change { $0.read = nil }
        _ = first.append(event("3"))
        #expect(drain(first) == ["3"])
    }

    @Test("Offline for long: file, index and count stay bounded, and the newest events are there")
    func offlineForLong() {
        let limit = 100
        var first: JournalOutbox? = outbox(events: limit)
        var longest: UInt64 = 0
        for number in 0..<5000 {
            let lost = first?.append(event("\(number)"))
            #expect(lost?.count == (number < limit ? 0 : 1))
            if number % 100 == 0 { longest = max(longest, size) }
        }
        #expect(first?.count == limit)
        // Some 130 bytes an event; half of it may be dead, and short files are not rewritten.
        #expect(longest > 100_000 && longest < 400_000)
        first = nil
        #expect(drain(outbox(events: limit)) == (4900..<5000).map(String.init))
    }

    @Test("A rewrite that fails leaves the old file and no other")
    func rewriteFails() throws {
        files.faults.change { $0.rename = EIO }
        var first: JournalOutbox? = outbox(events: 50)
        for number in 0..<4000 { _ = first?.append(event("\(number)")) }
        #expect(size > 500_000)
        #expect(try !FileManager.default.contentsOfDirectory(atPath: folder.path).contains { $0.hasSuffix(".new") })
        files.faults.change { $0.rename = nil }
        for number in 4000..<6000 { _ = first?.append(event("\(number)")) }
        #expect(size < 300_000)
        first = nil
        #expect(drain(outbox()) == (5950..<6000).map(String.init))
    }

    @Test("A random life with restarts and a disk that comes and goes: in order, once, nothing lost", arguments: 0..<8)
    func randomLife(_ seed: UInt64) {
        var random = SeededRandom(seed)
        var outbox: JournalOutbox? = outbox()
        var (posted, delivered): (Int, [String]) = (0, [])
        var isFailing = false
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                _ = outbox?.append(event("\(posted)"))
                posted += 1
            case 5..<8: delivered += outbox.map { drain($0, Int.random(in: 1...3, using: &random)) } ?? []
            case 8:
                isFailing.toggle()
                let room = Int.random(in: 0..<200, using: &random)
                files.faults.change { $0.room = isFailing ? room : nil }
            default:
                // With the disk working again everything in memory gets there before the end.
                isFailing = false
                files.faults.change { $0.room = nil }
                _ = outbox?.append(event("\(posted)"))
                posted += 1
                outbox = nil
                outbox = self.outbox()
            }
        }
        delivered += outbox.map { drain($0) } ?? []
        #expect(delivered == (0..<posted).map(String.init), "seed \(seed)")
    }

    @Test("A short stay costs no sync, a long one some, an empty file none")
    func syncs() throws {
        let rig = CoreRig(state: directory())
        rig.skipTelemetry()
        rig.post(.failed)
        rig.answer(try #require(rig.next()), 204)
        rig.now += .seconds(5)
        _ = rig.drain()
        #expect(rig.syncs.isEmpty && size == 0)
        // Offline: the first after a second, then every ten seconds.
        for second in 0..<35 {
            rig.post(.failed, reason: "\(second)")
            if let outgoing = rig.next() { rig.fail(outgoing, .connectionRefused) }
            rig.now += .seconds(1)
        }
        #expect(rig.syncs.count == 4)
        for sync in rig.syncs { #expect(sync() == nil) }
        #expect(files.faults.value.syncs == 4)
        files.faults.change { $0.sync = EIO }
        let error = try #require(rig.syncs[0]())
        rig.core.synced(error)
        rig.core.synced(error)
        rig.collect()
        #expect(rig.logs.count { $0.contains("loss of power") } == 1)
    }
}

extension SystemFiles {
    func sizeOf(_ path: String) throws(OSError) -> UInt64 {
        let file = try open(path, isEmptied: false)
        defer { close(file) }
        return try size(file)
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
