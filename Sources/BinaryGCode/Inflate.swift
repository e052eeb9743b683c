/// Decompresses a DEFLATE stream (RFC 1951) in its zlib wrapping (RFC 1950) a byte at a time.
///
/// Input may come in pieces of any size: each step looks at the bits that are there and takes them only when they are
/// enough for the whole step.
struct Inflate: ~Copyable {
    private typealias Problem = BinaryGCodeError.DeflateProblem

    /// What comes next in the stream.
    private enum Phase {
        case header
        case blockStart
        case storedLength
        case stored
        case codeCounts
        case codeLengthLengths
        case codeLengths
        case symbols
        case trailer
        case finished
    }

    private var phase = Phase.header
    private var isLastBlock = false

    /// Bits that were taken from the input and not used, the next one lowest.
    private var bits: UInt64 = 0
    private var bitCount = 0

    /// Bytes still to be copied: in a stored block from the input, else from `copyDistance` back.
    private var copyLength = 0
    private var copyDistance = 0
    private var produced: UInt64 = 0
    private var adler = Adler32()

    private var literals = HuffmanCode()
    /// Also the code of the code lengths, while these are read.
    private var distances = HuffmanCode()
    private var lengths = InlineArray<320, UInt8>(repeating: 0)
    private var lengthsRead = 0
    private var literalCount = 0
    private var distanceCount = 0
    private var codeLengthCount = 0

    /// At the beginning of a stream.
    mutating func restart() {
        phase = .header
        bits = 0
        bitCount = 0
        copyLength = 0
        produced = 0
        adler = Adler32()
    }

    /// Whether the stream has ended, with the right checksum.
    var isFinished: Bool { phase == .finished }

    /// Whether bytes were taken from the input that lie behind the end of the stream.
    var hasLeftover: Bool { bitCount > 0 }

    /// The next decompressed byte. Nil when the stream has ended, or when all of `input` from `position` on was taken
    /// and more is needed.
    @inline(__always)
    mutating func next(
        _ input: Span<UInt8>, _ position: inout Int, _ window: inout HistoryWindow
    ) throws(BinaryGCodeError.Reason) -> UInt8? {
        while true {
            if copyLength > 0, phase == .symbols {
                copyLength -= 1
                return put(window.byte(back: copyDistance), &window)
            }
            while bitCount <= 56, position < input.count, phase != .finished {
                bits |= UInt64(input[position]) &<< UInt64(bitCount)
                bitCount += 8
                position += 1
            }
            switch phase {
            case .symbols:
                switch try symbolStep() {
                case .literal(let byte): return put(byte, &window)
                case .incomplete: return nil
                case .done: continue
                }
            case .stored:
                guard bitCount >= 8 else { return nil }
                let byte = UInt8(truncatingIfNeeded: take(8))
                copyLength -= 1
                if copyLength == 0 { endBlock() }
                return put(byte, &window)
            case .finished:
                return nil
            default:
                guard try headerStep() else { return nil }
            }
        }
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8, _ window: inout HistoryWindow) -> UInt8 {
        window.append(byte)
        adler.add(byte)
        produced &+= 1
        return byte
    }

    private mutating func take(_ count: Int) -> Int {
        let value = Int(truncatingIfNeeded: bits & (1 &<< UInt64(count) - 1))
        drop(count)
        return value
    }

    @inline(__always)
    private mutating func drop(_ count: Int) {
        bits = bits &>> UInt64(count)
        bitCount -= count
    }

    private mutating func endBlock() {
        if isLastBlock { drop(bitCount % 8) }
        phase = isLastBlock ? .trailer : .blockStart
    }
}

// Blocks.
extension Inflate {
    private enum SymbolStep {
        case literal(UInt8)
        case incomplete
        case done
    }

    /// Decodes a literal, the end of the block, or a length with its distance: 48 bits at most.
    private mutating func symbolStep() throws(BinaryGCodeError.Reason) -> SymbolStep {
        let symbol: Int
        var used: Int
        switch literals.word(bits, bitCount) {
        case .incomplete: return .incomplete
        case .undefined: throw .deflate(.symbol)
        case .symbol(let found, let length): (symbol, used) = (found, length)
        }
        if symbol < 256 {
            drop(used)
            return .literal(UInt8(truncatingIfNeeded: symbol))
        }
        if symbol == 256 {
            drop(used)
            endBlock()
            return .done
        }
        guard symbol <= 285 else { throw .deflate(.symbol) }
        // 257 is length 3; from 265 on, each four symbols have one more extra bit; 285 is 258 without any.
        let lengthExtra = symbol < 265 || symbol == 285 ? 0 : (symbol - 261) / 4
        let lengthBase =
            symbol < 265 ? symbol - 254 : symbol == 285 ? 258 : (4 + (symbol - 265) % 4) << lengthExtra + 3
        let length = lengthBase + peek(lengthExtra, after: used)
        used += lengthExtra
        guard used <= bitCount else { return .incomplete }
        let code: Int
        switch distances.word(bits &>> UInt64(used), bitCount - used) {
        case .incomplete: return .incomplete
        case .undefined: throw .deflate(.symbol)
        case .symbol(let found, let wordLength):
            code = found
            used += wordLength
        }
        guard code < 30 else { throw .deflate(.symbol) }
        // From 4 on, each two symbols have one more extra bit.
        let distanceExtra = code < 4 ? 0 : code / 2 - 1
        let distance = (code < 4 ? code : (2 + code % 2) << distanceExtra) + 1 + peek(distanceExtra, after: used)
        used += distanceExtra
        guard used <= bitCount else { return .incomplete }
        guard UInt64(distance) <= produced else { throw .deflate(.distance) }
        drop(used)
        copyLength = length
        copyDistance = distance
        return .done
    }

