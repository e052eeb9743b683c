// gantry-bench-connect: our side of Tests/Benchmarks/connect. Does what it is told on standard input, says on standard
// output how long it took. Only PrusaConnect's public API.
//
//     gantry-bench-connect DIRECTORY PORT
//
// | line | answer |
// | --- | --- |
// | (started) | `ready`, as soon as there is a printer |
// | `attach` | `attach MS`: the directory is attached, MEDIUM_INSERTED is written |
// | `info` | `info MS`: an INFO with the whole tree is written |
// | `watch N` | `watching`, then `seen NS`: when N more events were written, on CLOCK_MONOTONIC |
// | `connect` | `connected`: everything that waited was sent to the server at 127.0.0.1:PORT |

import Glibc
import PrusaConnect

let words = CommandLine.arguments
guard words.count == 3, let port = UInt16(words[2]),
    let server = ConnectServer(host: "127.0.0.1", port: port, usesTLS: false)
else {
    print("usage: gantry-bench-connect DIRECTORY PORT")
    exit(64)
}

var options = ConnectOptions()
// Nothing may be dropped while it is measured how long the last event takes to be there.
options.waitingEvents = 100_000
options.waitingBytes = 1 << 30
let printer = try Printer(
    type: .mk3s, serialNumber: "CZPX4720X004XC34242",
    connection: ConnectSettings(server: server, token: Token("secret-token-1234567")), options: options)
say("ready")

while let line = readLine() {
    let parts = line.split(separator: " ")
    switch parts.first {
    case "attach":
        let start = monotonic()
        try printer.attach(Storage(name: "usb", directory: words[1]))
        say("attach \(milliseconds(since: start))")
    case "info":
        let (start, before) = (monotonic(), printer.waitingEvents)
        printer.sendInfo()
        waitUntil { printer.waitingEvents > before }
        say("info \(milliseconds(since: start))")
    case "watch":
        let wanted = printer.waitingEvents + (parts.last.flatMap { Int($0) } ?? 0)
        say("watching")
        waitUntil { printer.waitingEvents >= wanted }
        say("seen \(monotonic())")
    case "connect":
        try printer.start()
        waitUntil { printer.waitingEvents == 0 }
        say("connected")
    default:
        say("unknown \(line)")
    }
}

/// At once: the other end is a pipe.
func say(_ text: String) {
    print(text)
    fflush(nil)
}

func waitUntil(_ condition: () -> Bool) {
    while !condition() { usleep(200) }
}

/// Nanoseconds.
func monotonic() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

func milliseconds(since start: Int) -> Double { Double(monotonic() - start) / 1e6 }
