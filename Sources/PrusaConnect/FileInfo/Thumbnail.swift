import BinaryGCode

/// A picture out of a print file.
public struct Thumbnail: Sendable, Hashable {
    /// How the picture is stored.
    public enum Format: String, Sendable {
        /// Portable Network Graphics.
        case png = "PNG"
        /// JPEG.
        case jpg = "JPG"
    }

    /// How the picture is stored.
    public let format: Format
    /// Pixels.
    public let width: Int
    /// Pixels.
    public let height: Int
    /// The picture's bytes in Base64, as they travel.
    public let base64: String

    /// Base64 characters of the largest picture that is sent: 640 by 480 pixels have some 100,000. An event with more
    /// would hold up those behind it.
    static let longestBase64 = 262_144

    /// Nil when `base64` is none, or the bytes are no picture of this kind.
    init?(format: Format, width: Int, height: Int, base64: [UInt8]) {
        guard width > 0, height > 0, base64.count <= Self.longestBase64, Base64.isValid(base64) else { return nil }
        let signature: [UInt8] = format == .png ? Array("iVBORw0KGgo".utf8) : Array("/9j/".utf8)
        guard base64.starts(with: signature) else { return nil }
        self.format = format
        self.width = width
        self.height = height
        self.base64 = String(decoding: base64, as: UTF8.self)
    }

    /// The format by its name, `PNG` or `JPG`; nil for `QOI` and whatever else no browser shows.
    static func format(_ format: ImageFormat) -> Format? {
        switch format {
        case .png: .png
        case .jpg: .jpg
        case .qoi: nil
        }
    }
}

/// The picture that is to be the preview: the one with the most pixels of those that are offered, PNG before JPG where
/// these are equal, else the first. The same file always gives the same one.
struct PreviewChoice {
    private(set) var best: Thumbnail?

    /// Whether a picture like this would be taken: others need not be read.
    func wants(_ format: Thumbnail.Format, width: Int, height: Int) -> Bool {
        guard width > 0, height > 0, width <= 10_000, height <= 10_000 else { return false }
        guard let best else { return true }
        let pixels = width * height
        let bestPixels = best.width * best.height
        return pixels > bestPixels || pixels == bestPixels && format == .png && best.format == .jpg
    }

    mutating func take(_ thumbnail: Thumbnail) {
        if wants(thumbnail.format, width: thumbnail.width, height: thumbnail.height) { best = thumbnail }
    }
}

/// Collects the pictures in the comments of text G-code:
///
///     ; thumbnail begin 220x124 1234        or thumbnail_PNG, thumbnail_JPG, thumbnail_QOI
///     ; BASE64…
///     ; thumbnail end
struct ThumbnailComments {
    private(set) var choice = PreviewChoice()

    /// The picture whose lines come now; nil when there is none.
    private var current: Picture?

    private struct Picture {
        /// Nil for a picture that is not wanted.
        var format: Thumbnail.Format?
        var width = 0
        var height = 0
        /// Base64 characters that it is to have.
        var announced = 0
        var base64: [UInt8] = []
    }

    /// Takes a comment without its `;`; true when it belongs to a picture.
    mutating func take(_ comment: ArraySlice<UInt8>) -> Bool {
        let text = comment.drop { isSpace($0) }
        guard text.first == UInt8(ascii: "t"), text.starts(with: "thumbnail".utf8) else {
            guard current != nil else { return false }
            collect(text)
            return true
        }
        let words = String(decoding: text, as: UTF8.self).split(separator: " ")
        if words.count >= 2, words[1] == "end" {
            finish()
            return true
        }
        guard words.count >= 4, words[1] == "begin" else { return false }
        begin(kind: words[0], size: words[2], announced: words[3])
        return true
    }

    /// Lines were left out: a picture cannot go on.
    mutating func interrupt() { current = nil }

    private mutating func begin(kind: Substring, size: Substring, announced: Substring) {
        var picture = Picture()
        let format: Thumbnail.Format? =
            switch kind {
            case "thumbnail", "thumbnail_PNG": .png
            case "thumbnail_JPG": .jpg
            default: nil
            }
        let sides = size.split(separator: "x").compactMap { Int($0) }
        if let format, sides.count == 2, let length = Int(announced), (1...Thumbnail.longestBase64).contains(length),
            choice.wants(format, width: sides[0], height: sides[1])
        {
            picture = Picture(format: format, width: sides[0], height: sides[1], announced: length)
        }
        current = picture
    }

    private mutating func collect(_ text: ArraySlice<UInt8>) {
        guard let picture = current, picture.format != nil else { return }
        let line = text.prefix { !isSpace($0) && $0 != 0x0D }
        guard picture.base64.count + line.count <= picture.announced else {
            current?.format = nil
            return
        }
        current?.base64.append(contentsOf: line)
    }

    private mutating func finish() {
        defer { current = nil }
        guard let picture = current, let format = picture.format, picture.base64.count == picture.announced,
            let thumbnail = Thumbnail(
                format: format, width: picture.width, height: picture.height, base64: picture.base64)
        else { return }
        choice.take(thumbnail)
    }
}
