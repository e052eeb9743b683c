import ArgumentParser
import BoardIO
import GCodeStream
import Gantry
import MarlinLink

/// The one serial port that `auto` stands for.
func automaticPort() throws -> String {
    let ports = try UdevDevices.serialPorts().filter { $0.usb != nil }
    switch ports.count {
    case 1: return ports[0].byID ?? ports[0].node
    case 0:
        throw ConfigurationError.missing(
            "No USB serial port was found. Connect the printer, or name its port with --port; `gantry doctor` lists them."
        )
    default:
        throw ConfigurationError.missing(
            "There are several serial ports (\(ports.map(\.node).joined(separator: ", "))): name the printer's with --port"
        )
    }
}
