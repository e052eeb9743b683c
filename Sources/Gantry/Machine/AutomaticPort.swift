import BoardIO
import MarlinLink

/// The serial port that `auto` stands for.
public enum AutomaticPort {
    /// How it is written in `gantry.ini` and on the command line.
    public static let name = "auto"

    /// `port` itself, or, when it is `auto`, the only USB serial port there is now.
    public static func resolve(_ port: String) throws(LinkError) -> String {
        guard port == name else { return port }
        let ports: [SerialPort]
        do {
            ports = try UdevDevices.serialPorts().filter { $0.usb != nil }
        } catch {
            throw .portNotFound("The serial ports cannot be listed (\(error)): name the printer's port")
        }
        switch ports.count {
        case 1: return ports[0].byID ?? ports[0].node
        case 0:
            throw .portNotFound(
                "No USB serial port was found. Connect the printer, or name its port; `gantry doctor` lists them.")
        default:
            throw .portNotFound(
                "There are several serial ports (\(ports.map(\.node).joined(separator: ", "))): name the printer's.")
        }
    }
}
