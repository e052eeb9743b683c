import Testing

@testable import BoardIO

@Suite struct FilamentWatchTests {
    @Test func aRunOutInAPrintIsToldOnce() {
        var watch = FilamentWatch(isPresent: true)
        #expect(watch.printRuns(isResumed: false) == nil)
        #expect(watch.take(isPresent: false) == .ranOut)
        #expect(watch.take(isPresent: false) == nil)
        #expect(watch.hasRunOut)
        watch.printStops(isPaused: true)
        #expect(watch.hasRunOut)
        #expect(watch.take(isPresent: true) == .inserted)
        #expect(!watch.hasRunOut)
        #expect(watch.printRuns(isResumed: true) == nil)
        #expect(watch.take(isPresent: false) == .ranOut)
    }

    @Test func withoutAPrintItIsOnlyNews() {
        var watch = FilamentWatch(isPresent: true)
        #expect(watch.take(isPresent: false) == .removed)
        #expect(watch.take(isPresent: true) == .inserted)
        #expect(!watch.hasRunOut)
    }

    @Test func aPrintThatBeginsWithoutFilamentHasRunOut() {
        var watch = FilamentWatch(isPresent: false)
        #expect(watch.printRuns(isResumed: false) == .ranOut)
    }

    @Test func whoResumesWithoutFilamentIsLeftAlone() {
        var watch = FilamentWatch(isPresent: true)
        _ = watch.printRuns(isResumed: false)
        _ = watch.take(isPresent: false)
        watch.printStops(isPaused: true)
        #expect(watch.printRuns(isResumed: true) == nil)
        #expect(!watch.hasRunOut)
        #expect(watch.take(isPresent: false) == nil)
    }

    @Test func removedWhilePausedIsNoRunOut() {
        var watch = FilamentWatch(isPresent: true)
        _ = watch.printRuns(isResumed: false)
        watch.printStops(isPaused: true)
        #expect(watch.take(isPresent: false) == .removed)
        #expect(watch.take(isPresent: true) == .inserted)
    }

    @Test func theEndOfThePrintClearsTheRunOut() {
        var watch = FilamentWatch(isPresent: true)
        _ = watch.printRuns(isResumed: false)
        _ = watch.take(isPresent: false)
        watch.printStops(isPaused: false)
        #expect(!watch.hasRunOut)
        #expect(watch.printRuns(isResumed: false) == .ranOut)
    }

    @Test func filamentThatStandsStillIsARunOut() {
        var watch = FilamentWatch(isPresent: true)
        #expect(watch.stoodStill() == nil)
        _ = watch.printRuns(isResumed: false)
        #expect(watch.stoodStill() == .ranOut)
        #expect(watch.stoodStill() == nil)
        // The switch beside it sees the same later: news, but no second run-out.
        #expect(watch.take(isPresent: false) == .removed)
    }

    /// As when the firmware changed the filament: no pause, no level, only pulses again.
    @Test func filamentThatMovesAgainEndsTheRunOut() {
        var watch = FilamentWatch(isPresent: true)
        #expect(watch.moved() == nil)
        _ = watch.printRuns(isResumed: false)
        #expect(watch.moved() == nil)
        #expect(watch.stoodStill() == .ranOut)
        #expect(watch.moved() == .inserted)
        #expect(!watch.hasRunOut)
        #expect(watch.moved() == nil)
        #expect(watch.stoodStill() == .ranOut)
        // In a pause it may be a hand that pulls.
        watch.printStops(isPaused: true)
        #expect(watch.moved() == nil)
        #expect(watch.hasRunOut)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func neverTwoRunOutsWithoutSomebodyInBetween(_ seed: UInt64) {
        var dice = Dice(seed: seed)
        var watch = FilamentWatch(isPresent: .random(using: &dice))
        var mayRunOut = false
        var runs = false
        for step in 0..<500 {
            let news: FilamentWatch.News?
            switch Int.random(in: 0..<6, using: &dice) {
            case 0:
                news = watch.take(isPresent: true)
                if runs, news == .inserted { mayRunOut = true }
            case 1: news = watch.take(isPresent: false)
            case 2: news = watch.stoodStill()
            case 3:
                mayRunOut = true
                news = watch.printRuns(isResumed: .random(using: &dice))
                runs = true
            case 4:
                news = watch.moved()
                if runs, news == .inserted { mayRunOut = true }
            default:
                watch.printStops(isPaused: .random(using: &dice))
                runs = false
                news = nil
            }
            guard news == .ranOut else { continue }
            #expect(runs && mayRunOut, "seed \(seed) step \(step)")
            mayRunOut = false
        }
    }
}

@Suite struct FilamentMotionTests {
    @Test func extrusionWithoutPulsesIsAnAlarmOnce() {
        var motion = FilamentMotion(detectionLength: 7)
        motion.restart(at: 100)
        #expect(motion.extruded(to: 107) == false)
        #expect(motion.extruded(to: 107.1) == true)
        #expect(motion.extruded(to: 200) == false)
        motion.pulse()
        #expect(motion.extruded(to: 207) == false)
        #expect(motion.extruded(to: 208) == true)
    }

    @Test func pulsesKeepItQuiet() {
        var motion = FilamentMotion(detectionLength: 7)
        for position in stride(from: 0.0, to: 500, by: 2.5) {
            motion.pulse()
            #expect(motion.extruded(to: position) == false)
        }
    }

    @Test func retractionsCountNothing() {
        var motion = FilamentMotion(detectionLength: 7)
        _ = motion.extruded(to: 10)
        motion.pulse()
        for _ in 0..<100 {
            #expect(motion.extruded(to: 5) == false)
            #expect(motion.extruded(to: 10) == false)
        }
    }

    @Test func aNewJobBeginsAnew() {
        var motion = FilamentMotion(detectionLength: 7)
        #expect(motion.extruded(to: 50) == true)
        motion.restart(at: 0)
        #expect(motion.extruded(to: 7) == false)
        #expect(motion.extruded(to: 7.5) == true)
    }
}
