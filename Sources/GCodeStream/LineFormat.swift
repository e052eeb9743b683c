/// The numbered form of a command, `N<number> <command>*<checksum>`, as Marlin has read it since 1.0.
///
/// Marlin takes the last `*` of what it reads for the checksum's mark. When the line break itself is damaged two lines
/// become one, whose checksum is right if everything up to the second line happens to cancel out to zero: `N106 M220*36`
/// and a line break with its lowest bit flipped do. Such a line gets a blank behind its checksum, which every firmware
/// reads over; then no single damaged bit passes, wherever it is.
public enum LineFormat {
    /// Length in bytes of the numbered line without its line break; three digits are counted for the checksum, which
    /// is room for two and a blank as well: no checksum of three digits needs one.
    public static func length(number: UInt32, commandLength: Int) -> Int {
        1 + digits(number) + 1 + commandLength + 1 + 3
    }

    /// True when the command fits the firmware's limit under that number.
    public static func fits(number: UInt32, commandLength: Int) -> Bool {
        length(number: number, commandLength: commandLength) <= Limits.lineLength
    }

    /// Writes the numbered line with its line break into `line`.
    package static func compose(number: UInt32, command: borrowing CommandBuffer, into line: inout CommandBuffer) {
        line.removeAll()
        line.append(UInt8(ascii: "N"))
        line.append(decimal: number)
        line.append(UInt8(ascii: " "))
        for index in 0..<command.count { line.append(command[index]) }
        var checksum: UInt8 = 0
        for index in 0..<line.count { checksum ^= line[index] }
        line.append(UInt8(ascii: "*"))
        let digits = line.count
        line.append(decimal: UInt32(checksum))
        var fold = checksum ^ UInt8(ascii: "*") ^ UInt8(ascii: "\n")
        for index in digits..<line.count { fold ^= line[index] }
        // What is left is one bit: a line break with that bit flipped cancels everything.
        if fold & (fold &- 1) == 0 { line.append(UInt8(ascii: " ")) }
        line.append(UInt8(ascii: "\n"))
    }

    private static func digits(_ value: UInt32) -> Int {
        var count = 1
        var rest = value / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }
}
