import Glibc

/// One event of inotify(7).
struct InotifyEvent: Sendable, Hashable {
    /// The watch it belongs to, -1 for an overflow of the queue.
    let watch: Int32
    let mask: UInt32
    /// The same number for the two ends of a move, 0 otherwise.
    let cookie: UInt32
    /// The entry of the watched folder that it is about; empty for the folder itself.
    let name: [UInt8]
    /// How many bytes of events came before this one.
    let position: UInt64

    func has(_ flags: Int32) -> Bool { mask & UInt32(flags) != 0 }

    var isAboutFolder: Bool { has(IN_ISDIR) }

    /// Takes apart what read(2) gave. A record that is cut short, which the kernel never does, ends the list.
    static func parse(_ bytes: UnsafeRawBufferPointer, position start: UInt64) -> [InotifyEvent] {
        var events: [InotifyEvent] = []
        var offset = 0
        while offset + headerSize <= bytes.count {
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            let nameStart = offset + headerSize
            guard nameStart + length <= bytes.count else { break }
            events.append(
                InotifyEvent(
                    watch: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self),
                    mask: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                    cookie: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self),
                    // The name is filled up with NUL to a multiple of the header's size.
                    name: Array(bytes[nameStart..<nameStart + length].prefix { $0 != 0 }),
                    position: start + UInt64(offset)))
            offset = nameStart + length
        }
        return events
    }

    /// `wd`, `mask`, `cookie` and `len` of `struct inotify_event`.
    private static let headerSize = 16
}

/// An inotify instance: tells what changes in folders. Used by one thread.
struct Inotify {
    /// Everything that makes a difference for Connect. Of files that are unlinked but still open nothing is wanted.
    private static let mask =
        UInt32(IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF)
        | UInt32(IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

    let descriptor: Descriptor
    /// Bytes of events that were read so far.
    private var bytesRead: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: 32 * 1024)

    /// `nil` when the system has no more instances for this user, or no inotify.
    init?() {
        let number = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard number >= 0 else { return nil }
        descriptor = Descriptor(number)
    }

    /// Watches an open folder and returns the watch's number; `nil` when that is not possible, for example because
    /// the user's watches (/proc/sys/fs/inotify/max_user_watches) are used up. A folder that is watched already gives
    /// the same number again.
    func watch(_ folder: Descriptor) -> Int32? {
        // By way of the open folder: its path may be too long, or lead elsewhere by now.
        let number = inotify_add_watch(descriptor.number, "/proc/self/fd/\(folder.number)", Self.mask)
        return number >= 0 ? number : nil
    }

    /// Ends a watch; one that has ended by itself is no error.
    func remove(_ watch: Int32) { inotify_rm_watch(descriptor.number, watch) }

    /// The events that are there now, at most a buffer full; none when there are none.
    mutating func read() -> [InotifyEvent] {
        let count = Glibc.read(descriptor.number, &buffer, buffer.count)
        guard count > 0 else { return [] }
        defer { bytesRead += UInt64(count) }
        return buffer.withUnsafeBytes { bytes in
            InotifyEvent.parse(UnsafeRawBufferPointer(rebasing: bytes[..<count]), position: bytesRead)
        }
    }

    /// The position behind all events that have happened so far, read or not.
    var end: UInt64 {
        var waiting: Int32 = 0
        guard ioctl(descriptor.number, UInt(FIONREAD), &waiting) == 0 else { return bytesRead }
        return bytesRead + UInt64(max(waiting, 0))
    }
}
