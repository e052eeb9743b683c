import Glibc

/// Gives back the memory of code that only the start needed.
public enum StartupMemory {
    /// Drops the code pages that are in memory; what is still needed comes back from the page cache with a minor fault.
    ///
    /// Reading the command line touches some 5 MB of code (argument parser, Swift runtime), loading libcurl and its 36
    /// libraries another 5 MB (OpenSSL's start above all), of which hardly anything is needed again. They are clean pages
    /// of files, so nothing is lost; on a board with 512 MB they are better used otherwise.
    public static func release() {
        guard let file = fopen("/proc/self/maps", "r") else { return }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 4608)
        while fgets(&line, Int32(line.count), file) != nil {
            let fields = text(line).split(whereSeparator: { $0 == " " || $0 == "\n" })
            // Code and constants only: what may be written to was changed by relocation and is no copy of the file.
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
            guard ends.count == 2, ends[1] > ends[0] else { continue }
            _ = madvise(UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
