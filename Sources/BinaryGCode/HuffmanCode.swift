/// A canonical Huffman code of DEFLATE (RFC 1951, section 3.2.2): code words of 1 to 15 bits for up to 288 symbols.
///
/// Words of up to nine bits, which is nearly all that occur, are looked up in a table; longer ones are found by
/// counting through the lengths.
struct HuffmanCode: ~Copyable {
    /// What some bits turned out to be.
    enum Word {
        case symbol(Int, length: Int)
        /// More bits are needed to tell.
        case incomplete
        /// No code word begins with these bits.
        case undefined
    }

    private static let tableBits = 9
    private static let longest = 15

    /// How many words there are of each length.
    private var counts = InlineArray<16, UInt16>(repeating: 0)
    /// The symbols in the order of their code words.
    private var symbols = InlineArray<288, UInt16>(repeating: 0)
    /// By the next nine bits: the symbol times 16, plus the length of its word; 0 where it is longer or undefined.
    private var table = InlineArray<512, UInt16>(repeating: 0)

    /// Builds the code from the lengths of the words for symbols 0, 1, …, which are `lengths` in `range`. False when
    /// they make no code: too many words, or too few and not just the single word of one bit that zlib lets pass.
    mutating func build(_ lengths: borrowing InlineArray<320, UInt8>, _ range: Range<Int>) -> Bool {
        for length in counts.indices { counts[length] = 0 }
        for index in table.indices { table[index] = 0 }
        for index in range { counts[Int(lengths[index])] += 1 }
        let used = range.count - Int(counts[0])
        counts[0] = 0
        var free = 1
        for length in 1...Self.longest {
            free = free * 2 - Int(counts[length])
            if free < 0 { return false }
        }
        if free > 0 && !(used == 0 || used == 1 && counts[1] == 1) { return false }

        // The first word of each length, and where its symbol goes.
        var nextWord = InlineArray<16, Int>(repeating: 0)
        var nextIndex = InlineArray<16, Int>(repeating: 0)
        for length in 1..<Self.longest {
            nextWord[length + 1] = (nextWord[length] + Int(counts[length])) * 2
            nextIndex[length + 1] = nextIndex[length] + Int(counts[length])
        }
        for index in range where lengths[index] > 0 {
            let length = Int(lengths[index])
            let symbol = UInt16(truncatingIfNeeded: index - range.lowerBound)
            symbols[nextIndex[length]] = symbol
            nextIndex[length] += 1
            if length <= Self.tableBits { fillTable(word: nextWord[length], length: length, symbol: symbol) }
            nextWord[length] += 1
        }
        return true
    }

    private mutating func fillTable(word: Int, length: Int, symbol: UInt16) {
        // Words come from the stream with their highest bit first, everything else with its lowest.
        var reversed = 0
        for bit in 0..<length where word >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
        var index = reversed
        while index < 1 << Self.tableBits {
            table[index] = symbol << 4 | UInt16(truncatingIfNeeded: length)
            index += 1 << length
        }
    }

    /// What the lowest `count` bits of `bits` begin with.
    @inline(__always)
    mutating func word(_ bits: UInt64, _ count: Int) -> Word {
        let entry = table[Int(truncatingIfNeeded: bits & 511)]
        let length = Int(entry & 15)
        if length > 0 { return length <= count ? .symbol(Int(entry >> 4), length: length) : .incomplete }
        return longWord(bits, count)
    }

    private mutating func longWord(_ bits: UInt64, _ count: Int) -> Word {
        // `word` are the bits so far; words of this length are those from `first` on, their symbols from `index` on.
        var word = 0
        var first = 0
        var index = 0
        for length in 1...Self.longest {
            guard length <= count else { return .incomplete }
            word |= Int(truncatingIfNeeded: bits >> UInt64(length - 1) & 1)
            let words = Int(counts[length])
            if word - first < words { return .symbol(Int(symbols[index + word - first]), length: length) }
            index += words
            first = (first + words) * 2
            word *= 2
        }
        return .undefined
    }
}
