import Foundation
import Testing

@testable import BoardIO

@Suite struct UdevTests {
    /// The names in a folder of /sys.
    private func names(_ directory: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: directory))
    }

    private func enumerated(_ subsystem: String) throws -> Set<String> {
        var names: Set<String> = []
        try UdevDevices.forEach(subsystem) { names.insert($0.name) }
        return names
    }

    @Test(arguments: ["tty", "block"])
    func enumerationIsWhatSysShows(subsystem: String) throws {
        let expected = try names("/sys/class/\(subsystem)")
        #expect(!expected.isEmpty)
        #expect(try enumerated(subsystem) == expected)
    }

    @Test func unknownSubsystemIsEmpty() throws {
        #expect(try enumerated("no-such-subsystem").isEmpty)
    }

    @Test func serialPortsAreTheTerminalsWithHardware() throws {
        let expected = try names("/sys/class/tty").filter { name in
            let folder = "/sys/class/tty/\(name)"
            let type = try? String(contentsOfFile: folder + "/type", encoding: .utf8)
            return FileManager.default.fileExists(atPath: folder + "/device") && type != "0\n"
        }
        let ports = try UdevDevices.serialPorts()
        #expect(Set(ports.map(\.node)) == Set(expected.map { "/dev/" + $0 }))
        #expect(ports.map(\.node) == ports.map(\.node).sorted())
        #expect(!ports.contains { $0.node == "/dev/tty0" || $0.node == "/dev/ptmx" })
    }

    @Test func onlyDisksOnUSBCount() throws {
        let found = try UdevDevices.usbFileSystems()
        let blocks = try names("/sys/class/block")
        for volume in found {
            let name = String(volume.node.dropFirst("/dev/".count))
            #expect(blocks.contains(name))
            let path = URL(fileURLWithPath: "/sys/class/block/\(name)").resolvingSymlinksInPath().path
            #expect(path.contains("/usb"))
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("MY\\x20STICK", "MY STICK"), ("a\\x2fb", "a/b"), ("\\xc3\\xa4", "ä"),
        ("", ""), ("\\x2", "\\x2"), ("\\xzz", "\\xzz"), ("end\\", "end\\"), ("\\x5cx41", "\\x41"),
    ])
    func encodedLabelsAreDecoded(encoded: String, expected: String) {
        #expect(decodeUdev(encoded) == expected)
    }

    @Test func idsAreWrittenAsLsusbDoes() {
        let usb = USBIdentity(
            vendorID: 0x403, productID: 0x6001, manufacturer: nil, product: nil, serialNumber: nil)
        #expect(usb.ids == "0403:6001")
    }

    @Test func byIDIsFoundAmongTheLinks() {
        let links = ["/dev/gantry-printer", "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"]
        let port = SerialPort(node: "/dev/ttyUSB0", links: links, driver: nil, usb: nil)
        #expect(port.byID == "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0")
        #expect(SerialPort(node: "/dev/ttyS0", links: [], driver: nil, usb: nil).byID == nil)
    }
}
