// Bits of text handling that the protocol needs in several places.

func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

/// Characters that may stand in a header value without a space: anything else could end the header line.
func isVisibleASCII(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

func lowercaseASCII(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}

extension StringProtocol {
    /// Without spaces and tabs at both ends.
    var trimmed: String {
        let bytes = Array(utf8)
        let start = bytes.firstIndex { !isSpace($0) } ?? bytes.endIndex
        let end = bytes.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? start
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    /// Compares as header names and media types are compared: letter case of ASCII does not matter.
    func equalsIgnoringCase(_ other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8) { lowercaseASCII($0) == lowercaseASCII($1) }
    }

    /// `name` or any other text as one part of a URL: everything but unreserved characters becomes `%XX` (RFC 3986).
    var percentEncoded: String {
        var bytes: [UInt8] = []
        for byte in utf8 {
            let letter = lowercaseASCII(byte) >= UInt8(ascii: "a") && lowercaseASCII(byte) <= UInt8(ascii: "z")
            if letter || isDigit(byte) || "-._~".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                bytes.append(contentsOf: "%\(digits.count == 1 ? "0" : "")\(digits)".utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
