import Glibc
import Testing

@testable import PrusaConnect

@Suite struct InotifyTests {
    private func record(_ watch: Int32, _ mask: UInt32, _ cookie: UInt32, _ name: String, padding: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ value: UInt32) { withUnsafeBytes(of: value) { bytes += $0 } }
        add(UInt32(bitPattern: watch))
        add(mask)
        add(cookie)
        add(UInt32(name.utf8.count + padding))
        return bytes + Array(name.utf8) + [UInt8](repeating: 0, count: padding)
    }

    private func parse(_ bytes: [UInt8], position: UInt64 = 0) -> [InotifyEvent] {
        bytes.withUnsafeBytes { InotifyEvent.parse($0, position: position) }
    }

    @Test func recordsOfAnyLength() {
        // A name of 3 bytes and no padding puts the next record on an odd address.
        let bytes =
            record(1, UInt32(IN_CREATE), 0, "abc", padding: 0) + record(-1, UInt32(IN_Q_OVERFLOW), 0, "", padding: 0)
            + record(7, UInt32(IN_MOVED_TO | IN_ISDIR), 99, "folder", padding: 10)
        let events = parse(bytes, position: 1000)
        #expect(events.map(\.watch) == [1, -1, 7])
        #expect(events.map { String(decoding: $0.name, as: UTF8.self) } == ["abc", "", "folder"])
        #expect(events.map(\.position) == [1000, 1019, 1035])
        #expect(events[2].cookie == 99 && events[2].isAboutFolder && !events[0].isAboutFolder)
        #expect(events[1].has(IN_Q_OVERFLOW) && !events[1].has(IN_CREATE))
    }

    @Test func whatIsCutShortIsNotRead() {
        let whole = record(1, UInt32(IN_CREATE), 0, "abc", padding: 1)
        for count in 0..<whole.count { #expect(parse(Array(whole[..<count])).isEmpty) }
        #expect(parse(whole + whole.dropLast()).count == 1)
        #expect(parse([UInt8](repeating: 0xFF, count: 64)).isEmpty)
    }
}
