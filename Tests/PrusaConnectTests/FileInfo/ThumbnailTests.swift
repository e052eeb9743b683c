import Foundation
import Testing

@testable import PrusaConnect

@Suite struct ThumbnailTests {
    /// A picture's comments. The bytes behind the signature do not matter.
    private func comments(
        _ kind: String, _ size: String, bytes: Int = 90, signature: String? = nil, announced: Int? = nil
    ) -> (text: String, base64: String) {
        let signature = signature ?? (kind == "_JPG" ? "/9j/" : kind == "_QOI" ? "cW9pZgAA" : "iVBORw0KGgoA")
        let base64 = signature + String(repeating: "Q", count: bytes / 3 * 4)
        var lines = ["; thumbnail\(kind) begin \(size) \(announced ?? base64.count)"]
        var rest = base64[...]
        while !rest.isEmpty {
            lines.append("; \(rest.prefix(78))")
            rest = rest.dropFirst(78)
        }
        return (lines.joined(separator: "\n") + "\n; thumbnail\(kind) end\n", base64)
    }

    @Test func theLargestPNGOrJPGIsThePreview() throws {
        let small = comments("", "16x16")
        let large = comments("", "220x124", bytes: 300)
        let wide = comments("_JPG", "640x480", bytes: 60)
        let qoi = comments("_QOI", "1000x1000", bytes: 3000)
        #expect(try read(text: small.text + large.text).preview?.base64 == large.base64)
        #expect(try read(text: large.text + small.text).preview?.base64 == large.base64)
        // More pixels count, not more bytes; a QOI never does.
        let preview = try #require(try read(text: qoi.text + large.text + wide.text + small.text).preview)
        #expect(preview.base64 == wide.base64)
        #expect(preview.format == .jpg && preview.width == 640 && preview.height == 480)
        #expect(try read(text: qoi.text).preview == nil)
        // As many pixels: PNG, whichever comes first.
        let png = comments("_PNG", "480x640")
        #expect(try read(text: wide.text + png.text).preview?.base64 == png.base64)
        #expect(try read(text: png.text + wide.text).preview?.base64 == png.base64)
    }

    @Test func damagedPicturesAreNone() throws {
        let good = comments("", "16x16")
        let bad = [
            comments("", "220x124", announced: 90).text, comments("", "220x124", announced: 200).text,
            comments("", "220x124", signature: "AAAA").text,
            comments("_JPG", "220x124", signature: "iVBORw0KGgoA").text,
            comments("", "220").text, comments("", "0x124").text, comments("", "-5x124").text, comments("", "axb").text,
            comments("", "99999999999999999999x1").text, comments("_XYZ", "220x124").text,
            comments("", "220x124").text.replacing("QQ\n", with: "Q!\n"),
            comments("", "220x124").text.prefix(80) + "\n", "; thumbnail begin\n", "; thumbnail end\n",
            comments("", "4000x3000", bytes: 210_000).text,
        ]
        for text in bad {
            #expect(try read(text: text).preview == nil, "\(text.prefix(60))")
            #expect(try read(text: text + good.text).preview?.base64 == good.base64, "\(text.prefix(60))")
        }
    }

    @Test func aPictureThatIsCutByTheEndOfTheHead() throws {
        let picture = comments("", "220x124", bytes: 900)
        let filler = String(repeating: "G1 X1\n", count: 66_600)
        let text = filler + picture.text + filler + filler
        #expect(text.utf8.count > 440_000 && filler.utf8.count < 400_000)
        #expect(try read(text: text).preview == nil)
    }

    @Test(
        arguments: [
            ([], ""), ([0], "AA=="), ([0xFF, 0xFE], "//4="), ([1, 2, 3], "AQID"),
            ([0x66, 0x6F, 0x6F, 0x62], "Zm9vYg=="),
        ] as [([UInt8], String)])
    func base64(_ bytes: [UInt8], _ text: String) {
        #expect(String(decoding: Base64.encode(bytes), as: UTF8.self) == text)
        #expect(Base64.isValid(Array(text.utf8)) == !text.isEmpty)
    }

    @Test func base64AsFoundationWritesIt() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(String(decoding: Base64.encode(bytes), as: UTF8.self) == Data(bytes).base64EncodedString())
        }
        for text in ["A", "AB", "ABC", "A===", "AB=C", "ABC\n", "AB-_", "===="] {
            #expect(!Base64.isValid(Array(text.utf8)), "\(text)")
        }
    }
}
