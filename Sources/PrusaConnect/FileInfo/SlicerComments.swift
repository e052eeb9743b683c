/// Turns the comments of slicers into ``GCodeMetadata``.
///
/// PrusaSlicer and SuperSlicer use Connect's own names. OrcaSlicer and Bambu Studio have a header of `; key: value`
/// and others' names in their configuration; Cura has `;KEY:value` and only a few of them.
struct SlicerComments {
    private(set) var metadata = GCodeMetadata()

    /// OrcaSlicer: bed temperatures by plate, of which one is in use.
    private var plateTemperatures: [String: String] = [:]
    private var plate = ""
    private var hasNoBrim = false

    /// What only holds when nothing better was found, in this order.
    private var headerTime: String?
    private var progressMinutes: Int?
    private var nozzleCommand: String?
    private var bedCommand: String?

    /// OrcaSlicer's names of what Connect knows by another.
    private static let otherNames = [
        "nozzle_temperature": "temperature", "sparse_infill_density": "fill_density",
        "enable_support": "support_material", "max_z_height": "max_layer_z",
        "total filament length [mm]": "filament used [mm]", "total filament weight [g]": "filament used [g]",
    ]

    /// OrcaSlicer's names of plates, and the setting with their temperatures.
    private static let plates = [
        "Cool Plate": "cool_plate_temp", "Engineering Plate": "eng_plate_temp", "High Temp Plate": "hot_plate_temp",
        "Textured PEI Plate": "textured_plate_temp", "Textured Cool Plate": "textured_cool_plate_temp",
        "Cool Plate (SuperTack)": "supertack_plate_temp",
    ]

    /// Takes `key = value` of PrusaSlicer, SuperSlicer and OrcaSlicer, from comments or the metadata of binary G-code.
    mutating func take(key: String, value: String) {
        switch key {
        case "curr_bed_type": plate = value
        case "ironing_type": metadata.set("ironing", text: value == "no ironing" ? "0" : "1")
        case "brim_type": hasNoBrim = value == "no_brim"
        default:
            if Self.plates.values.contains(key) {
                plateTemperatures[key] = value
            } else {
                metadata.set(Self.otherNames[key] ?? key, text: value)
            }
        }
    }

    /// Takes `key: value` of OrcaSlicer's header and `KEY:value` of Cura.
    mutating func take(name: String, value: String) {
        switch name {
        case "TIME": headerTime = Double(value).flatMap(Self.duration)
        case "Filament used": takeFilament(value)
        case "Layer height", "LAYER_HEIGHT": metadata.setDefault("layer_height", text: value)
        case "MAXZ": if !value.hasPrefix("-") { metadata.setDefault("max_layer_z", text: value) }
        case "TARGET_MACHINE.NAME": metadata.setDefault("printer_model", text: value)
        case "model printing time":
            // "model printing time: 12m 3s; total estimated time: 18m 29s": the second is what the whole print takes.
            let total = "total estimated time:"
            headerTime = value.split(separator: ";").map(\.trimmed).first { $0.hasPrefix(total) }
                .map { $0.dropFirst(total.count).trimmed }
        default:
            guard let key = Self.otherNames[name] else { return }
            metadata.setDefault(key, text: value)
        }
    }

    /// Cura: `1.2345m, 0.5m` for each tool, or `1234mm3`.
    private mutating func takeFilament(_ value: String) {
        let parts = value.split(separator: ",").map(\.trimmed)
        for (unit, key, factor) in [("mm3", "filament used [cm3]", 0.001), ("m", "filament used [mm]", 1000)] {
            let numbers = parts.compactMap { $0.hasSuffix(unit) ? Double($0.dropLast(unit.count)) : nil }
            guard numbers.count == parts.count, !parts.isEmpty else { continue }
            let texts = numbers.map { "\(($0 * factor * 1000).rounded() / 1000)" }
            metadata.setDefault(key, text: texts.joined(separator: ", "))
            return
        }
    }

    /// A command that is of use: M73, and the temperatures of M104, M109, M140, M190, which Cura does not tell
    /// otherwise.
    mutating func take(command: Int, words: [(letter: UInt8, number: String)]) {
        func word(_ letters: String) -> String? {
            words.first { letters.utf8.contains($0.letter) && !$0.number.isEmpty }?.number
        }
        switch command {
        case 73:
            for (letter, key) in Self.progressKeys where word(letter) != nil { metadata.mark(key) }
            if progressMinutes == nil { progressMinutes = word("R").flatMap { Int($0) } }
        case 104, 109: nozzleCommand = nozzleCommand ?? temperature(word("SR"))
        case 140, 190: bedCommand = bedCommand ?? temperature(word("SR"))
        default: break
        }
    }

    private func temperature(_ text: String?) -> String? {
        guard let degrees = text.flatMap(Double.init), degrees >= 1, degrees <= 999 else { return nil }
        return "\(Int(degrees))"
    }

    /// Which words of M73 mean what: Q, S, C for the quiet mode, P, R, D for the normal one.
    private static let progressKeys = [
        ("Q", "quiet_percent_present"), ("S", "quiet_left_present"), ("C", "quiet_change_in_present"),
        ("P", "normal_percent_present"), ("R", "normal_left_present"), ("D", "normal_change_in_present"),
    ]

    /// Whether M73 told everything that it can.
    var knowsProgress: Bool { Self.progressKeys.allSatisfy { metadata.fields[$0.1] != nil } }

    /// A comment told the height of a layer.
    mutating func takeLayer() { metadata.mark("layer_info_present") }

    /// Everything, after the last line.
    func finished(isCura: Bool) -> GCodeMetadata {
        var result = metadata
        if let key = Self.plates[plate.isEmpty ? "High Temp Plate" : plate], let degrees = plateTemperatures[key] {
            result.setDefault("bed_temperature", text: degrees)
        }
        // OrcaSlicer keeps the width of a brim that is switched off.
        if hasNoBrim, !plateTemperatures.isEmpty { result.set("brim_width", text: "0") }
        let time = "estimated printing time (normal mode)"
        if let headerTime { result.setDefault(time, text: headerTime) }
        if let progressMinutes, let text = Self.duration(Double(progressMinutes) * 60) {
            result.setDefault(time, text: text)
        }
        if isCura {
            if let nozzleCommand { result.setDefault("temperature", text: nozzleCommand) }
            if let bedCommand { result.setDefault("bed_temperature", text: bedCommand) }
        }
        return result
    }

    /// `1d 2h 3m 4s` as PrusaSlicer writes it; nil for nothing and for what no print takes.
    static func duration(_ seconds: Double) -> String? {
        guard seconds >= 1, seconds < 1e9 else { return nil }
        let total = Int(seconds)
        let parts = [(total / 86_400, "d"), (total / 3600 % 24, "h"), (total / 60 % 60, "m"), (total % 60, "s")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined(separator: " ")
    }
}
