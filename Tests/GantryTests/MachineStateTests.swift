import Testing

@testable import Gantry

@Suite struct MachineStateTests {
    /// The doc comment's table, written a second time by hand.
    private static let table: [MachineState: [MachineState.Event: MachineState]] = [
        .busy: [.connected: .idle, .lost: .error, .halted: .error],
        .idle: [
            .lost: .error, .halted: .error, .restarting: .busy, .jobStarted: .printing, .interrupted: .paused,
            .setReady: .ready,
        ],
        .ready: [.lost: .error, .halted: .error, .restarting: .busy, .jobStarted: .printing, .cancelReady: .idle],
        .printing: [
            .lost: .error, .halted: .error, .restarting: .stopped, .paused: .paused, .finished: .finished,
            .stopped: .stopped, .failed: .stopped,
        ],
        .paused: [
            .lost: .error, .halted: .error, .restarting: .stopped, .resumed: .printing, .finished: .finished,
            .stopped: .stopped, .failed: .stopped,
        ],
        .finished: [.lost: .error, .halted: .error, .jobStarted: .printing, .setReady: .ready],
        .stopped: [.lost: .error, .halted: .error, .jobStarted: .printing, .setReady: .ready],
        .error: [.connected: .idle, .lost: .error, .halted: .error, .restarting: .busy],
    ]

    @Test(arguments: MachineState.allCases, MachineState.Event.allCases)
    func followsTheTable(_ state: MachineState, _ event: MachineState.Event) {
        #expect(state.after(event) == Self.table[state]?[event])
    }

    /// The documentation must say what the code does: its table is read from the source.
    @Test func theDocumentationHasTheSameTable() throws {
        let source = try sourceText("Sources/Gantry/Machine/MachineState.swift")
        let rows = source.split(separator: "\n").filter { $0.hasPrefix("/// |") }
            .map { $0.dropFirst(4).split(separator: "|").map { $0.trimmingPrefix(" ").trimmingSuffix() } }
        let header = try #require(rows.first).dropFirst()
        #expect(Set(header) == Set(MachineState.Event.allCases.map(\.rawValue)))
        let body = rows.dropFirst(2)
        #expect(body.map { $0.first ?? "" } == MachineState.allCases.map(\.rawValue))
        for row in body {
            let state = try #require(row.first.flatMap { MachineState(rawValue: $0) })
            for (name, cell) in zip(header, row.dropFirst()) {
                let event = try #require(MachineState.Event(rawValue: name))
                #expect(state.after(event)?.rawValue ?? "–" == cell, "\(state) \(event)")
            }
        }
    }

    @Test func onlyPrintingAndPausedHaveAJob() {
        #expect(MachineState.allCases.filter(\.hasJob) == [.printing, .paused])
    }

    @Test func everyStateHasAWayBackToIdleOrASecondJob() {
        for state in MachineState.allCases {
            var reached: Set<MachineState> = [state]
            var grows = true
            while grows {
                let next = reached.union(
                    reached.flatMap { from in MachineState.Event.allCases.compactMap { from.after($0) } })
                grows = next != reached
                reached = next
            }
            #expect(reached.contains(.printing), "\(state)")
            #expect(reached.contains(.idle), "\(state)")
        }
    }
}

extension Substring {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
