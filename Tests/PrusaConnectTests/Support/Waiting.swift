import Foundation
import Testing

/// Waits until `condition` holds; fails the test after a generous deadline.
func eventually(
    _ what: String, deadline: TimeInterval = 20, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) {
    let end = Date(timeIntervalSinceNow: deadline)
    while !condition() {
        guard Date() < end else {
            Issue.record("never happened: \(what)", sourceLocation: sourceLocation)
            return
        }
        usleep(2000)
    }
}

/// A value that threads share.
final class Shared<Value>: @unchecked Sendable {
    // @unchecked: the value is only touched with the lock held.
    private var stored: Value
    private let lock = NSLock()

    init(_ value: Value) { stored = value }

    var value: Value { lock.withLock { stored } }

    func change<Result>(_ body: (inout Value) -> Result) -> Result { lock.withLock { body(&stored) } }
}

/// A new directory that is removed with the value.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "connect-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

/// Random numbers that can be had again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
