// Pictures in comments: whatever stands between the marks, and Base64.

/// One input: the lines of a picture, or a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let encoded = Base64.encode(bytes)
    precondition(Base64.isValid(encoded) == !bytes.isEmpty)

    // As the lines of a picture of the right length, and as they are.
    let data = bytes.split(separator: 0x0A)
    let length = data.reduce(0) { $0 + $1.prefix { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }.count }
    var text = Array("; thumbnail begin 16x16 \(length)\n".utf8)
    for line in data { text += Array("; ".utf8) + line + [0x0A] }
    text += Array("; thumbnail end\n".utf8)
    for file in [text, bytes] {
        var lines = GCodeLines()
        lines.take(file[...])
        lines.end()
        guard let preview = lines.preview else { continue }
        precondition(Base64.isValid(Array(preview.base64.utf8)) && preview.width > 0 && preview.height > 0)
    }
    return 0
}
