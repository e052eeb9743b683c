/// Unpacks MeatPack: G-code with two characters in a byte where both are among the fifteen most frequent ones.
///
/// A packed byte has the first character in its low half. 15 there means that the character follows as a byte of its
/// own; for two of these both follow, in their order. A packed byte whose first character is a line feed ends there:
/// its other half is padding. `FF FF` and a third byte are a command: packing on and off, spaces given up in favour of
/// `E`. While packing is off, bytes stand for themselves. Source: the protocol of the MeatPack firmware patches
/// (Marlin's MEATPACK), and libbgcode for what slicers write.
///
/// Slicers take all blanks out of lines with a G command, comments and blank lines too. This puts a blank in front of
/// each parameter again: firmware whose number parser takes `10E5` or `0X5` for one number needs it, and a file reads
/// as it would have been exported in text.
struct MeatPackDecoder {
    private static let alphabet: [16 of UInt8] = [
        0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x2E, 0x20, 0x0A, 0x47, 0x58, 0,
    ]
    private static let newline = UInt8(ascii: "\n")
    private static let unpacked: UInt8 = 15

    private var isPacking = false
    private var omitsSpaces = false

    /// `FF` bytes seen in a row, 0 to 2.
    private var signals = 0
    /// Characters that follow as bytes of their own.
    private var fullCharacters = 0
    /// The second character of a pair whose first one is to follow; 0 is none.
    private var held: UInt8 = 0

    private var isLineStart = true
    private var isGLine = false
    private var previous: UInt8 = 0

    /// Unpacked characters that were not fetched. One byte of input gives up to three, and a blank before each.
    private var output = InlineArray<8, UInt8>(repeating: 0)
    private var outputStart = 0
    private var outputEnd = 0

    /// At the beginning of a block, which is the beginning of a line: encoders never split one.
    mutating func restart() { self = MeatPackDecoder() }

    /// Whether the data may end here: not in the midst of a character or command.
    var isComplete: Bool { signals == 0 && fullCharacters == 0 }

    /// The next unpacked character, if there is one.
    @inline(__always)
    mutating func next() -> UInt8? {
        guard outputStart < outputEnd else { return nil }
        defer { outputStart += 1 }
        return output[outputStart]
    }

    /// Takes a byte. Only when all characters were fetched.
    @inline(__always)
    mutating func feed(_ byte: UInt8) throws(BinaryGCodeError.Reason) {
        outputStart = 0
        outputEnd = 0
        if signals == 2 {
            signals = 0
            try obey(byte)
        } else if byte == 0xFF {
            signals += 1
        } else {
            // A lone FF was no command but a byte like any other.
            if signals == 1 {
                signals = 0
                unpack(0xFF)
            }
            unpack(byte)
        }
    }

    private mutating func obey(_ command: UInt8) throws(BinaryGCodeError.Reason) {
        switch command {
        case 251: isPacking = true
        case 250: isPacking = false
        case 249:
            isPacking = false
            omitsSpaces = false
        case 248: break  // asks firmware for its state
        case 247: omitsSpaces = true
        case 246: omitsSpaces = false
        default: throw .unknownMeatPackCommand(command)
        }
    }

    private mutating func unpack(_ byte: UInt8) {
        guard isPacking else { return put(byte) }
        if fullCharacters > 0 {
            fullCharacters -= 1
            put(byte)
            if held != 0 {
                put(held)
                held = 0
            }
            return
        }
        let (first, second) = (byte & 15, byte >> 4)
        if first == Self.unpacked {
            fullCharacters = second == Self.unpacked ? 2 : 1
            if second != Self.unpacked { held = character(second) }
            return
        }
        put(character(first))
        guard character(first) != Self.newline else { return }
        if second == Self.unpacked {
            fullCharacters = 1
        } else {
            put(character(second))
        }
    }

    private func character(_ code: UInt8) -> UInt8 {
        let character = Self.alphabet[Int(code)]
        return character == UInt8(ascii: " ") && omitsSpaces ? UInt8(ascii: "E") : character
    }

    private mutating func put(_ character: UInt8) {
        if character == Self.newline {
            isLineStart = true
            isGLine = false
        } else if isLineStart {
            isLineStart = false
            isGLine = isPacking && character == UInt8(ascii: "G")
        } else if isGLine {
            let letter = character | 0x20
            if character == UInt8(ascii: ";") {
                isGLine = false
            } else if letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z"), previous != UInt8(ascii: " ") {
                push(UInt8(ascii: " "))
            }
        }
        push(character)
        previous = character
    }

    private mutating func push(_ character: UInt8) {
        output[outputEnd] = character
        outputEnd += 1
    }
}
