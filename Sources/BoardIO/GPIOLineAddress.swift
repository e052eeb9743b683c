import Glibc

/// Which line is meant: `gpiochip0:17`, `/dev/gpiochip0:17` or the name that the board gives it, `GPIO17`.
public enum GPIOLineAddress: Hashable, Sendable, CustomStringConvertible {
    /// By chip and number.
    case offset(chip: String, UInt32)
    /// By name: the same over kernels and models, where the board has names.
    case name(String)

    /// Reads an address; nil when the text is none.
    public init?(_ text: String) {
        guard !text.isEmpty, !text.contains(where: \.isWhitespace) else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            // A path without a number is a mistake, not a name.
            guard !text.hasPrefix("/"), Self.chipNumber(text[...]) == nil else { return nil }
            self = .name(text)
            return
        }
        guard let offset = UInt32(parts[1]) else { return nil }
        if parts[0].hasPrefix("/"), parts[0].count > 1 {
            self = .offset(chip: String(parts[0]), offset)
        } else if Self.chipNumber(parts[0]) != nil {
            self = .offset(chip: "/dev/" + parts[0], offset)
        } else {
            return nil
        }
    }

    private static func chipNumber(_ text: Substring) -> UInt32? {
        text.hasPrefix("gpiochip") ? UInt32(text.dropFirst("gpiochip".count)) : nil
    }

    /// As it is written.
    public var description: String {
        switch self {
        case .offset(let chip, let offset):
            (chip.hasPrefix("/dev/gpiochip") ? String(chip.dropFirst("/dev/".count)) : chip) + ":\(offset)"
        case .name(let name): name
        }
    }

    /// Finds the line now: path of its chip's device and offset.
    ///
    /// - Throws: `GPIOError`; for a name ENOENT when no chip that may be opened has it, ENOTUNIQ when several lines do.
    public func resolve() throws(GPIOError) -> (chip: String, offset: UInt32) {
        switch self {
        case .offset(let chip, let offset): return (chip, offset)
        case .name(let name): return try Self.find(name)
        }
    }

    private static func find(_ name: String) throws(GPIOError) -> (chip: String, offset: UInt32) {
        var found: [(chip: String, offset: UInt32)] = []
        var refused: GPIOError?
        for path in try GPIOChip.paths() {
            do throws(GPIOError) {
                let chip = try GPIOChip(path: path)
                for line in try chip.lines() where line.name == name { found.append((path, line.offset)) }
            } catch {
                refused = error
            }
        }
        switch found.count {
        case 1: return found[0]
        case 0:
            // The line may be on the chip that did not open.
            if let refused, [EACCES, EPERM].contains(refused.code) { throw refused }
            throw GPIOError(.findLine, chip: name, code: ENOENT)
        default: throw GPIOError(.findLine, chip: name, code: ENOTUNIQ)
        }
    }
}
