import GCodeStream

/// What other threads want of the stream thread. Plain bytes.
enum LinkOrder: BitwiseCopyable, Sendable {
    case none
    case beginJob
    case pause
    case resume
    case cancel
    case emergencyStop
    case interruptHeating
    case reset
    case submit(CommandBuffer, tag: UInt32)
    case shutDown
}

/// What the stream thread has to tell. Plain bytes: the text of a line is cut to what fits.
enum LinkNote: BitwiseCopyable, Sendable {
    case none
    case line(LineText)
    case report(StreamReport, errorText: CommandBuffer)
    case greeted
    case greetingFailed(Greeting.Outcome)
    case fileFailed(Int32)
    case resetDone(Bool)
    case lost(errno: Int32)
}

/// Up to 247 bytes of a printer's line.
struct LineText: BitwiseCopyable, Sendable {
    private var bytes = InlineArray<247, UInt8>(repeating: 0)
    private var count: UInt8 = 0

    init(_ line: Span<UInt8>) {
        let length = min(line.count, 247)
        for index in 0..<length { bytes[index] = line[index] }
        count = UInt8(length)
    }

    var string: String {
        var copy: [UInt8] = []
        copy.reserveCapacity(Int(count))
        for index in 0..<Int(count) { copy.append(bytes[index]) }
        return String(decoding: copy, as: UTF8.self)
    }
}
