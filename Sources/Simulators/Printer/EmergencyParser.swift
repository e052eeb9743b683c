/// Marlin's EMERGENCY_PARSER: looks at every byte as it arrives and acts on a few commands at their line end, however
/// full the queue is.
struct EmergencyParser: Sendable {
    enum Command: Sendable { case breakWaiting, kill, quickStop, answer }

    private var code = 0
    private var state = State.start

    private enum State { case start, number, code, done, ignore }

    mutating func see(_ byte: UInt8) -> Command? {
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
            let found = state == .code || state == .done ? code : 0
            state = .start
            code = 0
            switch found {
            case 108: return .breakWaiting
            case 112: return .kill
            case 410: return .quickStop
            case 876: return .answer
            default: return nil
            }
        }
        let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        switch state {
        case .start:
            if byte == UInt8(ascii: "N") { state = .number }
            if byte == UInt8(ascii: "M") { state = .code }
            if byte != UInt8(ascii: " "), state == .start { state = .ignore }
        case .number:
            if byte == UInt8(ascii: "M") {
                state = .code
            } else if !isDigit, byte != UInt8(ascii: " "), byte != UInt8(ascii: "-") {
                state = .ignore
            }
        case .code:
            if isDigit, code < 10_000 {
                code = code * 10 + Int(byte - UInt8(ascii: "0"))
            } else if byte == UInt8(ascii: "*") || byte == UInt8(ascii: " ") {
                // A checksum or a blank ends the code; the command still waits for the line end.
                state = .done
            } else {
                state = .ignore
            }
        case .done, .ignore: break
        }
        return nil
    }
}
