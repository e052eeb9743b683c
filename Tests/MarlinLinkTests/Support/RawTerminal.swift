import CSerial
import Foundation
import Testing

/// The master side of a pseudo-terminal on which a test says what it likes.
final class RawTerminal: Sendable {
    /// Where to open the other side.
    let path: String
    private let descriptor: Int32
    private let isStopping = Shared(false)
    private let thread = Shared<Shared<Bool?>?>(nil)

    init() throws {
        var name = [CChar](repeating: 0, count: 128)
        descriptor = cserial_open_pty(&name, name.count)
        try #require(descriptor >= 0)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { close(descriptor) }

    func say(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        _ = cserial_write(descriptor, bytes, bytes.count)
    }

    /// Calls `answer` with every line that comes, on a thread of its own, and says what it returns.
    func answerLines(_ answer: @escaping @Sendable (String) -> String) {
        let running = onThread { [self] in
            var rest: [UInt8] = []
            while !isStopping.value {
                var item = cserial_pollfd(fd: descriptor, events: Int16(CSERIAL_IN), revents: 0)
                _ = cserial_poll(&item, 1, 5_000_000)
                var chunk = [UInt8](repeating: 0, count: 1024)
                let count = cserial_read(descriptor, &chunk, chunk.count)
                // A pseudo-terminal that nobody has open reports an error again and again.
                guard count > 0 else {
                    usleep(1000)
                    continue
                }
                rest += chunk[..<count]
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    say(answer(String(decoding: rest[..<end], as: UTF8.self)).utf8)
                    rest.removeSubrange(...end)
                }
            }
            return true
        }
        thread.change { $0 = running }
    }

    /// Ends the thread of `answerLines`.
    func stop() async throws {
        isStopping.change { $0 = true }
        try await eventually("the terminal's thread ends") { thread.value?.value ?? true }
    }
}
