import MarlinLink
import Testing

/// Durations in buckets.
@Suite struct LatencyHistogramTests {
    @Test func empty() {
        let histogram = LatencyHistogram()
        #expect(histogram.permille(500) == 0)
        #expect(histogram.longest == 0)
    }

    /// Told to within a quarter, never too low, never above the longest.
    @Test(
        arguments: [1, 900, 1000, 1001, 1250, 1999, 2000, 33_333, 70_001, 999_999, 123_456_789, 900_000_000] as [UInt64]
    )
    func oneDuration(_ nanoseconds: UInt64) {
        var histogram = LatencyHistogram()
        histogram.add(nanoseconds)
        histogram.add(nanoseconds * 100)
        let half = histogram.permille(500)
        #expect(half >= nanoseconds)
        #expect(half <= max(nanoseconds + nanoseconds / 4 + 250, 1250))
        #expect(histogram.permille(1000) <= nanoseconds * 100)
        #expect(histogram.longest == nanoseconds * 100)
    }

    @Test func percentilesOfMany() {
        var histogram = LatencyHistogram()
        for value in 1...10_000 { histogram.add(UInt64(value) * 1000) }
        #expect(histogram.count == 10_000)
        for (permille, exact) in [(500, 5_000_000), (900, 9_000_000), (990, 9_900_000)] as [(UInt64, UInt64)] {
            #expect((exact...exact + exact / 4).contains(histogram.permille(permille)))
        }
        #expect(histogram.permille(1000) == 10_000_000)
    }

    @Test func whatIsLongerThanASecond() {
        var histogram = LatencyHistogram()
        histogram.add(.max)
        histogram.add(60_000_000_000)
        #expect(histogram.permille(1000) >= 900_000_000)
        #expect(histogram.longest == .max)
    }
}
