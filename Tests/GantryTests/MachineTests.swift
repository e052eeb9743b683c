import Foundation
import MarlinLink
import Simulators
import Testing

@testable import Gantry

/// The machine alone, without Connect.
@Suite struct MachineTests {
    @Test func orderedChangesUnderManyThreads() async throws {
        let rig = try MachineRig()
        try await rig.run { rig in
            let file = try rig.file(30)
            let done = Shared(0)
            // Everybody gives orders at once; most are refused, none may bring the state and its telling apart.
            for number in 0..<6 {
                try #require(
                    startThread {
                        for round in 0..<40 {
                            switch (number + round) % 6 {
                            case 0: try? rig.machine.startJob(file: file, path: "/local/a", command: 1)
                            case 1: try? rig.machine.pause()
                            case 2: try? rig.machine.resume()
                            case 3: try? rig.machine.cancel()
                            case 4: try? rig.machine.setReady()
                            default: try? rig.machine.cancelReady()
                            }
                        }
                        done.change { $0 += 1 }
                    })
            }
            try await eventually("all orders are given") { done.value == 6 }
            if rig.machine.state == .paused { try rig.machine.resume() }
            try await eventually("the last job ends") { !rig.machine.state.hasJob }
            #expect(rig.states.last == rig.machine.state)
            // Each told state follows from the one before by some event.
            var state = MachineState.busy
            for next in rig.states {
                let isPossible = MachineState.Event.allCases.contains { state.after($0) == next }
                #expect(isPossible, "\(state) > \(next)")
                state = next
            }
            // It still prints.
            var refusal = ""
            try await eventually("another job begins: \(refusal)") {
                do throws(MachineError) {
                    try rig.machine.startJob(file: file, path: "/local/a", command: nil)
                    return true
                } catch {
                    refusal = "\(error)"
                    return false
                }
            }
            try await eventually("it is printed") { rig.machine.state == .finished }
        }
    }

    @Test func aRefusedStartLeavesTheJobAlone() async throws {
        let rig = try MachineRig()
        try await rig.run { rig in
            try rig.machine.startJob(file: rig.file(2000), path: "/local/first", command: 1)
            let id = rig.machine.job?.id
            #expect(throws: MachineError.self) {
                try rig.machine.startJob(file: rig.file(10), path: "/local/second", command: 2)
            }
            #expect(rig.machine.job?.path == "/local/first")
            #expect(rig.machine.job?.id == id)
            try rig.machine.cancel()
        }
    }

    @Test func pausesAndEndsMeetInEveryOrder() async throws {
        let rig = try MachineRig { $0.moveTime = .fixed(nanoseconds: 200_000) }
        try await rig.run { rig in
            let file = try rig.file(60)
            for round in 0..<40 {
                try rig.machine.startJob(file: file, path: "/local/a", command: nil)
                usleep(UInt32(round) * 700)
                try? rig.machine.pause()
                if rig.machine.state == .paused { try? rig.machine.resume() }
                try await eventually("job \(round) ends, it is \(rig.machine.state)", deadline: 10) {
                    rig.machine.state == .finished
                }
            }
        }
    }

    @Test func cancelsAndEndsMeetInEveryOrder() async throws {
        let rig = try MachineRig { $0.moveTime = .fixed(nanoseconds: 200_000) }
        try await rig.run { rig in
            let file = try rig.file(60)
            for round in 0..<40 {
                try rig.machine.startJob(file: file, path: "/local/a", command: nil)
                usleep(UInt32(round) * 700)
                try? rig.machine.cancel()
                try await eventually("job \(round) ends, it is \(rig.machine.state)", deadline: 10) {
                    !rig.machine.state.hasJob
                }
            }
        }
    }

    @Test func changesWithoutNewsAreNotTold() {
        var core = Machine.Core()
        guard case .to(.error) = core.apply(.lost, reason: "gone", job: nil) else {
            Issue.record("busy > error is a change")
            return
        }
        guard case .nothingNew = core.apply(.lost, reason: "gone", job: nil) else {
            Issue.record("the same again is none")
            return
        }
        guard case .to(.error) = core.apply(.lost, reason: "busy", job: nil) else {
            Issue.record("another reason is one")
            return
        }
        guard case .none = core.apply(.paused, reason: nil, job: nil) else {
            Issue.record("a pause means nothing here")
            return
        }
        #expect(core.reason == "busy")
    }
}
