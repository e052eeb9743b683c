import BoardIO
import Glibc

/// `gantry-board`: the board's lines and sticks by hand, without printer and Connect. For trying a wiring, and for the
/// rig in hardware/vm. Standard input takes orders while it runs; its end is the end.
@main
enum Probe {
    private static let usage = """
        gantry-board take LINE[,OPTION...]        take a line as input for a moment, say its level
        gantry-board drive LINE[,OPTION...] keep|on|off
                                                  hold an output; then: on, off, level
        gantry-board watch [WHAT...]              say what happens; then: list, eject NAME
            level:ROLE=LINE[,OPTION...]           a line's level, debounced
            pulses:ROLE=LINE[,OPTION...]          a line's pulses
            mount:DIRECTORY[,rw]                  USB sticks, mounted there
            mounted                               USB sticks that something else mounts
        LINE: gpiochip0:17 or GPIO17. OPTION: active-low, pull-up, pull-down, no-pull, open-drain
        """

    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        guard !arguments.isEmpty else { leave(usage, status: 2) }
        let command = arguments.removeFirst()
        do {
            switch (command, arguments.count) {
            case ("take", 1): try take(LineOptions(arguments[0]))
            case ("drive", 2): try drive(LineOptions(arguments[0]), to: arguments[1])
            case ("watch", _): try watch(arguments)
            default: leave(usage, status: 2)
            }
        } catch let error as UsageError {
            leave(error.text, status: 2)
        } catch {
            leave("\(error)", status: 1)
        }
    }

    private static func take(_ options: LineOptions) throws {
        let (path, offset) = try options.address.resolve()
        let chip = try GPIOChip(path: path)
        let line = try chip.input(offset, .init(bias: options.bias, isActiveLow: options.isActiveLow))
        say("\(options.address) is line \(offset) of \(path) (\(chip.label)): \(word(try line.isActive()))")
    }

    private static func drive(_ options: LineOptions, to level: String) throws {
        guard let first = ["keep": nil, "on": true, "off": false][level] else { throw UsageError(text: usage) }
        let (path, offset) = try options.address.resolve()
        let settings = GPIOOutput.Settings(isActive: first, isActiveLow: options.isActiveLow, drive: options.drive)
        let line = try GPIOChip(path: path).output(offset, settings)
        say(word(try line.isActive()))
        while let order = readLine() {
            switch order {
            case "on": try line.set(true)
            case "off": try line.set(false)
            case "level": break
            default: throw UsageError(text: "on, off, level")
            }
            say(word(try line.isActive()))
        }
    }

    private static func watch(_ arguments: [String]) throws {
        var lines: [BoardDevices.Line] = []
        var storage: StickSettings?
        for argument in arguments {
            let parts = argument.split(separator: ":", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count) {
            case ("level", 2): lines.append(try line(parts[1], .level))
            case ("pulses", 2): lines.append(try line(parts[1], .pulses))
            case ("mount", 2):
                var settings = StickSettings()
                settings.isReadOnly = !parts[1].hasSuffix(",rw")
                settings.directory = settings.isReadOnly ? parts[1] : String(parts[1].dropLast(3))
                storage = settings
            case ("mounted", 1):
                storage = StickSettings()
                storage?.mounting = .none
            default: throw UsageError(text: usage)
            }
        }
        let devices = try BoardDevices(lines: lines, storage: storage) { say(describe($0)) }
        try devices.start()
        say("watching with libgpiod \(GPIOChip.libraryVersion)")
        while let order = readLine() {
            let words = order.split(separator: " ", maxSplits: 1)
            if order == "list" {
                say("list: \(devices.storages.map(\.name).joined(separator: ", "))")
            } else if words.first == "eject", words.count == 2 {
                devices.eject(String(words[1])) { error in say(error.map { "\($0)" } ?? "it may be pulled") }
            } else {
                say("list, eject NAME")
            }
        }
        devices.stop()
        say("stopped")
    }

    private static func line(_ text: String, _ kind: BoardDevices.Line.Kind) throws -> BoardDevices.Line {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { throw UsageError(text: usage) }
        let options = try LineOptions(String(parts[1]))
        var line = BoardDevices.Line(role: String(parts[0]), address: options.address)
        line.kind = kind
        line.bias = options.bias
        line.isActiveLow = options.isActiveLow
        return line
    }

    private static func describe(_ event: BoardDevices.Event) -> String {
        switch event {
        case .level(let line, let isActive, let isFirst, let at):
            let now = MonotonicClock.nanoseconds
            return "level \(line) \(word(isActive)) "
                + (isFirst ? "at start" : "told after \((now > at ? now - at : 0) / 1000) us")
        case .floating(let line): return "floating \(line)"
        case .pulses(let line, let count): return "pulses \(line) \(count)"
        case .lineFailed(let line, let error): return "failed \(line): \(error)"
        case .storage(.attached(let storage)):
            return "attached \(storage.name) at \(storage.path) from \(storage.node), "
                + "\(storage.isReadOnly ? "read-only" : "writable"), \(storage.isOwn ? "own" : "foreign")"
        case .storage(.detached(let storage, let wasEjected)):
            return "detached \(storage.name), \(wasEjected ? "ejected" : "torn out")"
        case .storage(.noted(let error)): return "stick noted: \(error)"
        case .storage(.failed(let error)): return "stick failed: \(error)"
        case .serialPort(let port, let isAttached):
            return "port \(port.node) \(isAttached ? "came" : "went") \(port.usb?.ids ?? "") \(port.byID ?? "")"
        }
    }

    private static func word(_ isActive: Bool) -> String { isActive ? "active" : "inactive" }
}

/// What was typed wrong.
struct UsageError: Error {
    let text: String
}

/// A line with its options, as they are written on the command line.
struct LineOptions {
    let address: GPIOLineAddress
    var bias = GPIOBias.asIs
    var isActiveLow = false
    var drive = GPIODrive.pushPull

    init(_ text: String) throws(UsageError) {
        let parts = text.split(separator: ",").map(String.init)
        guard let first = parts.first, let address = GPIOLineAddress(first) else {
            throw UsageError(text: "\(text) is no line: gpiochip0:17 or GPIO17")
        }
        self.address = address
        for option in parts.dropFirst() {
            switch option {
            case "active-low": isActiveLow = true
            case "pull-up": bias = .pullUp
            case "pull-down": bias = .pullDown
            case "no-pull": bias = .disabled
            case "open-drain": drive = .openDrain
            default: throw UsageError(text: "\(option): active-low, pull-up, pull-down, no-pull or open-drain")
            }
        }
    }
}

/// One whole line to standard output at once: a pipe gets it now, and those of two threads do not mix.
func say(_ text: String) {
    let line = text + "\n"
    _ = line.withCString { write(STDOUT_FILENO, $0, line.utf8.count) }
}

func leave(_ text: String, status: Int32) -> Never {
    let line = text + "\n"
    _ = line.withCString { write(STDERR_FILENO, $0, line.utf8.count) }
    exit(status)
}
