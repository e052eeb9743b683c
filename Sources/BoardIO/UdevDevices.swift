import Glibc

/// What USB says of a device.
public struct USBIdentity: Equatable, Sendable {
    /// Vendor id: 0x1a86 for the CH340's maker.
    public let vendorID: UInt16
    /// Product id, chosen by the vendor.
    public let productID: UInt16
    /// Texts from the device; many cheap adapters have none.
    public let manufacturer: String?
    /// See `manufacturer`.
    public let product: String?
    /// Serial number, the one thing that tells two equal boards apart.
    public let serialNumber: String?

    /// "1a86:7523".
    public var ids: String { fourDigits(vendorID) + ":" + fourDigits(productID) }
}

/// A serial port with hardware behind it.
public struct SerialPort: Equatable, Sendable {
    /// "/dev/ttyUSB0". Not stable: a printer that is plugged in again may get another number.
    public let node: String
    /// All links udev made to it, sorted, the stable names among them.
    public let links: [String]
    /// The driver: "ch341", "ftdi_sio", "cp210x", "cdc_acm", "serial8250".
    public let driver: String?
    /// nil for ports of the board itself.
    public let usb: USBIdentity?

    /// The link in /dev/serial/by-id, stable as long as the adapter has a serial number or is the only one of its kind.
    public var byID: String? { links.first { $0.hasPrefix("/dev/serial/by-id/") } }
}

/// A file system on a USB stick or card reader.
public struct USBFileSystem: Equatable, Sendable {
    /// "/dev/sda1", or "/dev/sda" for a stick without a partition table.
    public let node: String
    /// Volume label, nil when it has none.
    public let label: String?
    /// "vfat", "exfat", "ext4".
    public let type: String
    /// Volume id ("1A2B-3C4D"), stable over plugging in and out.
    public let uuid: String?
    /// True when the medium can be taken out, as the kernel sees it; a USB hard disk is often not removable.
    public let isRemovable: Bool
    /// Size of the partition or disk in bytes.
    public let sizeBytes: UInt64
}

/// Devices that are there now, by libudev.
public enum UdevDevices {
    /// All serial ports that have hardware: no consoles, no pseudo-terminals, no 8250 slots without a UART.
    /// Sorted by node.
    public static func serialPorts() throws(UdevError) -> [SerialPort] {
        var ports: [SerialPort] = []
        try forEach("tty") { device in
            if let port = SerialPort(device) { ports.append(port) }
        }
        return ports.sorted { $0.node < $1.node }
    }

    /// All file systems on USB. They are recognised by udevd, so without it the list is empty. Sorted by node.
    public static func usbFileSystems() throws(UdevError) -> [USBFileSystem] {
        var found: [USBFileSystem] = []
        try forEach("block") { device in
            if let volume = USBFileSystem(device) { found.append(volume) }
        }
        return found.sorted { $0.node < $1.node }
    }

    static func forEach(_ subsystem: String, _ body: (borrowing UdevDevice) -> Void) throws(UdevError) {
        guard let context = UdevContext() else { throw UdevError(subsystem: subsystem, code: ENOMEM) }
        try context.forEachDevice(subsystem: subsystem, body)
    }
}

extension SerialPort {
    /// nil when no hardware stands behind the device.
    init?(_ device: borrowing UdevDevice) {
        guard let node = device.node, device.hasParent else { return nil }
        // The 8250 driver makes ttyS0 to ttyS3 whether a UART is there or not; type 0 means none.
        if device.attribute("type") == "0" { return nil }
        self.init(node: node, links: device.links, driver: device.driver, usb: USBIdentity(device))
    }
}

extension USBFileSystem {
    /// nil when the device is not on USB or holds no file system that udevd knows.
    init?(_ device: borrowing UdevDevice) {
        guard let node = device.node, USBIdentity(device) != nil,
            device.property("ID_FS_USAGE") == "filesystem", let type = device.property("ID_FS_TYPE")
        else { return nil }
        let removable =
            device.attribute("removable") ?? device.attributeOfParent(subsystem: "block", type: "disk", "removable")
        // The kernel counts 512-byte sectors here, whatever the disk's own are.
        let sectors = device.attribute("size").flatMap { UInt64($0) } ?? 0
        self.init(
            node: node, label: device.property("ID_FS_LABEL_ENC").map(decodeUdev), type: type,
            uuid: device.property("ID_FS_UUID"), isRemovable: removable == "1", sizeBytes: sectors &* 512)
    }
}

extension USBIdentity {
    /// nil when the device does not hang on USB.
    init?(_ device: borrowing UdevDevice) {
        func attribute(_ name: String) -> String? {
            device.attributeOfParent(subsystem: "usb", type: "usb_device", name)
        }
        // From the device itself, not from udev's database: they are there without udevd, too.
        guard let vendorID = attribute("idVendor").flatMap({ UInt16($0, radix: 16) }),
            let productID = attribute("idProduct").flatMap({ UInt16($0, radix: 16) })
        else { return nil }
        self.vendorID = vendorID
        self.productID = productID
        manufacturer = attribute("manufacturer")
        product = attribute("product")
        serialNumber = attribute("serial")
    }
}

private func fourDigits(_ id: UInt16) -> String {
    let digits = String(id, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
}
