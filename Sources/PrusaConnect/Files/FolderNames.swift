import Glibc

/// The names of what is in a folder, sorted by their bytes.
struct FolderNames {
    /// Which entries are wanted. `.` and `..` never are.
    enum Choice: Sendable, Hashable {
        /// What Connect may see by its name and is no symbolic link.
        case visible
        case all
    }

    /// The names one after another, each with a NUL behind it.
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>] = []
    /// Whether the folder was read to its end.
    private(set) var isComplete = true

    /// Reads an open folder; `nil` with `errno` set when that may not be.
    init?(_ folder: Descriptor, _ choice: Choice) {
        let number = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        guard let directory = fdopendir(number) else {
            close(number)
            return nil
        }
        defer { closedir(directory) }
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                isComplete = errno == 0
                break
            }
            // What it is can spare the look at it.
            if choice == .visible, entry.pointee.d_type == UInt8(DT_LNK) { continue }
            add(entry, choice)
        }
        ranges.sort { bytes[$0].lexicographicallyPrecedes(bytes[$1]) }
    }

    private mutating func add(_ entry: UnsafeMutablePointer<dirent>, _ choice: Choice) {
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return }
        let start = UnsafeRawPointer(entry) + offset
        let name = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
        guard choice == .all || FileProbe.isVisible(name) else { return }
        guard !name.elementsEqual(".".utf8), !name.elementsEqual("..".utf8) else { return }
        ranges.append(bytes.count..<bytes.count + name.count)
        bytes.append(contentsOf: name)
        bytes.append(0)
    }

    /// Calls `body` with each name, as bytes and as the same bytes with a NUL behind them.
    func forEach(_ body: (ArraySlice<UInt8>, UnsafePointer<CChar>) -> Void) {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for range in ranges {
                (base + range.lowerBound).withMemoryRebound(to: CChar.self, capacity: range.count + 1) {
                    body(bytes[range], $0)
                }
            }
        }
    }
}
