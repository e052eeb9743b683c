/// What a file is by its name.
enum PrintFile {
    private static let textExtensions: Set<String> = ["gcode", "gc", "g", "gco"]

    /// Whether it holds G-code, as text or binary.
    static func isGCode(_ name: String) -> Bool {
        guard let kind = pathExtension(name) else { return false }
        return textExtensions.contains(kind) || kind == "bgcode"
    }

    static func withoutExtension(_ name: String) -> Substring {
        guard isGCode(name), let dot = name.lastIndex(of: ".") else { return name[...] }
        return name[..<dot]
    }

    /// In lower case; nil without one.
    private static func pathExtension(_ name: String) -> String? {
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return nil }
        return String(decoding: name[name.index(after: dot)...].utf8.map(lowercaseASCII), as: UTF8.self)
    }
}
