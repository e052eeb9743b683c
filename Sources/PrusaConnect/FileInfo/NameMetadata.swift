/// What a file's name tells when the slicer made it: `box_0.4n_0.2mm_PLA_MK3S_1h2m.gcode`.
///
/// Only whole parts between separators count: `PART_1new.gcode` is neither of the material PA nor for a nozzle of 1 mm.
enum NameMetadata {
    private static let materials: Set<String> = [
        "PLA", "PETG", "ABS", "ASA", "FLEX", "HIPS", "EDGE", "NGEN", "PA", "PVA", "PCTG", "PP", "PC", "PEBA", "CPE",
        "PVB", "PET", "METAL", "TPU", "NYLON",
    ]

    private static let printers: Set<String> = [
        "MK4IS", "MK4MMU3", "MK4SMMU3", "MK4S", "MK4", "MK3SMMU3", "MK3MMU3", "MK3SMMU2S", "MK3MMU2", "MK3S", "MK3",
        "MK2.5SMMU2S", "MK2.5MMU2", "MK2.5S", "MK2.5", "MK3.5", "MK3.5S", "MK3.9", "MK3.9S", "MINI", "MINIIS", "XL5",
        "XL4", "XL3", "XL2", "XL", "iX", "COREONE",
    ]

    /// Reads a file's name, without its folder. The first part of each kind counts.
    static func parse(_ name: String) -> GCodeMetadata {
        var metadata = GCodeMetadata()
        func set(_ key: String, _ value: JSONValue) {
            if metadata.fields[key] == nil { metadata.setFromName(key, value) }
        }
        let stem = PrintFile.withoutExtension(name)
        for part in stem.split(whereSeparator: { "_ ,-()[]".contains($0) }).map(String.init) {
            if let diameter = number(part, unit: "n") {
                set("nozzle_diameter", .double(diameter))
            } else if let height = number(part, unit: "mm") {
                set("layer_height", .double(height))
            } else if materials.contains(part) {
                set("filament_type", .string(part))
            } else if printers.contains(part) {
                set("printer_model", .string(part))
            } else if isDuration(part) {
                set("estimated printing time (normal mode)", .string(part))
            }
        }
        return metadata
    }

    private static func number(_ part: String, unit: String) -> Double? {
        guard part.hasSuffix(unit) else { return nil }
        let digits = part.dropLast(unit.count)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: ".") }),
            let number = Double(digits), number > 0, number < 100
        else { return nil }
        return number
    }

    /// `1d2h3m`: numbers, each with its unit.
    private static func isDuration(_ part: String) -> Bool {
        var hasDigit = false
        for byte in part.utf8 {
            if isDigit(byte) {
                hasDigit = true
            } else if hasDigit, "dhms".utf8.contains(byte) {
                hasDigit = false
            } else {
                return false
            }
        }
        return !hasDigit && !part.isEmpty
    }
}
