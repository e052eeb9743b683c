// Answers of the server: JSON, command arrival with its headers, Retry-After.

/// The first line is a content type, the second a command id, the rest the body.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let parts = bytes.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
    let body = Array(parts.last ?? [])
    checkJSON(body)
    guard parts.count == 3 else { return 0 }
    let type = String(decoding: parts[0], as: UTF8.self)
    let id = String(decoding: parts[1], as: UTF8.self)
    _ = parseRetryAfter(id, now: .seconds(1_719_312_345))
    for type in [type, "application/json", "text/x.gcode"] {
        let response = HTTPResponse(
            status: 200, headers: [HTTPHeader("Content-Type", type), HTTPHeader("Command-Id", id)], body: body)
        guard case .command(let command) = CommandArrival(response) else { continue }
        _ = try? command.required("path")
        _ = try? command.number("path")
        _ = try? command.id("path")
        _ = command.gcode
    }
    return 0
}

/// What is read and written again must be the same.
private func checkJSON(_ bytes: [UInt8]) {
    guard let value = try? JSONValue(parsing: bytes) else { return }
    let written = value.wireBytes
    precondition(written.allSatisfy { $0 < 0x80 })
    guard let again = try? JSONValue(parsing: written, limits: JSONLimits(bytes: 1 << 24)) else {
        preconditionFailure("what was written is not JSON")
    }
    precondition(again.wireBytes == written)
}
