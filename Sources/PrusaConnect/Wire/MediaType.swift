/// A media type such as `application/json; charset=utf-8` (RFC 9110, 8.3).
struct MediaType: Sendable, Hashable {
    /// `type/subtype` in lower case.
    let essence: String
    /// The parameter `charset` in lower case.
    let charset: String?

    init?(_ text: String) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(\.trimmed)
        let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isVisibleASCII) }) else {
            return nil
        }
        essence = parts[0].lowercased()
        charset =
            parts.dropFirst().lazy.compactMap { parameter -> String? in
                let pair = parameter.split(separator: "=", maxSplits: 1).map(\.trimmed)
                guard pair.count == 2, pair[0].equalsIgnoringCase("charset") else { return nil }
                return String(pair[1].filter { $0 != "\"" }).lowercased()
            }.first
    }
}
