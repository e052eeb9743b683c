import Foundation
import Testing

/// Waits until `condition` holds; fails the test after a generous deadline. `what` is asked for then.
func eventually(
    _ what: @autoclosure () -> String, deadline: TimeInterval = 60, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) async throws {
    let end = Date(timeIntervalSinceNow: deadline)
    while try !condition() {
        guard Date() < end else {
            let missed = what()
            Issue.record("never happened: \(missed)", sourceLocation: sourceLocation)
            throw NeverHappened(what: missed)
        }
        try await Task.sleep(for: .milliseconds(25))
    }
}

/// Ends a test that waited in vain: what follows would only repeat the complaint.
struct NeverHappened: Error {
    let what: String
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
        path = NSTemporaryDirectory() + "gantry-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String { try write(Array(text.utf8), to: name) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
    }
}
