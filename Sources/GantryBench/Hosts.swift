import CBench

/// Sends a line, waits for its ok.
struct CStopAndWaitHost: StreamingHost {
    let name = "C stop-and-wait"

    func stream(gcode: String, port: String) throws(BenchError) -> StreamOutcome {
        var result = cbench_result()
        return try outcome(of: cbench_stop_and_wait(gcode, port, &result), result)
    }
}

/// Keeps at most 4 lines and 127 bytes unacknowledged.
struct CWindowHost: StreamingHost {
    let name = "C window"

    func stream(gcode: String, port: String) throws(BenchError) -> StreamOutcome {
        var result = cbench_result()
        return try outcome(of: cbench_window(gcode, port, &result), result)
    }
}

private func outcome(of status: Int32, _ result: cbench_result) throws(BenchError) -> StreamOutcome {
    guard status >= 0 else { throw BenchError("Streaming stopped after \(result.lines) lines", errno: -status) }
    return StreamOutcome(lines: result.lines, allocations: result.allocations)
}

/// Our own hosts in the order of the table. The first two are what the ratios refer to.
let ownHosts: [any StreamingHost] = [
    CStopAndWaitHost(), CWindowHost(), GantryHost(), GantryHost(name: "gantry, packed", packs: true),
    GantryHost(name: "gantry, no real-time", isRealTime: false),
]
