import CSerial
import Foundation
import Testing

@testable import MarlinLink

@Suite struct SerialPortTests {
    private func error(opening path: String, baud: UInt32 = 115_200) -> LinkError? {
        do throws(LinkError) {
            _ = try SerialPort(path: path, baud: baud)
            return nil
        } catch {
            return error
        }
    }

    private func close(_ port: consuming SerialPort) {}

    @Test func missing() {
        #expect(error(opening: "/dev/no-such-port") == .portMissing(path: "/dev/no-such-port"))
    }

    @Test func notATerminal() throws {
        let folder = try TemporaryDirectory()
        let file = try folder.write([1, 2, 3], to: "file")
        #expect(error(opening: file) == .notATerminal(path: file))
        #expect(error(opening: folder.path) == .notATerminal(path: folder.path))
        #expect(error(opening: "/dev/null") == .notATerminal(path: "/dev/null"))
    }

    @Test func busyUntilItIsClosed() throws {
        let terminal = try RawTerminal()
        let port = try SerialPort(path: terminal.path, baud: 115_200)
        #expect(error(opening: terminal.path) == .portBusy(path: terminal.path))
        close(port)
        #expect(error(opening: terminal.path) == nil)
    }

    @Test(arguments: [9600, 115_200, 250_000, 1_000_000] as [UInt32]) func anyBaudRate(_ baud: UInt32) throws {
        let terminal = try RawTerminal()
        #expect(error(opening: terminal.path, baud: baud) == nil)
    }

    @Test func noBaudRate() throws {
        let terminal = try RawTerminal()
        #expect(error(opening: terminal.path, baud: 0) == .baudRefused(path: terminal.path, baud: 0))
    }

    @Test func aPseudoTerminalHasNoResetLine() throws {
        let terminal = try RawTerminal()
        let port = try SerialPort(path: terminal.path, baud: 115_200)
        let worked = port.pulseReset()
        #expect(!worked)
    }

    // Root may open everything, and the tests often run as root: what cannot be provoked is read off the table.
    @Test(arguments: [
        (EACCES, LinkError.portForbidden(path: "p")), (EPERM, .portForbidden(path: "p")),
        (ENOENT, .portMissing(path: "p")), (ENXIO, .portMissing(path: "p")), (ENODEV, .portMissing(path: "p")),
        (EBUSY, .portBusy(path: "p")), (ENOTTY, .notATerminal(path: "p")), (EIO, .portFailed(path: "p", errno: EIO)),
    ])
    func namesOfErrors(_ code: Int32, _ error: LinkError) {
        #expect(SerialPort.openError(code, path: "p") == error)
        #expect(!error.description.isEmpty)
    }
}
