// Settings files: what is not changed stays as it is, and what is set can be read.

/// One input: a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    guard var file = try? INIFile(text: text, path: "fuzz.ini") else { return 0 }
    precondition(file.text == text)
    for section in file.sections {
        for key in file.keys(in: section) {
            _ = file.value(of: key, in: section)
            _ = try? file.bool(key, in: section)
            _ = try? file.integer(key, in: section, range: 1...65535)
        }
    }
    for section in file.sections.prefix(3) + ["service::connect"] {
        guard (try? file.set("token", in: section, to: "secret")) != nil else { continue }
        precondition(file.value(of: "token", in: section) == "secret")
        guard let again = try? INIFile(text: file.text, path: "fuzz.ini") else { preconditionFailure("no INI") }
        precondition(again.value(of: "token", in: section) == "secret")
    }
    return 0
}