    private func peek(_ count: Int, after used: Int) -> Int {
        Int(truncatingIfNeeded: bits &>> UInt64(used) & (1 &<< UInt64(count) - 1))
    }

    /// Takes one part of what stands around and before the data of blocks; false when there are too few bits.
    private mutating func headerStep() throws(BinaryGCodeError.Reason) -> Bool {
        switch phase {
        case .header:
            guard bitCount >= 16 else { return false }
            let method = take(8)
            let flags = take(8)
            guard method & 15 == 8, method >> 4 <= 7, (method << 8 | flags) % 31 == 0, flags & 0x20 == 0 else {
                throw .deflate(.header)
            }
            phase = .blockStart
        case .blockStart:
            guard bitCount >= 3 else { return false }
            isLastBlock = take(1) == 1
            try startBlock(type: take(2))
        case .storedLength:
            guard bitCount >= 32 else { return false }
            let length = take(16)
            guard take(16) == ~length & 0xFFFF else { throw .deflate(.storedLength) }
            copyLength = length
            phase = .stored
            if length == 0 { endBlock() }
        case .trailer:
            guard bitCount >= 32 else { return false }
            guard UInt32(truncatingIfNeeded: take(32)).byteSwapped == adler.value else { throw .deflate(.checksum) }
            phase = .finished
        default:
            return try codeStep()
        }
        return true
    }

    private mutating func startBlock(type: Int) throws(BinaryGCodeError.Reason) {
        switch type {
        case 0:
            drop(bitCount % 8)
            phase = .storedLength
        case 1:
            for index in 0..<320 {
                lengths[index] = index < 144 ? 8 : index < 256 ? 9 : index < 280 ? 7 : index < 288 ? 8 : 5
            }
            guard literals.build(lengths, 0..<288), distances.build(lengths, 288..<320) else {
                throw .deflate(.codeLengths)
            }
            phase = .symbols
        case 2: phase = .codeCounts
        default: throw .deflate(.blockType)
        }
    }

    /// Takes one part of the description of a block's own codes; false when there are too few bits.
    private mutating func codeStep() throws(BinaryGCodeError.Reason) -> Bool {
        switch phase {
        case .codeCounts:
            guard bitCount >= 14 else { return false }
            literalCount = take(5) + 257
            distanceCount = take(5) + 1
            codeLengthCount = take(4) + 4
            guard literalCount <= 286, distanceCount <= 30 else { throw .deflate(.codeLengths) }
            for index in 0..<19 { lengths[index] = 0 }
            lengthsRead = 0
            phase = .codeLengthLengths
        case .codeLengthLengths:
            guard bitCount >= 3 else { return false }
            let order: [19 of Int] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
            lengths[order[lengthsRead]] = UInt8(truncatingIfNeeded: take(3))
            lengthsRead += 1
            if lengthsRead == codeLengthCount {
                guard distances.build(lengths, 0..<19) else { throw .deflate(.codeLengths) }
                lengthsRead = 0
                phase = .codeLengths
            }
        default:
            guard try codeLengthStep() else { return false }
            if lengthsRead == literalCount + distanceCount { try buildCodes() }
        }
        return true
    }

    /// Takes one code length or one repetition.
    private mutating func codeLengthStep() throws(BinaryGCodeError.Reason) -> Bool {
        switch distances.word(bits, bitCount) {
        case .incomplete: return false
        case .undefined: throw .deflate(.symbol)
        case .symbol(let symbol, let length):
            // 0 to 15 are lengths; 16 repeats the last one, 17 and 18 repeat 0.
            let extra = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7
            guard bitCount >= length + extra else { return false }
            drop(length)
            let count = symbol < 16 ? 1 : take(extra) + (symbol == 18 ? 11 : 3)
            guard lengthsRead + count <= literalCount + distanceCount, symbol != 16 || lengthsRead > 0 else {
                throw .deflate(.codeLengths)
            }
            let value = symbol < 16 ? UInt8(truncatingIfNeeded: symbol) : symbol == 16 ? lengths[lengthsRead - 1] : 0
            for _ in 0..<count {
                lengths[lengthsRead] = value
                lengthsRead += 1
            }
            return true
        }
    }

    private mutating func buildCodes() throws(BinaryGCodeError.Reason) {
        // Without a word for the end of the block it could never end.
        guard lengths[256] > 0, literals.build(lengths, 0..<literalCount),
            distances.build(lengths, literalCount..<literalCount + distanceCount)
        else { throw .deflate(.codeLengths) }
        phase = .symbols
    }
}

/// The checksum of zlib's wrapping (RFC 1950, section 8.2).
private struct Adler32 {
    private static let modulus: UInt32 = 65521

    private var low: UInt32 = 1
    private var high: UInt32 = 0

    var value: UInt32 { high << 16 | low }

    @inline(__always)
    mutating func add(_ byte: UInt8) {
        low += UInt32(byte)
        if low >= Self.modulus { low -= Self.modulus }
        high += low
        if high >= Self.modulus { high -= Self.modulus }
    }
}
