import Glibc

/// A stick that can be read.
public struct Stick: Equatable, Sendable {
    /// Who mounted a stick.
    public enum Owner: Equatable, Sendable {
        /// Gantry, by mount(2).
        case gantry
        /// udisks2, since Gantry asked it to.
        case udisks2
        /// Somebody else.
        case other
    }

    /// Its name among the storages, unique while it is there.
    public let name: String
    /// What is written on the volume, nil when nothing is.
    public let label: String?
    /// Its device, "/dev/sda1".
    public let node: String
    /// Where its files are.
    public let path: String
    /// True when nothing can be written to it.
    public let isReadOnly: Bool
    /// Who mounted it.
    public let owner: Owner

    /// True when it is Gantry's to unmount.
    public var isOwn: Bool { owner != .other }
}

/// News of the sticks.
public enum StickEvent: Equatable, Sendable {
    /// Its files can be read now.
    case attached(Stick)
    /// It is gone. `wasEjected`: unmounted before, so nothing was lost.
    case detached(Stick, wasEjected: Bool)
    /// A stick that cannot be used, and why.
    case failed(StickError)
    /// Something failed that is done without, or in another way.
    case noted(StickError)
}

/// What went wrong with a stick.
public struct StickError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried.
    public enum Operation: String, Equatable, Sendable {
        /// Making the folder it is mounted in.
        case makeFolder = "make the folder for"
        /// Mounting.
        case mount = "mount"
        /// Unmounting for an eject.
        case eject = "eject"
        /// Switching it off after that.
        case powerOff = "power off"
    }

    /// Why it did not work.
    public enum Cause: Equatable, Sendable {
        /// The kernel said so; an errno, positive.
        case system(Int32)
        /// udisks2 did not do it.
        case udisks2(UdisksFailure)
    }

    /// What was tried.
    public let operation: Operation
    /// The device, or the name that was asked for.
    public let target: String
    /// Type of the file system, "" when it does not matter.
    public let type: String
    /// Why it did not work.
    public let cause: Cause

    /// An error of the system's.
    public init(_ operation: Operation, _ target: String, type: String = "", code: Int32) {
        self.operation = operation
        self.target = target
        self.type = type
        cause = .system(code)
    }

    init(_ operation: Operation, _ target: String, type: String = "", _ failure: UdisksFailure) {
        self.operation = operation
        self.target = target
        self.type = type
        cause = .udisks2(failure)
    }

    /// What happened and what to do.
    public var description: String {
        let what = "Cannot \(operation.rawValue) \(target)\(type.isEmpty ? "" : " (\(type))")"
        switch cause {
        case .system(let code): return "\(what): \(errorText(code)). \(advice(code))"
        case .udisks2(let failure): return "\(what) through udisks2: \(failure). \(failure.advice)"
        }
    }

    private func advice(_ code: Int32) -> String {
        switch (operation, code) {
        case (.eject, ENOENT): "No stick has that name; list them with: gantry storage list"
        case (.eject, EBUSY): "Something still reads or writes it: end that first, a print from it above all."
        case (.eject, EPERM): "It was mounted by another program, which has to unmount it."
        case (_, EPERM), (_, EACCES):
            "Mounting needs CAP_SYS_ADMIN (see gantry.service), or a program that mounts sticks, such as udisks2."
        case (.mount, ENODEV): "The kernel has no driver for this file system; reformat the stick as FAT32 or exFAT."
        case (.mount, EINVAL), (.mount, EUCLEAN), (.mount, EIO):
            "The file system is damaged or no such one: repair it on a computer, or format it anew."
        case (_, EROFS), (_, ENOSPC): "Choose another folder for mounts in [usb]."
        default: "See the kernel's messages with: dmesg | tail"
        }
    }
}
