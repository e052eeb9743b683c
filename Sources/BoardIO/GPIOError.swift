import Glibc

/// A GPIO operation that failed: what was tried, on which chip and line, what the kernel said, what to do.
public struct GPIOError: Error, Equatable, Sendable {
    /// What was tried.
    public enum Operation: String, Equatable, Sendable {
        /// Opening the chip's device.
        case openChip = "open"
        /// Looking for chips in /dev.
        case listChips = "list chips in"
        /// Looking for a line by its name; `chip` is that name.
        case findLine = "find line"
        /// Asking what the kernel knows of a line.
        case readLineInfo = "read the description of"
        /// Holding a line as input.
        case requestInput = "take as input"
        /// Holding a line as output.
        case requestOutput = "take as output"
        /// Reading a line's value.
        case readValue = "read"
        /// Setting an output.
        case setValue = "set"
        /// Waiting for or taking an edge event.
        case readEdge = "read edge events of"
    }

    /// What was tried.
    public let operation: Operation
    /// Path of the chip's device, the directory for `listChips`, the line's name for `findLine`.
    public let chip: String
    /// Offset of the line on its chip; nil when the whole chip was meant.
    public let line: UInt32?
    /// The errno, positive.
    public let code: Int32

    init(_ operation: Operation, chip: String, line: UInt32? = nil, code: Int32) {
        self.operation = operation
        self.chip = chip
        self.line = line
        self.code = code
    }
}

extension GPIOError: CustomStringConvertible {
    /// One sentence of what happened, one of what to do.
    public var description: String {
        let target = line.map { "line \($0) of \(chip)" } ?? chip
        return "Cannot \(operation.rawValue) \(target): \(errorText(code)). \(advice)"
    }

    private var advice: String {
        switch code {
        case ENOENT where operation == .findLine:
            "No chip has a line of that name; see the names with: gpioinfo"
        case ENOTUNIQ:
            "Several lines have that name: write chip and offset, such as gpiochip0:17; see: gpioinfo"
        case EACCES,
            EPERM where operation == .openChip:
            "Add the user to the group that owns the device (usually: sudo usermod -aG gpio USER), then log in again."
        case ENOENT:
            "List the chips that exist with: ls /dev/gpiochip*"
        case ENOTTY, ENODEV, ENXIO:
            "It is no GPIO chip, or it was unplugged; list the chips with: ls /dev/gpiochip*"
        case EBUSY:
            "Another program or a kernel driver holds the line; see its consumer with: gpioinfo"
        case EINVAL where operation == .readLineInfo:
            "The chip has no such line; see the lines with: gpioinfo"
        case EINVAL:
            "The chip has no such line or does not support these settings (pull resistor, drive); see: gpioinfo"
        case EOPNOTSUPP:
            "libgpiod 1.x cannot debounce: ask for no debounce, or install libgpiod 2.x."
        case EPERM:
            "The line was not taken for this use: only outputs can be set, only inputs with edges have events."
        default:
            "See the kernel's messages with: dmesg | grep -i gpio"
        }
    }
}

/// The system's text for an errno.
func errorText(_ code: Int32) -> String {
    // strerror(3) shares one buffer between threads; the POSIX strerror_r does not.
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return text(buffer)
}
