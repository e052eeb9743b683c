import GCodeStream
import Testing

@testable import MarlinLink

/// Asking a printer which line it took last.
@Suite struct CountQuestionTests {
    private static let ms: UInt64 = 1_000_000

    /// Puts questions until the outcome is known; `answers` holds what the printer says to each, in order.
    private func ask(_ answers: [[Reply]]) -> CountQuestion.Outcome {
        var question = CountQuestion(now: 0, lastLine: 100)
        var now: UInt64 = 0
        var left = answers[...]
        while question.outcome == .running, now < 120_000 * Self.ms {
            if question.advance(now: now) {
                for reply in left.popFirst() ?? [] { question.take(reply, now: now + 5 * Self.ms) }
            }
            now = max(now + Self.ms, question.deadline)
        }
        return question.outcome
    }

    @Test func twiceTheSameIsBelieved() {
        #expect(ask([[.resend(58), .ok(OkFields())], [.resend(58), .ok(OkFields())]]) == .line(57))
    }

    @Test func aDamagedNumberIsNot() {
        #expect(ask([[.resend(98)], [.resend(58)], [.resend(58)]]) == .line(57))
        #expect(ask([[.resend(58)], [.resend(nil)], [.resend(58)], [.resend(58)]]) == .line(57))
        #expect(ask([[.resend(90_000)], [.resend(58)], [.resend(58)]]) == .line(57))
    }

    /// Half a line that the old process left is refused first; the number is the same.
    @Test func theLastOfTwoRefusalsCounts() {
        #expect(ask([[.resend(58), .resend(58)], [.resend(58)]]) == .line(57))
    }

    @Test func lostAnswersAreAskedForAgain() {
        #expect(ask([[], [.resend(58)], [], [.resend(58)], [.resend(58)]]) == .line(57))
    }

    @Test func whoDoesNotCountDoesNotSay() {
        #expect(ask([[Reply]](repeating: [.ok(OkFields())], count: 20)) == .unknown)
        #expect(ask([]) == .unknown)
    }

    @Test func aRestartEndsIt() {
        #expect(ask([[.resend(58)], [.start]]) == .unknown)
    }

    @Test func aBusyPrinterIsWaitedFor() {
        var question = CountQuestion(now: 0, lastLine: 100)
        let asks = question.advance(now: 0)
        #expect(asks)
        question.take(.busy, now: 1_000 * Self.ms)
        #expect(question.deadline >= 5_000 * Self.ms)
    }
}
