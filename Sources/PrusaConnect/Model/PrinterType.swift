/// A printer model as Connect numbers it: three parts, for example 1.3.1 for the MK3S.
///
/// The server may know numbers that this list does not; any three numbers make a type.
public struct PrinterType: Sendable, Hashable, CustomStringConvertible {
    /// First part: the family.
    public let type: Int
    /// Second part.
    public let version: Int
    /// Third part.
    public let subversion: Int

    /// A type by its three numbers.
    public init(_ type: Int, _ version: Int, _ subversion: Int) {
        self.type = type
        self.version = version
        self.subversion = subversion
    }

    /// A type by a name such as `MK3S` or `I3MK3S` (letter case does not matter) or by its dotted numbers such as
    /// `1.3.1`; `nil` for anything else.
    public init?(_ text: String) {
        if let known = Self.named.first(where: { $0.names.contains(text.uppercased()) }) {
            self = known.type
            return
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in part.utf8.allSatisfy(isDigit) ? Int(part) : nil }
        guard numbers.count == 3, parts.count == 3 else { return nil }
        self.init(numbers[0], numbers[1], numbers[2])
    }

    /// The dotted numbers, as they travel in the header `User-Agent-Printer`.
    public var description: String { "\(type).\(version).\(subversion)" }

    /// The short name, for example `MK3S`; the dotted numbers of a model without one.
    public var name: String { Self.named.first { $0.type == self }?.names[0] ?? description }
}

extension PrinterType {
    /// Original Prusa i3 MK2.5.
    public static let mk25 = PrinterType(1, 2, 5)
    /// Original Prusa i3 MK2.5S.
    public static let mk25s = PrinterType(1, 2, 6)
    /// Original Prusa i3 MK3.
    public static let mk3 = PrinterType(1, 3, 0)
    /// Original Prusa i3 MK3S and MK3S+.
    public static let mk3s = PrinterType(1, 3, 1)
    /// Original Prusa MK3.5.
    public static let mk35 = PrinterType(1, 3, 5)
    /// Original Prusa MK3.5S.
    public static let mk35s = PrinterType(1, 3, 6)
    /// Original Prusa MK3.9.
    public static let mk39 = PrinterType(1, 3, 9)
    /// Original Prusa MK3.9S.
    public static let mk39s = PrinterType(1, 3, 10)
    /// Original Prusa MK4.
    public static let mk4 = PrinterType(1, 4, 0)
    /// Original Prusa MK4S.
    public static let mk4s = PrinterType(1, 4, 1)
    /// Original Prusa MINI.
    public static let mini = PrinterType(2, 1, 0)
    /// Original Prusa XL.
    public static let xl = PrinterType(3, 1, 0)
    /// Prusa Pro iX.
    public static let ix = PrinterType(4, 1, 0)
    /// Original Prusa SL1. Buddy firmware uses the same numbers for the XL development kit.
    public static let sl1 = PrinterType(5, 1, 0)
    /// Original Prusa SL1S.
    public static let sl1s = PrinterType(5, 1, 1)
    /// Prusa Medical One.
    public static let m1 = PrinterType(5, 2, 0)
    /// Prusa Pro HT90.
    public static let ht90 = PrinterType(6, 1, 0)
    /// Trilab DeltiQ 2.
    public static let trilabDQ2 = PrinterType(6, 2, 0)
    /// Trilab DeltiQ 2 Plus.
    public static let trilabDQ2P = PrinterType(6, 2, 1)
    /// Prusa CORE One.
    public static let coreOne = PrinterType(7, 1, 0)
    /// Trilab AzteQ Industrial.
    public static let trilabAQI = PrinterType(7, 2, 0)

    /// Every type with a name, first the name to show, then the other accepted spellings (upper case). The names
    /// with `I3` are those of the Python SDK.
    static let named: [(type: PrinterType, names: [String])] = [
        (mk25, ["MK2.5", "I3MK25", "MK25"]),
        (mk25s, ["MK2.5S", "I3MK25S", "MK25S"]),
        (mk3, ["MK3", "I3MK3"]),
        (mk3s, ["MK3S", "I3MK3S", "MK3S+"]),
        (mk35, ["MK3.5", "I3MK35", "MK35"]),
        (mk35s, ["MK3.5S", "I3MK35S", "MK35S"]),
        (mk39, ["MK3.9", "I3MK39", "MK39"]),
        (mk39s, ["MK3.9S", "I3MK39S", "MK39S"]),
        (mk4, ["MK4", "I3MK4"]),
        (mk4s, ["MK4S", "I3MK4S"]),
        (mini, ["MINI"]),
        (xl, ["XL"]),
        (ix, ["IX"]),
        (sl1, ["SL1"]),
        (sl1s, ["SL1S"]),
        (m1, ["M1"]),
        (ht90, ["HT90"]),
        (trilabDQ2, ["TRILAB_DQ2", "DQ2"]),
        (trilabDQ2P, ["TRILAB_DQ2P", "DQ2P"]),
        (coreOne, ["COREONE", "CORE ONE", "CORE_ONE"]),
        (trilabAQI, ["TRILAB_AQI", "AQI"]),
    ]
}
