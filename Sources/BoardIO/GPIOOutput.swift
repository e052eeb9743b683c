import CGpiod
import Glibc

/// A line held as output; released when the value goes. It may move to another thread, but not be used by two at once.
public struct GPIOOutput: ~Copyable {
    /// How to hold the line.
    public struct Settings: Equatable, Sendable {
        /// The value from the first moment on; nil keeps what the line has, without a moment in between.
        public var isActive: Bool?
        /// True when a low voltage counts as active (most relay boards).
        public var isActiveLow: Bool
        /// How the line is driven.
        public var drive: GPIODrive

        /// Active high and push-pull unless told otherwise.
        public init(isActive: Bool?, isActiveLow: Bool = false, drive: GPIODrive = .pushPull) {
            self.isActive = isActive
            self.isActiveLow = isActiveLow
            self.drive = drive
        }
    }

    private let request: OpaquePointer
    /// Path of the chip's device.
    public let chip: String
    /// Offset on the chip.
    public let offset: UInt32

    init(request: OpaquePointer, chip: String, offset: UInt32) {
        self.request = request
        self.chip = chip
        self.offset = offset
    }

    deinit {
        cgpiod_release(request)
    }

    /// Makes the line active or inactive.
    public func set(_ active: Bool) throws(GPIOError) {
        let status = cgpiod_set(request, active)
        guard status >= 0 else { throw GPIOError(.setValue, chip: chip, line: offset, code: -status) }
    }

    /// True when the line is active now.
    public func isActive() throws(GPIOError) -> Bool {
        let value = cgpiod_get(request)
        guard value >= 0 else { throw GPIOError(.readValue, chip: chip, line: offset, code: -value) }
        return value == 1
    }
}
