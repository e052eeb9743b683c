import Glibc

/// What this board has: the libraries in use and the devices found. `gantry doctor` shows it.
public struct BoardReport: Sendable {
    /// One GPIO chip, or why it cannot be opened.
    public enum Chip: Equatable, Sendable {
        /// The chip opened.
        case found(path: String, name: String, label: String, lineCount: UInt32)
        /// It is there, but cannot be used.
        case failed(GPIOError)
    }

    /// A list that could be made, or why it could not.
    public typealias Listing<Element, Failure: Error> = Result<[Element], Failure>

    /// Version of libgpiod, such as "1.6.3".
    public let gpiodVersion: String
    /// File name of the libudev in use, such as "libudev.so.1.7.5": the library has no call that tells its version.
    public let udevLibrary: String?
    /// GPIO chips in order of their numbers.
    public let chips: Listing<Chip, GPIOError>
    /// Serial ports with hardware.
    public let serialPorts: Listing<SerialPort, UdevError>
    /// File systems on USB.
    public let usbFileSystems: Listing<USBFileSystem, UdevError>
    /// True when udevd keeps its database; without it stable names and file systems are not known.
    public let udevRuns: Bool

    /// Looks at the board now. Opens each GPIO chip for a moment, no serial port and no disk.
    public init() {
        gpiodVersion = GPIOChip.libraryVersion
        udevLibrary = BoardReport.mappedLibrary("libudev.so", maps: readSmallFile("/proc/self/maps") ?? "")
        chips = BoardReport.listChips()
        serialPorts = Result { () throws(UdevError) in try UdevDevices.serialPorts() }
        usbFileSystems = Result { () throws(UdevError) in try UdevDevices.usbFileSystems() }
        udevRuns = access("/run/udev/control", F_OK) == 0
    }

    private static func listChips() -> Listing<Chip, GPIOError> {
        Result { () throws(GPIOError) in
            var chips: [Chip] = []
            for path in try GPIOChip.paths() {
                do throws(GPIOError) {
                    let chip = try GPIOChip(path: path)
                    chips.append(.found(path: path, name: chip.name, label: chip.label, lineCount: chip.lineCount))
                } catch {
                    chips.append(.failed(error))
                }
            }
            return chips
        }
    }

    /// The file name of the first mapped library that starts with `prefix`, from the text of /proc/PID/maps. The
    /// kernel gives the file behind the links, so its name carries the full version.
    static func mappedLibrary(_ prefix: String, maps: String) -> String? {
        for line in maps.split(separator: "\n") {
            guard let name = line.split(separator: "/").last, line.contains("/") else { continue }
            if name.hasPrefix(prefix) { return String(name) }
        }
        return nil
    }
}

extension BoardReport {
    /// The report as lines of text, each complete in itself.
    public var lines: [String] {
        var lines = ["libgpiod \(gpiodVersion)", udevLibrary ?? "libudev (linked in, version unknown)"]
        if !udevRuns { lines.append("udevd does not run: no stable port names, no file systems on USB are known") }
        lines += BoardReport.describe(chips, none: "no GPIO chips") { chip in
            switch chip {
            case .found(let path, _, let label, let count): "GPIO chip \(path): \(label), \(count) lines"
            case .failed(let error): "\(error)"
            }
        }
        lines += BoardReport.describe(serialPorts, none: "no serial ports") { port in
            let details = [port.usb.map { "USB \($0.ids)" }, port.usb?.product, port.driver, port.byID]
            return "serial port \(port.node): \(details.compactMap(\.self).joined(separator: ", "))"
        }
        lines += BoardReport.describe(usbFileSystems, none: "no file systems on USB") { volume in
            let details = [volume.label.map { "\"\($0)\"" }, volume.type, "\(volume.sizeBytes >> 20) MiB"]
            return "USB file system \(volume.node): \(details.compactMap(\.self).joined(separator: ", "))"
        }
        return lines
    }

    private static func describe<Element, Failure>(
        _ listing: Listing<Element, Failure>, none: String, _ line: (Element) -> String
    ) -> [String] {
        switch listing {
        case .success(let elements): elements.isEmpty ? [none] : elements.map(line)
        case .failure(let error): ["\(error)"]
        }
    }
}

/// The text of a file in /proc or /sys, nil when it cannot be read.
func readSmallFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return nil }
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += chunk[..<count]
    }
}
