/// A copy of a C string, "" for NULL. Bytes that are no UTF-8 become U+FFFD: names come from hardware.
func text(_ pointer: UnsafePointer<CChar>?) -> String {
    guard let pointer else { return "" }
    return String(cString: pointer)
}

/// The text of a C string in a buffer, up to its zero byte or the buffer's end.
func text(_ buffer: [CChar]) -> String {
    buffer.withUnsafeBytes { nonEmptyText($0) ?? "" }
}

/// The text in a fixed C array, nil when it is empty.
func nonEmptyText(_ bytes: UnsafeRawBufferPointer) -> String? {
    let used = bytes.prefix { $0 != 0 }
    return used.isEmpty ? nil : String(decoding: used, as: UTF8.self)
}
