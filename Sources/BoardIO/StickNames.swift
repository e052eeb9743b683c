/// Gives sticks their names: the label where it can be a folder's name, made unique. Pure.
///
/// A stick that comes back gets the name it had, as long as nobody else has it: a print from it goes on by its path.
public struct StickNames: Equatable, Sendable {
    /// The name of a stick without a usable label.
    public static let fallback = "usb"
    /// Longest name in bytes, a number at its end included.
    public static let longest = 48

    private let reserved: Set<String>
    /// Name of each stick that is there, by its node.
    private var taken: [String: String] = [:]
    /// Names by volume id, those of sticks that are gone included.
    private var remembered: [String: String] = [:]
    private static let memory = 64

    /// - Parameter reserved: names that no stick may have, such as Connect's "local".
    public init(reserved: Set<String> = []) {
        self.reserved = reserved
    }

    /// Names of the sticks that are there, sorted.
    public var names: [String] { taken.values.sorted() }

    /// Names a stick until `release`; the same name again for a node that has one.
    ///
    /// - Parameters:
    ///   - node: its device, "/dev/sda1".
    ///   - label: its label, whatever is written there.
    ///   - uuid: its volume id, nil or "" when it has none.
    public mutating func name(node: String, label: String?, uuid: String?) -> String {
        if let name = taken[node] { return name }
        // FAT's volume id is a time stamp, and images written to many sticks share theirs: the label belongs to it.
        let base = Self.clean(label ?? "")
        let key = uuid.flatMap { $0.isEmpty ? nil : "\($0) \(base)" }
        let name = key.flatMap { remembered[$0] }.flatMap { isFree($0) ? $0 : nil } ?? unique(base)
        taken[node] = name
        if let key {
            if remembered.count >= Self.memory { remembered.removeAll() }
            remembered[key] = name
        }
        return name
    }

    /// The stick is gone. Its name, nil when it had none.
    @discardableResult
    public mutating func release(node: String) -> String? { taken.removeValue(forKey: node) }

    /// A label as a folder's name: no slashes, control characters, quotes or wildcards, no dots or spaces at the ends,
    /// at most `longest` bytes; `fallback` when nothing is left.
    public static func clean(_ label: String) -> String {
        var name = ""
        for scalar in label.unicodeScalars {
            let isOdd =
                scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                || "/\\:*?\"<>|".unicodeScalars.contains(scalar)
                || scalar.properties.generalCategory == .format || scalar == "\u{FFFD}"
            name.unicodeScalars.append(isOdd ? "_" : scalar)
        }
        name = trim(name[...])
        while name.utf8.count > longest { name.removeLast() }
        name = trim(name[...])
        return name.allSatisfy { $0 == "_" } ? fallback : name
    }

    private static func trim(_ name: Substring) -> String {
        let isEnd = { (character: Character) in character.isWhitespace || character == "." }
        guard let first = name.firstIndex(where: { !isEnd($0) }), let last = name.lastIndex(where: { !isEnd($0) })
        else { return "" }
        return String(name[first...last])
    }

    private func isFree(_ name: String) -> Bool {
        // Connect's users see paths, and FAT knows no case: two names that differ by it only are one to them.
        let folded = name.lowercased()
        return !reserved.contains { $0.lowercased() == folded } && !taken.values.contains { $0.lowercased() == folded }
    }

    private func unique(_ base: String) -> String {
        if isFree(base) { return base }
        var number = 2
        while true {
            let suffix = "-\(number)"
            var stem = base
            while stem.utf8.count + suffix.utf8.count > Self.longest { stem.removeLast() }
            if isFree(stem + suffix) { return stem + suffix }
            number += 1
        }
    }
}
