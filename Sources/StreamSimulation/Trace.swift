/// Prints a run for people: one line per line on the wire, with the time, what is unacknowledged, and what the engine
/// reports.
struct Trace {
    let isOn: Bool
    private let start: UInt64
    private var partial: [[UInt8]] = [[], []]

    init(isOn: Bool, start: UInt64) {
        self.isOn = isOn
        self.start = start
    }

    mutating func toPrinter(_ bytes: some Sequence<UInt8>, at now: UInt64, lines: Int, unacknowledged: Int) {
        guard isOn else { return }
        note(0, ">>", bytes, now) { " [\(lines) lines, \(unacknowledged) bytes]" }
    }

    mutating func toHost(_ bytes: some Sequence<UInt8>, at now: UInt64) {
        guard isOn else { return }
        note(1, "          <<", bytes, now) { "" }
    }

    func event(_ text: @autoclosure () -> String, at now: UInt64) {
        guard isOn else { return }
        print("\(seconds(now - start))  ** \(text())")
    }

    private mutating func note(
        _ index: Int, _ arrow: String, _ bytes: some Sequence<UInt8>, _ now: UInt64, _ trail: () -> String
    ) {
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                partial[index].append(byte)
                continue
            }
            print("\(seconds(now - start)) \(arrow) \(String(decoding: partial[index], as: UTF8.self))\(trail())")
            partial[index].removeAll(keepingCapacity: true)
        }
    }
}
