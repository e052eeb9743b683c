import Glibc

/// One mounted file system, from /proc/self/mountinfo.
struct Mount: Equatable, Sendable {
    /// "8:1": what the kernel calls the device, whatever path it was mounted by.
    let device: String
    /// Where.
    let path: String
    /// "/dev/sda1".
    let source: String
    /// True when nothing can be written there.
    let isReadOnly: Bool
    /// True when the root of the file system is mounted, not a folder in it.
    let isWhole: Bool
}

/// What is mounted now.
enum MountTable {
    /// The table of this process.
    static let path = "/proc/self/mountinfo"

    /// The table in a file; empty when that is not there.
    static func read(_ path: String = path) -> [Mount] { parse(readSmallFile(path) ?? "") }

    /// Fields as proc(5) has them: `36 35 8:1 / /media/STICK rw,nosuid shared:1 - vfat /dev/sda1 rw,errors=ro`.
    static func parse(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            let isReadOnly = [fields[5], fields[dash + 3]].contains { $0.split(separator: ",").contains("ro") }
            return Mount(
                device: String(fields[2]), path: unescape(fields[4]), source: unescape(fields[dash + 2]),
                isReadOnly: isReadOnly, isWhole: fields[3] == "/")
        }
    }

    /// The kernel writes blank, tab, newline and backslash as three octal digits.
    private static func unescape(_ field: Substring) -> String {
        let bytes = Array(field.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let digits = bytes[index...].dropFirst().prefix(3)
            if bytes[index] == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) })
            {
                result.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
