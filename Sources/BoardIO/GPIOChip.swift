import CGpiod
import Glibc

/// An open GPIO chip. Not for use from two threads at once; closing it does not release lines taken from it.
public struct GPIOChip: ~Copyable {
    private let handle: OpaquePointer
    /// Path of its device.
    public let path: String

    /// Opens a chip by the path of its device, such as "/dev/gpiochip0".
    public init(path: String) throws(GPIOError) {
        var opened: OpaquePointer?
        let status = cgpiod_chip_open(path, &opened)
        guard status >= 0, let opened else {
            throw GPIOError(.openChip, chip: path, code: status < 0 ? -status : EIO)
        }
        handle = opened
        self.path = path
    }

    deinit {
        cgpiod_chip_close(handle)
    }

    /// The kernel's name: "gpiochip0".
    public var name: String { text(cgpiod_chip_name(handle)) }

    /// What hardware it is: "pinctrl-bcm2711".
    public var label: String { text(cgpiod_chip_label(handle)) }

    /// How many lines it has; their offsets are 0 ..< lineCount.
    public var lineCount: UInt32 { cgpiod_chip_line_count(handle) }

    /// What the kernel knows of one line now.
    public func line(_ offset: UInt32) throws(GPIOError) -> GPIOLineInfo {
        var raw = cgpiod_line_info()
        let status = cgpiod_line_info(handle, offset, &raw)
        guard status >= 0 else { throw GPIOError(.readLineInfo, chip: path, line: offset, code: -status) }
        guard let info = GPIOLineInfo(offset: offset, raw) else {
            throw GPIOError(.readLineInfo, chip: path, line: offset, code: EBADE)
        }
        return info
    }

    /// All lines in order of their offsets.
    public func lines() throws(GPIOError) -> [GPIOLineInfo] {
        var lines: [GPIOLineInfo] = []
        lines.reserveCapacity(Int(lineCount))
        for offset in 0..<lineCount { lines.append(try line(offset)) }
        return lines
    }

    /// Takes a line as input until the result is gone.
    ///
    /// - Parameters:
    ///   - offset: the line on this chip.
    ///   - consumer: who holds it, as `gpioinfo` shows it; cut after 31 bytes by the kernel.
    ///   - settings: pull resistor, edges, polarity, debounce.
    /// - Throws: `GPIOError`; EBUSY when the line is held already, EOPNOTSUPP for debounce on libgpiod 1.x.
    public func input(
        _ offset: UInt32, consumer: String = "gantry", _ settings: GPIOInput.Settings = .init()
    ) throws(GPIOError) -> GPIOInput {
        var raw = cgpiod_input(
            bias: settings.bias.raw, edges: settings.edges.raw, active_low: settings.isActiveLow,
            debounce_us: settings.debounceMicroseconds)
        var request: OpaquePointer?
        let status = cgpiod_request_input(handle, offset, consumer, &raw, &request)
        guard status >= 0, let request else {
            throw GPIOError(.requestInput, chip: path, line: offset, code: status < 0 ? -status : EIO)
        }
        return GPIOInput(request: request, chip: path, offset: offset)
    }

    /// Takes a line as output until the result is gone. What the line does after that is up to its driver.
    ///
    /// - Parameters:
    ///   - offset: the line on this chip.
    ///   - consumer: who holds it, as `gpioinfo` shows it; cut after 31 bytes by the kernel.
    ///   - settings: the first value, polarity and drive.
    /// - Throws: `GPIOError`; EBUSY when the line is held already.
    public func output(
        _ offset: UInt32, consumer: String = "gantry", _ settings: GPIOOutput.Settings
    ) throws(GPIOError) -> GPIOOutput {
        var raw = cgpiod_output(
            drive: settings.drive.raw, active: settings.isActive ?? false, active_low: settings.isActiveLow,
            keep: settings.isActive == nil)
        var request: OpaquePointer?
        let status = cgpiod_request_output(handle, offset, consumer, &raw, &request)
        guard status >= 0, let request else {
            throw GPIOError(.requestOutput, chip: path, line: offset, code: status < 0 ? -status : EIO)
        }
        return GPIOOutput(request: request, chip: path, offset: offset)
    }
}

extension GPIOChip {
    /// The paths of all chips in order of their numbers, without opening any.
    public static func paths() throws(GPIOError) -> [String] {
        var numbers = [UInt32](repeating: 0, count: 64)
        let found = cgpiod_list_chips(&numbers, UInt32(numbers.count))
        guard found >= 0 else { throw GPIOError(.listChips, chip: "/dev", code: -found) }
        return numbers.prefix(Int(found)).map { "/dev/gpiochip\($0)" }
    }

    /// The version of the libgpiod in use, such as "1.6.3".
    public static var libraryVersion: String { text(cgpiod_version()) }

    /// True when inputs can be debounced (libgpiod 2.x).
    public static var canDebounce: Bool { cgpiod_generation() >= 2 }
}
