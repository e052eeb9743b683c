import Foundation

/// A file of the repository.
func sourceText(_ path: String, file: String = #filePath) throws -> String {
    var root = URL(fileURLWithPath: file)
    while root.lastPathComponent != "Tests" { root.deleteLastPathComponent() }
    return try String(contentsOf: root.deletingLastPathComponent().appendingPathComponent(path), encoding: .utf8)
}
