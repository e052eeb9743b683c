import Foundation
import Glibc
import Testing

@testable import BoardIO

@Suite struct GPIOTests {
    /// Opens a chip that must not open, and gives the error.
    private func openingError(_ path: String) -> GPIOError? {
        do throws(GPIOError) {
            _ = try GPIOChip(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func absentChipSaysWhatToDo() throws {
        let error = try #require(openingError("/dev/gpiochip4711"))
        #expect(error == GPIOError(.openChip, chip: "/dev/gpiochip4711", code: ENOENT))
        #expect(
            error.description
                == "Cannot open /dev/gpiochip4711: No such file or directory. "
                + "List the chips that exist with: ls /dev/gpiochip*")
    }

    @Test func otherDevicesAreRefused() throws {
        let error = try #require(openingError("/dev/null"))
        #expect([ENOTTY, ENODEV].contains(error.code))
        #expect(error.description.contains("It is no GPIO chip"))
    }

    @Test func pathThatIsTooLongIsRefused() throws {
        let error = try #require(openingError("/dev/" + String(repeating: "x", count: 5000)))
        #expect(error.code == ENAMETOOLONG)
    }

    @Test(arguments: [
        (GPIOError(.openChip, chip: "/dev/gpiochip0", code: EACCES), "gpio USER"),
        (GPIOError(.openChip, chip: "/dev/gpiochip0", code: EPERM), "gpio USER"),
        (GPIOError(.requestOutput, chip: "/dev/gpiochip0", line: 17, code: EBUSY), "line 17 of /dev/gpiochip0"),
        (GPIOError(.requestOutput, chip: "/dev/gpiochip0", line: 17, code: EBUSY), "gpioinfo"),
        (GPIOError(.readLineInfo, chip: "/dev/gpiochip0", line: 99, code: EINVAL), "has no such line"),
        (GPIOError(.requestInput, chip: "/dev/gpiochip0", line: 9, code: EOPNOTSUPP), "cannot debounce"),
        (GPIOError(.setValue, chip: "/dev/gpiochip0", line: 9, code: EPERM), "only outputs can be set"),
        (GPIOError(.listChips, chip: "/dev", code: EIO), "list chips in /dev"),
    ])
    func errorsGiveAdvice(error: GPIOError, expected: String) {
        #expect(error.description.contains(expected))
    }

    @Test func chipsAreThoseInDev() throws {
        let expected = try FileManager.default.contentsOfDirectory(atPath: "/dev")
            .filter { $0.wholeMatch(of: /gpiochip[0-9]+/) != nil }
            .map { "/dev/" + $0 }
            .filter { (try? FileManager.default.destinationOfSymbolicLink(atPath: $0)) == nil }
        #expect(try GPIOChip.paths().sorted() == expected.sorted())
    }

    @Test func libraryVersionHasNumbers() {
        #expect(GPIOChip.libraryVersion.wholeMatch(of: /[12]\.[0-9]+(\.[0-9]+)?.*/) != nil)
        #expect(GPIOChip.canDebounce == GPIOChip.libraryVersion.hasPrefix("2"))
    }
}

@Suite struct GPIOValueTests {
    @Test(arguments: [GPIOBias.unknown, .asIs, .disabled, .pullUp, .pullDown])
    func biasSurvivesTheWayThroughC(bias: GPIOBias) {
        #expect(GPIOBias(raw: bias.raw) == bias)
    }

    @Test(arguments: [GPIODrive.pushPull, .openDrain, .openSource])
    func driveSurvivesTheWayThroughC(drive: GPIODrive) {
        #expect(GPIODrive(raw: drive.raw) == drive)
    }

    @Test func unknownValuesAreNotForced() {
        #expect(GPIOBias(raw: 5) == nil)
        #expect(GPIOBias(raw: -1) == nil)
        #expect(GPIODrive(raw: 3) == nil)
    }

    @Test func namesEndAtTheZeroByteOrTheEnd() {
        let bytes: [UInt8] = [0x47, 0x50, 0, 0x58]
        bytes.withUnsafeBytes {
            #expect(nonEmptyText($0) == "GP")
            #expect(nonEmptyText(.init(rebasing: $0[..<2])) == "GP")
            #expect(nonEmptyText(.init(rebasing: $0[2...])) == nil)
        }
    }
}
