/// How lines are written on the wire.
///
/// MeatPack is a code of half bytes that Marlin (2.0.8 and newer, option `MEATPACK`) and Prusa's firmware for the MK3
/// (3.13 and newer) read beside plain text: the fifteen characters that make up most of G-code take four bits, every other one
/// twelve. It is switched by three bytes, `FF FF` and an order, which the firmware obeys where they stand among the others.
///
/// Packed lines are weaker against a disturbed wire: one flipped bit can become a line break (a `4` or `8` does) or move
/// all that follows in its byte, which a checksum of eight bits sees in 255 cases of 256 only. A plain line has no single damaged
/// bit that passes (``LineFormat``).
public enum Packing: UInt8, Sendable, BitwiseCopyable {
    /// Plain text.
    case none
    /// Packed, with the text as it is.
    case packed
    /// Packed, and moves (G0 to G3) without blanks, but for the one in front of an `E`: firmware that reads numbers with
    /// `strtod` takes `Y20E5` for two million (Prusa's for the MK3).
    case withoutBlanks
    /// MeatPack's mode without blanks: `E` has the blank's code, and moves have no blanks at all. For firmware that ends a
    /// number in front of an `E` (Marlin).
    case noSpaces
}

/// The code of half bytes. Facts: Marlin's `feature/meatpack.cpp` and `meatpack.h`, protocol version PV01.
enum MeatPack {
    /// Orders behind `FF FF`.
    static let enable: UInt8 = 0xFB
    static let disable: UInt8 = 0xFA
    static let reset: UInt8 = 0xF9
    static let noSpaces: UInt8 = 0xF7
    static let spaces: UInt8 = 0xF6

    /// Bytes that `OutputBuffer.beginPacking` writes.
    static let beginning = 10

    /// Bytes around a line that goes out as plain text.
    private static let exception = 6

    /// Stands for a character that follows whole.
    static let literal: UInt8 = 0xF
    private static let lineBreak: UInt8 = 0xC

    static func code(of byte: UInt8, _ packing: Packing) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "."): 0xA
        case UInt8(ascii: " "): packing == .noSpaces ? literal : 0xB
        case UInt8(ascii: "E"): packing == .noSpaces ? 0xB : literal
        case UInt8(ascii: "\n"): lineBreak
        case UInt8(ascii: "G"): 0xD
        case UInt8(ascii: "X"): 0xE
        default: literal
        }
    }

    /// Bytes of a line of `characters`, of which so many have no code. A line that would grow (names, messages) is left
    /// plain: packed it may not fit into the receive buffer.
    static func length(characters: Int, literals: Int) -> Int {
        Swift.min(packedLength(characters, literals), characters + exception)
    }

    private static func packedLength(_ characters: Int, _ literals: Int) -> Int { (characters + 1) / 2 + literals }

    private static func literals(of line: borrowing CommandBuffer, _ packing: Packing) -> Int {
        var literals = 0
        for index in 0..<line.count where code(of: line[index], packing) == literal { literals += 1 }
        return literals
    }

    static func length(of line: borrowing CommandBuffer, _ packing: Packing) -> Int {
        length(characters: line.count, literals: literals(of: line, packing))
    }

    /// Writes a line, whose last character is its line break. A line begins with a byte of its own: what is left of the
    /// last one is filled with a second line break, which the firmware does not even look at.
    static func write(_ line: borrowing CommandBuffer, _ packing: Packing, to output: inout OutputBuffer) {
        if packedLength(line.count, literals(of: line, packing)) > line.count + exception {
            output.append(order: disable)
            for index in 0..<line.count { output.append(line[index]) }
            output.append(order: enable)
            return
        }
        var index = 0
        while index < line.count {
            let first = line[index]
            let second = index + 1 < line.count ? line[index + 1] : UInt8(ascii: "\n")
            let low = code(of: first, packing)
            let high = code(of: second, packing)
            output.append(high << 4 | low)
            if low == literal { output.append(first) }
            if high == literal { output.append(second) }
            index += 2
        }
    }
}

extension Packing {
    /// True where `command[index]` is a blank that need not be sent.
    @inline(__always)
    func leavesOut(_ index: Int, of command: borrowing CommandBuffer) -> Bool {
        guard command[index] == UInt8(ascii: " ") else { return false }
        if self == .noSpaces { return true }
        let next = index + 1 < command.count ? command[index + 1] : 0
        return next != UInt8(ascii: "E")
    }

    /// True for commands whose blanks may be left out: no text, no names, numbers behind single letters only.
    @inline(__always)
    func shortens(_ command: borrowing CommandBuffer) -> Bool {
        guard self == .withoutBlanks || self == .noSpaces, command.count > 2 else { return false }
        let letter = command[0]
        let digit = command[1]
        let next = command[2]
        return letter == UInt8(ascii: "G") && digit >= UInt8(ascii: "0") && digit <= UInt8(ascii: "3") && !next.isDigit
            && next != UInt8(ascii: ".")
    }
}

extension OutputBuffer {
    /// Switches packing off, so that plain text is read, and ends whatever line was on its way.
    mutating func endPacking() {
        append(order: MeatPack.reset)
        append(UInt8(ascii: "\n"))
    }

    /// Makes the printer read packed lines from here on, whatever it read before and whatever was damaged: the decoder's
    /// state is reset, a broken line ended. Marlin keeps the code of the blank over a reset, so that is said too.
    mutating func beginPacking(_ packing: Packing) {
        endPacking()
        append(order: packing == .noSpaces ? MeatPack.noSpaces : MeatPack.spaces)
        append(order: MeatPack.enable)
    }

    fileprivate mutating func append(order: UInt8) {
        append(0xFF)
        append(0xFF)
        append(order)
    }
}
