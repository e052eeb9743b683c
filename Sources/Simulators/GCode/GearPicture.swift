import Glibc

/// A small picture of the gear as a PNG, so that readers of thumbnails have something real to show.
enum GearPicture {
    /// A square greyscale PNG with `size` points on a side.
    static func png(size: Int, teeth: Int) -> [UInt8] {
        var rows: [UInt8] = []
        for y in 0..<size {
            rows.append(0)
            for x in 0..<size { rows.append(shade(x: x, y: y, size: size, teeth: teeth)) }
        }
        let side = bigEndian(UInt32(size))
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        // Eight bits, greyscale, no interlace.
        file += chunk("IHDR", side + side + [8, 0, 0, 0, 0])
        file += chunk("IDAT", zlibStored(rows))
        file += chunk("IEND", [])
        return file
    }

    private static func shade(x: Int, y: Int, size: Int, teeth: Int) -> UInt8 {
        let across = (Double(x) + 0.5) / Double(size) * 2 - 1
        let down = (Double(y) + 0.5) / Double(size) * 2 - 1
        let radius = (across * across + down * down).squareRoot()
        let edge = 0.8 + 0.08 * tanh(3 * cos(Double(teeth) * atan2(down, across)))
        if radius > edge { return 255 }
        return UInt8(90 + 120 * (1 - radius))
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    /// The data in stored (not compressed) deflate blocks.
    private static func zlibStored(_ data: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let count = min(65_535, data.count - start)
            let isLast = start + count == data.count
            let size = UInt16(count)
            result += [isLast ? 1 : 0, UInt8(size & 255), UInt8(size >> 8), UInt8(~size & 255), UInt8(~size >> 8)]
            result += data[start..<start + count]
            start += count
        } while start < data.count
        return result + bigEndian(adler32(data))
    }

    private static func adler32(_ data: [UInt8]) -> UInt32 {
        var low: UInt32 = 1
        var high: UInt32 = 0
        for byte in data {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    private static func crc32(_ data: [UInt8]) -> UInt32 {
        var crc = ~UInt32(0)
        for byte in data {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}

/// Base64 of RFC 4648.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for offset in 0..<3 {
                bits = bits << 8 | (offset < group.count ? UInt32(group[start + offset]) : 0)
            }
            for offset in 0..<4 {
                let digit = alphabet[Int(bits >> UInt32(18 - 6 * offset) & 63)]
                result.append(offset <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return result
    }
}
