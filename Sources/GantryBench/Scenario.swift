import CBench

/// One printer to stream to and how much.
struct Scenario: Sendable {
    /// For --only.
    let name: String
    /// In the table.
    let title: String
    /// Wire speed in bits per second, 0 for none.
    let baud: UInt32
    /// How long a move takes in microseconds, 0 for no planner.
    let moveMicroseconds: UInt64
    /// Moves to stream, and with --quick.
    let moves: Int
    let quickMoves: Int
    /// As many other processes as there are cores never rest.
    var isLoaded = false

    var printerOptions: cbench_printer_options {
        cbench_printer_options(baud: baud, move_ns: moveMicroseconds * 1_000)
    }

    /// Long ones are chosen so that a paced run takes about 6 to 10 seconds.
    static let all = [
        Scenario(
            name: "unpaced", title: "as fast as it goes", baud: 0, moveMicroseconds: 0, moves: 100_000,
            quickMoves: 20_000),
        Scenario(
            name: "115200", title: "wire of 115200 baud", baud: 115_200, moveMicroseconds: 0, moves: 3_000,
            quickMoves: 500),
        Scenario(
            name: "250000", title: "wire of 250000 baud", baud: 250_000, moveMicroseconds: 0, moves: 4_000,
            quickMoves: 1_000),
        Scenario(
            name: "starvation", title: "2 ms moves, 250000 baud", baud: 250_000, moveMicroseconds: 2_000,
            moves: 4_000, quickMoves: 1_000),
        Scenario(
            name: "1000000", title: "wire of 1,000,000 baud", baud: 1_000_000, moveMicroseconds: 0, moves: 16_000,
            quickMoves: 4_000),
        Scenario(
            name: "5ms", title: "5 ms moves, 115200 baud", baud: 115_200, moveMicroseconds: 5_000, moves: 1_600,
            quickMoves: 400),
        // More than the wire carries as plain text.
        Scenario(
            name: "1ms", title: "1 ms moves, 250000 baud", baud: 250_000, moveMicroseconds: 1_000, moves: 8_000,
            quickMoves: 2_000),
        Scenario(
            name: "loaded", title: "2 ms moves, 250000 baud, all cores busy", baud: 250_000, moveMicroseconds: 2_000,
            moves: 4_000, quickMoves: 1_000, isLoaded: true),
        // A line of this program takes 1.6 ms on the wire. Who waits for each ok has 0.4 ms for it above, 0.2 ms here.
        Scenario(
            name: "short-moves", title: "1.8 ms moves, 250000 baud", baud: 250_000, moveMicroseconds: 1_800,
            moves: 4_000, quickMoves: 1_000),
    ]
}
