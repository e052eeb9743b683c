import Testing

@testable import BoardIO

@Suite struct BoardReportTests {
    @Test func reportAgreesWithItsParts() throws {
        let report = BoardReport()
        #expect(report.gpiodVersion == GPIOChip.libraryVersion)
        #expect(try report.chips.get().count == GPIOChip.paths().count)
        #expect(try report.serialPorts.get() == UdevDevices.serialPorts())
        #expect(try report.usbFileSystems.get() == UdevDevices.usbFileSystems())
    }

    @Test func libudevTellsItsVersionByItsFile() throws {
        let library = try #require(BoardReport().udevLibrary)
        #expect(library.wholeMatch(of: /libudev\.so\.1(\.[0-9]+)*/) != nil)
    }

    @Test func everyPartHasALine() throws {
        let report = BoardReport()
        let parts = [
            try report.chips.get().count, try report.serialPorts.get().count, try report.usbFileSystems.get().count,
        ]
        let expected = 2 + (report.udevRuns ? 0 : 1) + parts.reduce(0) { $0 + max($1, 1) }
        #expect(report.lines.count == expected)
        #expect(report.lines.first == "libgpiod \(report.gpiodVersion)")
    }

    @Test(arguments: [
        ("7f-8f r-xp 0 fe:00 1  /usr/lib/x86_64-linux-gnu/libudev.so.1.7.5", "libudev.so.1.7.5"),
        ("7f-8f r--p 0 fe:00 1  /lib/libc.so.6\n7f-8f r-xp 0 fe:00 1  /lib/libudev.so.1", "libudev.so.1"),
        ("7f-8f rw-p 0 00:00 0  [heap]", nil), ("7f-8f r-xp 0 fe:00 1  /lib/mylibudev.so.1", nil), ("", nil),
    ])
    func versionComesFromTheMappedFile(maps: String, expected: String?) {
        #expect(BoardReport.mappedLibrary("libudev.so", maps: maps) == expected)
    }
}
