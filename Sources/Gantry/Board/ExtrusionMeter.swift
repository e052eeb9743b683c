import Glibc

/// How much filament a job has extruded up to an offset in its file: what a motion sensor's patience is measured by.
/// Reads the file a second time, in the page cache's wake of the first.
struct ExtrusionMeter: ~Copyable {
    private let descriptor: Int32
    private var counter = ExtrusionCounter()
    private var offset: UInt64 = 0

    /// nil when the file cannot be opened.
    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    /// Net extruded length in millimetres at `end`, the offset behind a command. What cannot be read counts nothing.
    mutating func length(at end: UInt64) -> Double {
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        while offset < end {
            let wanted = Int(min(UInt64(buffer.count), end - offset))
            let count = pread(descriptor, &buffer, wanted, Int(offset))
            guard count > 0 else { break }
            for byte in buffer[..<count] { counter.take(byte) }
            offset += UInt64(count)
        }
        return counter.length
    }
}

/// Adds up the E words of G-code. Knows G0 to G3, G90 and G91, M82 and M83, G92.
struct ExtrusionCounter {
    /// Net extruded length in millimetres.
    private(set) var length = 0.0
    private var position = 0.0
    private var isRelative = false
    private var line: [UInt8] = []

    /// The next byte of the file.
    mutating func take(_ byte: UInt8) {
        guard byte == UInt8(ascii: "\n") else {
            // Longer lines are comments: no firmware takes such a command.
            if line.count < 256 { line.append(byte) }
            return
        }
        execute()
        line.removeAll(keepingCapacity: true)
    }

    private mutating func execute() {
        guard let words = words(), let code = words.first else { return }
        let e = words.dropFirst().last { $0.letter == UInt8(ascii: "E") }?.value
        switch (code.letter, code.value) {
        case (UInt8(ascii: "M"), 82), (UInt8(ascii: "G"), 90): isRelative = false
        case (UInt8(ascii: "M"), 83), (UInt8(ascii: "G"), 91): isRelative = true
        case (UInt8(ascii: "G"), 92):
            // Without any axis all of them become 0.
            if let e { position = e } else if words.count == 1 { position = 0 }
        case (UInt8(ascii: "G"), 0...3):
            guard let e else { return }
            let moved = isRelative ? e : e - position
            position += moved
            length += moved
        default: break
        }
    }

    /// Letters and numbers up to a comment; nil for what is no command.
    private func words() -> [(letter: UInt8, value: Double)]? {
        var words: [(letter: UInt8, value: Double)] = []
        let code = line.prefix { $0 != UInt8(ascii: ";") }
        var index = 0
        while index < code.count {
            let letter = code[index] & 0xDF
            index += 1
            guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter) else { continue }
            let start = index
            while index < code.count, Self.isOfNumber(code[index]) { index += 1 }
            guard let value = Double(String(decoding: code[start..<index], as: UTF8.self)) else { continue }
            words.append((letter, value))
        }
        return words.isEmpty ? nil : words
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "+")
    }
}
