/// BLAKE2b without key (RFC 7693), which swift-crypto does not have: ids of cameras are made with it.
enum BLAKE2b {
    /// The hash of `message` in `length` bytes, 1 to 64.
    static func hash(_ message: [UInt8], length: Int) -> [UInt8] {
        var state = initial
        // Parameter block: length of the hash, no key, one tree level.
        state[0] ^= 0x0101_0000 ^ UInt64(length)
        // The last block is compressed as such, also when it is full; an empty message is one block of zeros.
        let full = message.isEmpty ? 0 : (message.count - 1) / blockSize
        for number in 0..<full {
            let start = number * blockSize
            let words = words(message[start..<start + blockSize])
            compress(&state, words, counter: UInt64(start + blockSize), isLast: false)
        }
        compress(&state, words(message[(full * blockSize)...]), counter: UInt64(message.count), isLast: true)
        return (0..<length).map { UInt8(truncatingIfNeeded: state[$0 / 8] >> (8 * UInt64($0 % 8))) }
    }

    private static let blockSize = 128

    /// The fractional parts of the square roots of the first eight primes.
    private static let initial: [UInt64] = [
        0x6A09_E667_F3BC_C908, 0xBB67_AE85_84CA_A73B, 0x3C6E_F372_FE94_F82B, 0xA54F_F53A_5F1D_36F1,
        0x510E_527F_ADE6_82D1, 0x9B05_688C_2B3E_6C1F, 0x1F83_D9AB_FB41_BD6B, 0x5BE0_CD19_137E_2179,
    ]

    /// Which words of the block each round mixes in.
    private static let schedule: [[Int]] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ]

    /// The columns and diagonals of the state that one round mixes.
    private static let quarters: [(Int, Int, Int, Int)] = [
        (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
        (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
    ]

    private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: 16)
        for (index, byte) in bytes.enumerated() { words[index / 8] |= UInt64(byte) << (8 * UInt64(index % 8)) }
        return words
    }

    private static func compress(_ state: inout [UInt64], _ words: [UInt64], counter: UInt64, isLast: Bool) {
        var work = state + initial
        work[12] ^= counter
        if isLast { work[14] = ~work[14] }
        for round in 0..<12 {
            let order = schedule[round % 10]
            for (number, quarter) in quarters.enumerated() {
                mix(&work, quarter, words[order[2 * number]], words[order[2 * number + 1]])
            }
        }
        for index in 0..<8 { state[index] ^= work[index] ^ work[index + 8] }
    }

    private static func mix(_ work: inout [UInt64], _ quarter: (Int, Int, Int, Int), _ x: UInt64, _ y: UInt64) {
        let (a, b, c, d) = quarter
        work[a] = work[a] &+ work[b] &+ x
        work[d] = rotated(work[d] ^ work[a], by: 32)
        work[c] = work[c] &+ work[d]
        work[b] = rotated(work[b] ^ work[c], by: 24)
        work[a] = work[a] &+ work[b] &+ y
        work[d] = rotated(work[d] ^ work[a], by: 16)
        work[c] = work[c] &+ work[d]
        work[b] = rotated(work[b] ^ work[c], by: 63)
    }

    private static func rotated(_ word: UInt64, by count: UInt64) -> UInt64 {
        word >> count | word << (64 - count)
    }
}
