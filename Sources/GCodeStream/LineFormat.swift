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

    /// Bytes that the numbered line with its line break takes on the wire; or a few more.
    static func wireLength(number: UInt32, command: borrowing CommandBuffer, packing: Packing) -> Int {
        if packing == .none { return length(number: number, commandLength: command.count) + 1 }
        let shortens = packing.shortens(command)
        // The N, the star; where a blank has no code, the one behind the checksum, and behind the number if it stands there.
        var literals = packing != .noSpaces ? 2 : shortens ? 3 : 4
        var characters = length(number: number, commandLength: 0) + 1
        for index in 0..<command.count {
            if shortens, packing.leavesOut(index, of: command) { continue }
            characters += 1
            if MeatPack.code(of: command[index], packing) == MeatPack.literal { literals += 1 }
        }
        return MeatPack.length(characters: characters, literals: literals)
    }

    /// Writes the numbered line with its line break into `line`, as text; `packing` tells which blanks it may do without.
    package static func compose(
        number: UInt32, command: borrowing CommandBuffer, packing: Packing = .none, into line: inout CommandBuffer
    ) {
        line.removeAll()
        line.append(UInt8(ascii: "N"))
        line.append(decimal: number)
        if packing.shortens(command) {
            for index in 0..<command.count where !packing.leavesOut(index, of: command) { line.append(command[index]) }
        } else {
            line.append(UInt8(ascii: " "))
            command.withBytes { line.append(contentsOf: $0) }
        }
        let checksum = line.withBytes { bytes in
            var checksum: UInt8 = 0
            for index in bytes.indices { checksum ^= bytes[index] }
            return checksum
        }
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
