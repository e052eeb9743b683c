/// Decodes the data of one block after the other: uncompresses it, unpacks G-code, compares the checksum.
///
/// A value of some 40 KiB in place: no heap. Keep it in a class or a long-lived variable, and use it again for the
/// next block.
public struct BlockDecoder: ~Copyable {
    private enum Phase {
        case data
        case checksum
        case finished
    }

    private var header: BlockHeader?
    private var compression = Compression.none
    private var phase = Phase.finished
    private var isMeatPacked = false

    /// Bytes of the block's data that were not taken from the input.
    private var inputLeft: UInt32 = 0
    /// Uncompressed bytes that are still to come.
    private var uncompressedLeft: UInt32 = 0
    private var checksumLeft = 0
    private var checksumInFile: UInt32 = 0
    private var checksum = CRC32()

    private var window = HistoryWindow()
    private var inflate = Inflate()
    private var heatshrink = Heatshrink()
    private var meatPack = MeatPackDecoder()

    /// A decoder without a block.
    public init() {}

    /// Whether the block was decoded to its end and its checksum was right.
    public var isFinished: Bool { phase == .finished }

    /// Starts with a block's data. Whatever was left of another block is forgotten.
    public mutating func begin(_ header: BlockHeader, checksum type: ChecksumType) {
        self.header = header
        compression = header.compression
        phase = .data
        inputLeft = header.dataSize
        uncompressedLeft = header.compression == .none ? header.dataSize : header.uncompressedSize
        checksum = header.headerChecksum
        checksumLeft = type.size
        checksumInFile = 0
        switch header.compression {
        case .none: break
        case .deflate: inflate.restart()
        case .heatshrink11:
            window.restart(reach: 1 << 11)
            heatshrink.restart(windowBits: 11)
        case .heatshrink12:
            window.restart(reach: 1 << 12)
            heatshrink.restart(windowBits: 12)
        }
        isMeatPacked = header.parameters == .gcode(.meatPack) || header.parameters == .gcode(.meatPackWithComments)
        if isMeatPacked { meatPack.restart() }
    }

    /// Decodes the next bytes of the block: its data, and the checksum behind that.
    ///
    /// Goes on until ``isFinished``, until `output` is full, or until all of `input` was taken; of what lies behind the
    /// block nothing is. Output before the end is not yet known to be undamaged.
    ///
    /// - Returns: how many bytes of `input` were taken. When `output` is full, more may come without any input.
    public mutating func decode(
        _ input: Span<UInt8>, into output: inout OutputSpan<UInt8>
    ) throws(BinaryGCodeError) -> Int {
        guard let header else { return 0 }
        do throws(BinaryGCodeError.Reason) {
            var taken = 0
            if phase == .data {
                let available = Int(min(UInt64(inputLeft), UInt64(input.count)))
                taken = try decodeData(input.extracting(0..<available), into: &output)
            }
            if phase == .checksum { taken += try compareChecksum(input.extracting(taken..<input.count)) }
            return taken
        } catch {
            phase = .finished
            self.header = nil
            throw header.error(error)
        }
    }

    /// Takes the next bytes of a block that nobody wants decoded: only its checksum is compared.
    ///
    /// Goes on until ``isFinished`` or until all of `input` was taken.
    ///
    /// - Returns: how many bytes of `input` were taken.
    public mutating func pass(_ input: Span<UInt8>) throws(BinaryGCodeError) -> Int {
        guard let header else { return 0 }
        var taken = 0
        if phase == .data {
            taken = Int(min(UInt64(inputLeft), UInt64(input.count)))
            checksum.add(input, 0..<taken)
            inputLeft -= UInt32(truncatingIfNeeded: taken)
            if inputLeft == 0 { phase = .checksum }
        }
        guard phase == .checksum else { return taken }
        do throws(BinaryGCodeError.Reason) {
            return taken + (try compareChecksum(input.extracting(taken..<input.count)))
        } catch {
            phase = .finished
            self.header = nil
            throw header.error(error)
        }
    }

    /// The file ends here: throws when the block is not finished.
    public func end() throws(BinaryGCodeError) {
        if let header, phase != .finished { throw header.error(.cut) }
    }

    private mutating func decodeData(
        _ input: Span<UInt8>, into output: inout OutputSpan<UInt8>
    ) throws(BinaryGCodeError.Reason) -> Int {
        var position = 0
        var isStarved = false
        while !output.isFull {
            if isMeatPacked, let character = meatPack.next() {
                output.append(character)
                continue
            }
            guard let byte = try nextByte(input, &position) else {
                isStarved = true
                break
            }
            if isMeatPacked {
                try meatPack.feed(byte)
            } else {
                output.append(byte)
            }
        }
        checksum.add(input, 0..<position)
        inputLeft -= UInt32(truncatingIfNeeded: position)
        // With the output full, characters may wait, or a DEFLATE stream's end may not have been read.
        if isStarved {
            if try hasDataEnded() {
                phase = .checksum
            } else if inputLeft == 0 {
                throw .tooShort
            }
        }
        return position
    }

    /// The next uncompressed byte; nil when more input is needed or there are no more.
    @inline(__always)
    private mutating func nextByte(
        _ input: Span<UInt8>, _ position: inout Int
    ) throws(BinaryGCodeError.Reason) -> UInt8? {
        let byte: UInt8?
        switch compression {
        case .deflate:
            // Also behind the last byte: the end of the stream is to be read.
            byte = try inflate.next(input, &position, &window)
            if byte != nil, uncompressedLeft == 0 { throw .tooLong }
        case .heatshrink11, .heatshrink12:
            byte = uncompressedLeft == 0 ? nil : heatshrink.next(input, &position, &window)
        case .none:
            byte = position < input.count ? input[position] : nil
            if byte != nil { position += 1 }
        }
        if byte != nil { uncompressedLeft -= 1 }
        return byte
    }

    /// Whether all uncompressed bytes came, and nothing more is there.
    private mutating func hasDataEnded() throws(BinaryGCodeError.Reason) -> Bool {
        switch compression {
        case .deflate:
            guard inflate.isFinished else { return false }
            if uncompressedLeft > 0 { throw .tooShort }
            if inputLeft > 0 || inflate.hasLeftover { throw .tooLong }
        case .heatshrink11, .heatshrink12:
            guard uncompressedLeft == 0 else { return false }
            if inputLeft > 0 || heatshrink.hasLeftover { throw .tooLong }
        case .none:
            guard uncompressedLeft == 0 else { return false }
        }
        if isMeatPacked, !meatPack.isComplete { throw .meatPackCut }
        return true
    }

    private mutating func compareChecksum(_ input: Span<UInt8>) throws(BinaryGCodeError.Reason) -> Int {
        var taken = 0
        while checksumLeft > 0, taken < input.count {
            checksumInFile = checksumInFile >> 8 | UInt32(input[taken]) << 24
            checksumLeft -= 1
            taken += 1
            if checksumLeft == 0, checksumInFile != checksum.value {
                throw .checksum(inFile: checksumInFile, computed: checksum.value)
            }
        }
        if checksumLeft == 0 { phase = .finished }
        return taken
    }
}
