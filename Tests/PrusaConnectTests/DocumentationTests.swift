import Foundation
import Testing

/// The tables of the documentation name tests: each of them must be there.
@Suite struct DocumentationTests {
    private let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private func article(_ name: String) throws -> String {
        let path = "../../Sources/PrusaConnect/PrusaConnect.docc/\(name).md"
        return try String(contentsOf: tests.appendingPathComponent(path), encoding: .utf8)
    }

    /// The source of each suite by its name: this library's, and the daemon's, which shows it at work.
    private func suites() throws -> [String: Substring] {
        var suites: [String: Substring] = [:]
        for folder in [tests, tests.appendingPathComponent("../GantryTests")] {
            let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            for file in files where file.hasSuffix(".swift") {
                let source = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
                suites.merge(self.suites(in: source)) { first, _ in first }
            }
        }
        return suites
    }

    private func suites(in source: String) -> [String: Substring] {
        var suites: [String: Substring] = [:]
        for part in source.split(separator: "@Suite").dropFirst() {
            if let name = part.firstMatch(of: /(?:struct|class) (\w+)/)?.1 { suites[String(name)] = part }
        }
        return suites
    }

    @Test("Every test that a table names exists", arguments: [("Weaknesses", 113), ("PythonTests", 158)])
    func tables(_ name: String, _ rows: Int) throws {
        let text = try article(name)
        let suites = try suites()
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| ---") }
        #expect(lines.count { !$0.hasPrefix("| # ") && !$0.hasPrefix("| case ") } == rows)
        var count = 0
        for line in lines {
            var suite: Substring?
            for match in line.matches(of: /`(?:(\w+Tests)\/)?(\w+)\([\w:]*\)`/) {
                if let name = match.1 { suite = name }
                guard let suite else { continue }
                count += 1
                #expect(suites[String(suite)]?.contains("func \(match.2)(") == true, "\(suite)/\(match.2)")
            }
            for match in line.matches(of: /`(\w+Tests)`/) { #expect(suites[String(match.1)] != nil, "\(match.1)") }
        }
        #expect(count > 100)
    }
}
