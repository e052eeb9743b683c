// What slicers tell in a file: text and binary G-code, read as SEND_FILE_INFO does.

import Glibc

/// The first byte says how large the pieces are; the rest is the file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let size = input.first else { return 0 }
    let bytes = input[1...]
    var whole = GCodeLines()
    whole.take(bytes)
    whole.end()
    var pieces = GCodeLines()
    var rest = bytes
    while !rest.isEmpty {
        pieces.take(rest.prefix(Int(size) + 1))
        rest = rest.dropFirst(Int(size) + 1)
    }
    pieces.end()
    precondition(whole.metadata == pieces.metadata && whole.preview == pieces.preview)
    check(whole.metadata, whole.preview)
    check(NameMetadata.parse(String(decoding: bytes, as: UTF8.self)), nil)
    if bytes.starts(with: "GCDE".utf8) { readBinary(Array(bytes)) }
    return 0
}

/// Whatever was found must be fit to be sent and to be stored.
private func check(_ metadata: GCodeMetadata, _ preview: Thumbnail?) {
    let sent = JSONValue.object(metadata.fields).wireBytes
    guard let back = try? JSONValue(parsing: sent) else { preconditionFailure("not JSON") }
    precondition(back == .object(metadata.fields))
    if let preview { precondition(preview.base64.utf8.count <= Thumbnail.longestBase64) }
}

private let scratch: Int32 = {
    var path = Array("/tmp/fuzz-metadata-XXXXXX".utf8CString)
    let file = mkstemp(&path)
    precondition(file >= 0)
    unlink(path)
    return file
}()

private func readBinary(_ bytes: [UInt8]) {
    ftruncate(scratch, 0)
    precondition(pwrite(scratch, bytes, bytes.count, 0) == bytes.count)
    guard let content = try? FileContent.read(descriptor: scratch, size: UInt64(bytes.count), name: "x.bgcode") else {
        preconditionFailure("no file could be read")
    }
    check(content.metadata, content.preview)
}
