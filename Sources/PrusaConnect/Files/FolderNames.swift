import Glibc

/// The names of what is in a folder, sorted by their bytes.
struct FolderNames {
    /// Which entries are wanted. `.` and `..` never are.
    enum Choice: Sendable, Hashable {
        /// What Connect may see, by its name and by what it is as far as the folder tells that.
        case visible
        case all
    }

    /// The names one after another, each with a NUL behind it.
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>] = []
    /// Half files of downloads, by their names; with ``Choice/visible`` only, where they are not among the names.
    private(set) var partFiles: [String] = []
    /// Whether the folder was read to its end.
    private(set) var isComplete = true

    /// Reads a folder that is open for reading; `nil` with `errno` set when that does not work.
    init?(_ folder: Descriptor, _ choice: Choice) {
        // closedir(3) closes what it was given.
        let number = fcntl(folder.number, F_DUPFD_CLOEXEC, 0)
        guard number >= 0 else { return nil }
        guard let directory = fdopendir(number) else {
            let code = errno
            close(number)
            errno = code
            return nil
        }
        defer { closedir(directory) }
        // The copy shares its place in the folder with the original, which may have been read before.
        rewinddir(directory)
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                isComplete = errno == 0
                break
            }
            add(entry, choice)
        }
        sort()
    }

    private mutating func add(_ entry: UnsafeMutablePointer<dirent>, _ choice: Choice) {
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return }
        let start = UnsafeRawPointer(entry) + offset
        let name = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
        switch choice {
        case .visible:
            // What it is can spare the look at it.
            guard FileProbe.isVisible(name), FileProbe.mayBeVisible(type: Int(entry.pointee.d_type)) else {
                if PartFile.isName(name) { partFiles.append(String(decoding: name, as: UTF8.self)) }
                return
            }
        case .all:
            let isSpecial = name.count <= 2 && name.allSatisfy { $0 == UInt8(ascii: ".") }
            guard !isSpecial else { return }
        }
        ranges.append(bytes.count..<bytes.count + name.count)
        bytes.append(contentsOf: name)
        bytes.append(0)
    }

    private mutating func sort() {
        ranges = bytes.withUnsafeBytes { [ranges] bytes in
            ranges.sorted { left, right in
                UnsafeRawBufferPointer(rebasing: bytes[left]).isBefore(UnsafeRawBufferPointer(rebasing: bytes[right]))
            }
        }
    }

    /// Calls `body` with each name: its bytes, behind which there is a NUL.
    func forEach(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            for range in ranges { body(UnsafeBufferPointer(rebasing: bytes[range])) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether it comes first in the order of the bytes.
    fileprivate func isBefore(_ other: UnsafeRawBufferPointer) -> Bool {
        guard let bytes = baseAddress, let otherBytes = other.baseAddress else { return count < other.count }
        let order = memcmp(bytes, otherBytes, Swift.min(count, other.count))
        return order == 0 ? count < other.count : order < 0
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes as a C string, when a NUL is behind them.
    var cString: UnsafePointer<CChar>? { baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) } }
}
