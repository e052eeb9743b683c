import Glibc
import Testing

@testable import BoardIO

@Suite struct GPIOLineAddressTests {
    @Test(arguments: [
        ("gpiochip0:17", GPIOLineAddress.offset(chip: "/dev/gpiochip0", 17)),
        ("/dev/gpiochip12:0", .offset(chip: "/dev/gpiochip12", 0)),
        ("/dev/board/lines:3", .offset(chip: "/dev/board/lines", 3)), ("GPIO17", .name("GPIO17")),
        ("FILAMENT-1", .name("FILAMENT-1")),
    ])
    func addressesAreRead(_ text: String, _ expected: GPIOLineAddress) {
        #expect(GPIOLineAddress(text) == expected)
        #expect(GPIOLineAddress(expected.description) == expected)
    }

    @Test(arguments: [
        "", " ", "GPIO 17", "gpiochip0", "/dev/gpiochip0", "gpiochip0:", "gpiochip0:-1", "gpiochip0:x", "gpiochip:1",
        "chip0:1", ":1", "/:1", "gpiochip0:1:2", "gpiochip0:4294967296",
    ])
    func whatIsNoneIsRefused(_ text: String) {
        #expect(GPIOLineAddress(text) == nil)
    }

    @Test func aNameThatNoChipHasIsAnErrorWithAdvice() throws {
        let address = try #require(GPIOLineAddress("NO-SUCH-LINE-4711"))
        #expect(throws: GPIOError(.findLine, chip: "NO-SUCH-LINE-4711", code: ENOENT)) { _ = try address.resolve() }
    }
}

@Suite struct MountTableTests {
    @Test func linesOfTheKernelAreRead() {
        let table = MountTable.parse(
            """
            22 1 0:20 / /proc rw,nosuid shared:5 - proc proc rw
            36 35 8:1 / /media/MY\\040STICK ro,nosuid,nodev shared:1 master:2 - vfat /dev/sda1 ro,errors=remount-ro
            37 35 8:17 /folder /mnt/b\\134s rw - ext4 /dev/sdb1 rw
            38 35 8:33 / /mnt/c rw - ext4 /dev/sdc1 ro
            """)
        #expect(
            table == [
                Mount(device: "0:20", path: "/proc", source: "proc", isReadOnly: false, isWhole: true),
                Mount(device: "8:1", path: "/media/MY STICK", source: "/dev/sda1", isReadOnly: true, isWhole: true),
                Mount(device: "8:17", path: "/mnt/b\\s", source: "/dev/sdb1", isReadOnly: false, isWhole: false),
                Mount(device: "8:33", path: "/mnt/c", source: "/dev/sdc1", isReadOnly: true, isWhole: true),
            ])
    }

    @Test(arguments: ["", "nonsense", "36 35 8:1 / /x rw", "36 35 8:1 / /x rw - vfat", "- - - - - - - -"])
    func whatIsNoMountIsLeftOut(_ text: String) {
        #expect(MountTable.parse(text).isEmpty)
    }

    @Test func theRootIsMounted() {
        #expect(MountTable.read().contains { $0.path == "/" })
    }
}

@Suite struct StickErrorTests {
    @Test(arguments: [
        (StickError(.mount, "/dev/sda1", type: "ext4", code: EPERM), "CAP_SYS_ADMIN"),
        (StickError(.mount, "/dev/sda1", type: "zfs", code: ENODEV), "no driver"),
        (
            StickError(.mount, "/dev/sda1", type: "vfat", code: EINVAL),
            "Cannot mount /dev/sda1 (vfat): Invalid argument"
        ),
        (StickError(.eject, "STICK", code: EBUSY), "Something still reads or writes it"),
        (StickError(.eject, "STICK", code: ENOENT), "gantry storage list"),
        (StickError(.makeFolder, "/run/gantry/media", code: EROFS), "another folder"),
    ])
    func errorsGiveAdvice(_ error: StickError, _ expected: String) {
        #expect(error.description.contains(expected))
    }
}
