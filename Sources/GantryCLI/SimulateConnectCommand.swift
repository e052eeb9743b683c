import ArgumentParser
import Glibc
import Simulators

/// `gantry simulate connect`: a Connect server on loopback.
struct SimulateConnectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connect", abstract: "A simulated Connect server on loopback, until Ctrl-C.",
        discussion: """
            Registers any printer, checks each request and shows events and complaints. Commands are read from standard
            input, one a line: a name and its keywords, or G-code:
                START_PRINT path=/local/box.gcode
                SEND_INFO
                gcode G28
                gcode! M104 S0      (forced)
            """)

    @Option(help: "Port; 0 takes a free one.")
    var port: UInt16 = 0

    @Option(help: "The token that it gives and expects.")
    var token = "6Y1t9EwL56nGisiWgNZq"

    @Option(help: "How often a printer asks in vain before it gets its token.")
    var polls = 2

    func run() throws {
        var configuration = ConnectServer.Configuration()
        configuration.token = token
        configuration.pollsUntilToken = polls
        let server = ConnectServer(configuration)
        SignalWatch.begin { _ in
            let counts = server.counts
            Terminal.line(
                "telemetry=\(counts.telemetry) events=\(counts.events) registrations=\(counts.registrations) "
                    + "violations=\(counts.violations)")
            Glibc.exit(0)
        }
        _ = try server.start(port: port)
        Terminal.line(server.url)
        let input = CommandInput()
        var seen = (events: 0, violations: 0)
        while true {
            if let line = input.next(milliseconds: 200) { order(line, from: server) }
            let events = server.events
            for event in events.dropFirst(seen.events) { Terminal.line("event: \(event.body)") }
            let violations = server.violations
            for violation in violations.dropFirst(seen.violations) { Terminal.line("complaint: \(violation)") }
            seen = (events.count, violations.count)
        }
    }

    private func order(_ line: String, from server: ConnectServer) {
        let words = line.split(separator: " ")
        guard let name = words.first else { return }
        if name == "gcode" || name == "gcode!" {
            _ = server.queue(gcode: String(line.dropFirst(name.count + 1)), force: name == "gcode!")
            return
        }
        var keywords: [PlainJSON.Member] = []
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { keywords.append(.init(String(parts[0]), .string(String(parts[1])))) }
        }
        _ = server.queue(command: String(name), kwargs: .object(keywords))
    }
}

/// Lines of standard input, without waiting for them for ever.
private final class CommandInput {
    private var pending: [UInt8] = []
    private var ended = false

    func next(milliseconds: Int32) -> String? {
        if let line = takeLine() { return line }
        var item = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&item, ended ? 0 : 1, milliseconds) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        if count <= 0 { ended = true } else { pending += buffer[..<count] }
        return takeLine()
    }

    private func takeLine() -> String? {
        guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { pending.removeFirst(end + 1) }
        return String(decoding: pending[..<end], as: UTF8.self)
    }
}
