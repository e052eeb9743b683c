// Binary G-code: the decoder must end with text or an error, and pieces must give what the whole gives.

import BinaryGCode

/// Decoders are large: one for all.
private nonisolated(unsafe) let decoder = Decoder()

private final class Decoder {
    var decoder = BinaryGCodeDecoder()
    /// Compressed data can be a thousand times as long: this much of it is enough.
    static let mostOutput = 1 << 20

    func decode(_ bytes: [UInt8], input: Int, output: Int) -> (text: [UInt8], error: BinaryGCodeError?) {
        decoder.restart()
        var text: [UInt8] = []
        var room = [UInt8](repeating: 0, count: output)
        var rest = bytes[...]
        while text.count < Self.mostOutput {
            let piece = rest.prefix(input)
            var taken = 0
            var count = 0
            var failure: BinaryGCodeError?
            room.withUnsafeMutableBufferPointer { buffer in
                var span = OutputSpan(buffer: buffer, initializedCount: 0)
                do throws(BinaryGCodeError) {
                    taken = try decoder.decode(piece.span, into: &span)
                } catch {
                    failure = error
                }
                count = span.finalize(for: buffer)
            }
            text.append(contentsOf: room[..<count])
            if let failure { return (text, failure) }
            rest = rest.dropFirst(taken)
            if rest.isEmpty, count < output {
                do throws(BinaryGCodeError) {
                    try decoder.end()
                    return (text, nil)
                } catch {
                    return (text, error)
                }
            }
        }
        return (text, nil)
    }
}

/// One input: a file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = decoder.decode(bytes, input: max(1, count), output: 65536)
    let pieces = decoder.decode(bytes, input: 7, output: 61)
    precondition(whole.error == pieces.error)
    // With an error, the last output may come in part only.
    if whole.error == nil, whole.text.count < Decoder.mostOutput { precondition(whole.text == pieces.text) }
    return 0
}
