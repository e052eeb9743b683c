import CUdev
import Glibc

/// A failure of libudev.
public struct UdevError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was listed: "tty", "block".
    public let subsystem: String
    /// The errno, positive.
    public let code: Int32

    /// What happened and what to do.
    public var description: String {
        "Cannot list the \(subsystem) devices: \(errorText(code)). Check that /sys is mounted and can be read."
    }
}

/// A libudev context. Not for two threads at once.
struct UdevContext: ~Copyable {
    private let handle: OpaquePointer

    /// nil when memory ran out.
    init?() {
        guard let handle = udev_new() else { return nil }
        self.handle = handle
    }

    deinit {
        _ = udev_unref(handle)
    }

    /// A monitor of udevd's news, nil with errno set when there can be none.
    func makeMonitor() -> OpaquePointer? { udev_monitor_new_from_netlink(handle, "udev") }

    /// Calls `body` for each device of a subsystem, ordered by path. A device that goes meanwhile is left out.
    func forEachDevice(subsystem: String, _ body: (borrowing UdevDevice) -> Void) throws(UdevError) {
        guard let enumerate = udev_enumerate_new(handle) else { throw UdevError(subsystem: subsystem, code: ENOMEM) }
        defer { _ = udev_enumerate_unref(enumerate) }
        var status = udev_enumerate_add_match_subsystem(enumerate, subsystem)
        if status >= 0 { status = udev_enumerate_scan_devices(enumerate) }
        guard status >= 0 else { throw UdevError(subsystem: subsystem, code: -status) }

        var entry = udev_enumerate_get_list_entry(enumerate)
        while let current = entry {
            if let device = udev_device_new_from_syspath(handle, udev_list_entry_get_name(current)) {
                body(UdevDevice(owning: device))
            }
            entry = udev_list_entry_get_next(current)
        }
    }
}

/// News of devices as udevd sends them, after its rules were run: links, permissions and file systems are known then.
/// Not for two threads at once.
struct UdevMonitor: ~Copyable {
    private let context: UdevContext
    private let handle: OpaquePointer

    /// Listens from now on.
    init(subsystems: [String]) throws(UdevError) {
        let list = subsystems.joined(separator: " and ")
        guard let context = UdevContext() else { throw UdevError(subsystem: list, code: ENOMEM) }
        guard let handle = context.makeMonitor() else { throw UdevError(subsystem: list, code: errno) }
        for subsystem in subsystems {
            let status = udev_monitor_filter_add_match_subsystem_devtype(handle, subsystem, nil)
            guard status >= 0 else {
                _ = udev_monitor_unref(handle)
                throw UdevError(subsystem: subsystem, code: -status)
            }
        }
        let status = udev_monitor_enable_receiving(handle)
        guard status >= 0 else {
            _ = udev_monitor_unref(handle)
            throw UdevError(subsystem: list, code: -status)
        }
        // A storm of plugs must not overflow the socket; refused without privilege beyond the system's limit.
        _ = udev_monitor_set_receive_buffer_size(handle, 1 << 20)
        self.context = context
        self.handle = handle
    }

    deinit {
        _ = udev_monitor_unref(handle)
    }

    /// Polls readable while news wait.
    var descriptor: Int32 { udev_monitor_get_fd(handle) }

    /// Takes the oldest piece of news; false when none waits. Never blocks.
    func next(_ body: (_ action: String, borrowing UdevDevice) -> Void) -> Bool {
        guard let device = udev_monitor_receive_device(handle) else { return false }
        let action = text(udev_device_get_action(device))
        body(action, UdevDevice(owning: device))
        return true
    }
}

/// One device as libudev sees it.
struct UdevDevice: ~Copyable {
    private let handle: OpaquePointer

    /// Takes over the caller's reference.
    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        _ = udev_device_unref(handle)
    }

    /// "block".
    var subsystem: String { text(udev_device_get_subsystem(handle)) }

    /// "ttyUSB0".
    var name: String { text(udev_device_get_sysname(handle)) }

    /// "/dev/ttyUSB0", nil for devices without a node.
    var node: String? { udev_device_get_devnode(handle).map { text($0) } }

    /// "/sys/devices/...".
    var path: String { text(udev_device_get_syspath(handle)) }

    /// A property from udev's database; nil without it, as when no udevd runs.
    func property(_ key: String) -> String? {
        udev_device_get_property_value(handle, key).map { text($0) }
    }

    /// An attribute file of the device in /sys.
    func attribute(_ name: String) -> String? {
        udev_device_get_sysattr_value(handle, name).map { text($0) }
    }

    /// The links in /dev that udev made, sorted.
    var links: [String] {
        var links: [String] = []
        var entry = udev_device_get_devlinks_list_entry(handle)
        while let current = entry {
            links.append(text(udev_list_entry_get_name(current)))
            entry = udev_list_entry_get_next(current)
        }
        return links.sorted()
    }

    /// True when hardware stands behind the device; consoles and loop devices have no parent.
    var hasParent: Bool { udev_device_get_parent(handle) != nil }

    /// The driver of the nearest ancestor that has one: "ftdi_sio", "cdc_acm", "serial8250".
    var driver: String? {
        var ancestor: OpaquePointer? = handle
        while let current = ancestor {
            // Linux 6.5 put its own "serial-base" bus between a UART and the driver that people know.
            let isSerialBase = text(udev_device_get_subsystem(current)) == "serial-base"
            if !isSerialBase, let driver = udev_device_get_driver(current) { return text(driver) }
            // A parent belongs to its child: no reference to give back.
            ancestor = udev_device_get_parent(current)
        }
        return nil
    }

    /// An attribute of the nearest ancestor of that kind.
    func attributeOfParent(subsystem: String, type: String, _ name: String) -> String? {
        guard let parent = udev_device_get_parent_with_subsystem_devtype(handle, subsystem, type) else { return nil }
        return udev_device_get_sysattr_value(parent, name).map { text($0) }
    }
}

/// Undoes udev's encoding of the properties that end in _ENC: each `\xHH` is one byte.
func decodeUdev(_ encoded: String) -> String {
    let bytes = Array(encoded.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if index + 3 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "x"),
            let high = hexDigit(bytes[index + 2]), let low = hexDigit(bytes[index + 3])
        {
            decoded.append(high << 4 | low)
            index += 4
        } else {
            decoded.append(bytes[index])
            index += 1
        }
    }
    return String(decoding: decoded, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
