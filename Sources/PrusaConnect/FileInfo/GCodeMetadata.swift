/// What a slicer tells about a print file, by the names that Connect knows: those of PrusaSlicer.
///
/// Values that the file does not tell are `nil`, lists are empty. ``fields`` is what travels.
public struct GCodeMetadata: Sendable, Hashable {
    /// The fields of FILE_INFO, without attributes of the file and without preview.
    public private(set) var fields = JSONObject()

    /// Nothing is known.
    public init() {}

    /// From fields that were stored.
    init(fields: JSONObject) { self.fields = fields }

    /// Estimated printing time as PrusaSlicer writes it, for example `1d 2h 3m 4s`.
    public var estimatedTime: String? { fields["estimated printing time (normal mode)"]?.string }
    /// The printer that it was sliced for, as the slicer calls it.
    public var printerModel: String? { fields["printer_model"]?.string }
    /// mm.
    public var layerHeight: Double? { fields["layer_height"]?.double }
    /// Height of the highest layer, mm.
    public var maximumLayerZ: Double? { fields["max_layer_z"]?.double }
    /// For example `15%`.
    public var fillDensity: String? { fields["fill_density"]?.string }
    /// mm.
    public var brimWidth: Int? { integer("brim_width") }
    /// Whether it has supports.
    public var hasSupport: Bool? { integer("support_material").map { $0 != 0 } }
    /// Whether surfaces are ironed.
    public var hasIroning: Bool? { integer("ironing").map { $0 != 0 } }
    /// Filament of each tool, mm.
    public var filamentMillimetres: [Double] { numbers("filament used [mm]") }
    /// Filament of each tool, g.
    public var filamentGrams: [Double] { numbers("filament used [g]") }
    /// Material of each tool, for example `PLA`.
    public var filamentTypes: [String] {
        fields["filament_type" + Self.perTool]?.array?.compactMap(\.string) ?? fields["filament_type"]?.string.map {
            [$0]
        }
            ?? []
    }
    /// Nozzle temperature of each tool, °C.
    public var temperatures: [Double] { numbers("temperature") }
    /// Bed temperature for each tool's material, °C.
    public var bedTemperatures: [Double] { numbers("bed_temperature") }
    /// Nozzle of each tool, mm.
    public var nozzleDiameters: [Double] { numbers("nozzle_diameter") }

    private func integer(_ key: String) -> Int? { fields[key]?.int.map { Int($0) } }

    private func numbers(_ key: String) -> [Double] {
        fields[key + Self.perTool]?.array?.compactMap(\.double) ?? fields[key]?.double.map { [$0] } ?? []
    }
}

// Setting by text.
extension GCodeMetadata {
    private static let perTool = " per tool"
    /// More than this many tools, or a text longer than that, is damage.
    private static let mostTools = 64
    private static let longestText = 200

    private enum Kind {
        case text
        case number
        case integer
        /// A number for each tool, separated by commas; the file's value is their sum.
        case sum
        /// A value for each tool; the file's value is theirs when all agree.
        case numberOfTool
        case integerOfTool
        case textOfTool
    }

    /// Section 15.1 of what the Python package py-gcode-metadata 0.2.0 looks for.
    private static let kinds: [String: Kind] = [
        "estimated printing time (normal mode)": .text, "printer_model": .text, "fill_density": .text,
        "layer_height": .number, "max_layer_z": .number,
        "brim_width": .integer, "support_material": .integer, "ironing": .integer,
        "filament used [mm]": .sum, "filament used [cm3]": .sum, "filament used [g]": .sum, "filament cost": .sum,
        "filament_type": .textOfTool, "temperature": .integerOfTool, "bed_temperature": .integerOfTool,
        "nozzle_diameter": .numberOfTool,
    ]

    /// Sets a field from a slicer's text. What is no field, or no value for it, is passed over.
    mutating func set(_ key: String, text: String) {
        guard let kind = Self.kinds[key], !text.isEmpty else { return }
        switch kind {
        case .text: if text.utf8.count <= Self.longestText { fields[key] = .string(text) }
        case .number: if let number = Self.number(text) { fields[key] = .double(number) }
        case .integer: if let number = Self.integer(text) { fields[key] = number }
        case .sum:
            setList(key, text, separator: ",", { Self.number($0).map(JSONValue.double) }) { values in
                .double(values.reduce(0) { $0 + ($1.double ?? 0) })
            }
        case .numberOfTool:
            setList(key, text, separator: ",", { Self.number($0).map(JSONValue.double) }, single: Self.common)
        case .integerOfTool: setList(key, text, separator: ",", Self.integer, single: Self.common)
        case .textOfTool:
            setList(
                key, text, separator: ";",
                { $0.isEmpty || $0.utf8.count > Self.longestText ? nil : .string($0) }, single: Self.common)
        }
    }

    /// Sets a field only where nothing is known yet.
    mutating func setDefault(_ key: String, text: String) {
        if fields[key] == nil, fields[key + Self.perTool] == nil { set(key, text: text) }
    }

    /// Sets a value that goes for the whole file, whatever the number of tools, from a file's name.
    mutating func setFromName(_ key: String, _ value: JSONValue) { fields[key] = value }

    /// Marks that the file tells something, `layer_info_present` for example.
    mutating func mark(_ key: String) { fields[key] = .bool(true) }

    /// Takes what `other` knows, in place of what this does.
    mutating func merge(_ other: GCodeMetadata) {
        for key in other.fields.keys where key.hasSuffix(Self.perTool) {
            // Tools that differ have no value in common, whatever a name says.
            fields[String(key.dropLast(Self.perTool.count))] = nil
        }
        fields.merge(other.fields)
    }

    private mutating func setList(
        _ key: String, _ text: String, separator: Character, _ convert: (String) -> JSONValue?,
        single: ([JSONValue]) -> JSONValue?
    ) {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false).map(\.trimmed)
        let values = parts.compactMap(convert)
        guard values.count == parts.count, values.count <= Self.mostTools else { return }
        fields[key + Self.perTool] = .array(values)
        fields[key] = single(values)
    }

    private static func common(_ values: [JSONValue]) -> JSONValue? {
        values.allSatisfy { $0 == values.first } ? values.first : nil
    }

    private static func number(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ isDigit($0) || "+-.eE".utf8.contains($0) }) else { return nil }
        return Double(text).flatMap { $0.isFinite ? $0 : nil }
    }

    private static func integer(_ text: String) -> JSONValue? { Int64(text).map(JSONValue.int) }
}
