import MarlinLink
import Testing

@testable import Gantry

@Suite struct JobProgressTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var offset: UInt64 = 0
        var size: UInt64 = 1000
        var elapsed = 0.0
        var percent: Int32 = -1
        var minutes: Int32 = -1
        var expected: Int
        var left: Int?
        var isEstimate = true

        var testDescription: String { "\(offset)/\(size) after \(elapsed) s, M73 P\(percent) R\(minutes)" }
    }

    static let cases = [
        Case(expected: 0, left: nil),
        Case(offset: 9, elapsed: 60, expected: 0, left: nil),
        Case(offset: 10, elapsed: 0.5, expected: 1, left: nil),
        Case(offset: 10, elapsed: 10, expected: 1, left: 990),
        Case(offset: 500, elapsed: 100, expected: 50, left: 100),
        Case(offset: 999, elapsed: 100, expected: 99, left: 0),
        Case(offset: 1000, elapsed: 100, expected: 100, left: 0),
        Case(offset: 2000, elapsed: 100, expected: 100, left: 0),
        Case(offset: 0, size: 0, elapsed: 100, expected: 0, left: nil),
        Case(offset: 10, elapsed: 100, percent: 42, expected: 42, left: 9900),
        Case(offset: 500, elapsed: 100, percent: 0, minutes: 75, expected: 0, left: 4500, isEstimate: false),
        Case(offset: 500, elapsed: 100, minutes: 0, expected: 50, left: 0, isEstimate: false),
        Case(percent: 100, minutes: 1_000_000, expected: 100, left: 60_000_000, isEstimate: false),
    ]

    @Test(arguments: cases) func saysHowFar(_ item: Case) {
        var snapshot = LinkSnapshot()
        snapshot.jobOffset = item.offset
        snapshot.readings.progress = item.percent
        snapshot.readings.minutesLeft = item.minutes
        let progress = JobProgress(snapshot: snapshot, size: item.size, elapsed: item.elapsed)
        #expect(progress.percent == item.expected)
        #expect(progress.secondsLeft == item.left)
        #expect(progress.isEstimate == item.isEstimate)
    }
}
