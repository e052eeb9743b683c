import Testing

@testable import PrusaConnect

@Suite struct GCodeMetadataTests {
    /// What one line tells.
    @Test(
        arguments: [
            // PrusaSlicer and SuperSlicer.
            ("; layer_height = 0.2", ["layer_height": 0.2]),
            (";layer_height=0.2", ["layer_height": 0.2]),
            ("; brim_width = 3", ["brim_width": 3]),
            ("; brim_width = 2.5", [:]),
            ("; support_material = 1\r", ["support_material": 1]),
            ("; fill_density = 15%", ["fill_density": "15%"]),
            ("; printer_model = MK3S", ["printer_model": "MK3S"]),
            ("; printer_model = ", [:]),
            ("; estimated printing time (normal mode) = 1d 2h", ["estimated printing time (normal mode)": "1d 2h"]),
            ("; estimated printing time (silent mode) = 1d 2h", [:]),
            (
                "; filament used [mm] = 1.5, 2.25",
                ["filament used [mm] per tool": [1.5, 2.25], "filament used [mm]": 3.75]
            ),
            ("; filament used [g] = 1.5,2", ["filament used [g] per tool": [1.5, 2.0], "filament used [g]": 3.5]),
            ("; filament used [g] = 1.5, two", [:]),
            ("; filament cost = 0.0", ["filament cost per tool": [0.0], "filament cost": 0.0]),
            ("; total filament used [g] = 2", [:]),
            ("; filament_type = PLA;PLA", ["filament_type per tool": ["PLA", "PLA"], "filament_type": "PLA"]),
            ("; filament_type = PLA;PETG", ["filament_type per tool": ["PLA", "PETG"]]),
            ("; temperature = 215,230", ["temperature per tool": [215, 230]]),
            ("; bed_temperature = 60,60", ["bed_temperature per tool": [60, 60], "bed_temperature": 60]),
            ("; nozzle_diameter = 0.4", ["nozzle_diameter per tool": [0.4], "nozzle_diameter": 0.4]),
            ("; layer_height = nan", [:]), ("; layer_height = 0x10", [:]), ("; layer_height = 1e999", [:]),
            ("; first_layer_height = 0.3", [:]), ("; temperature: 5", [:]),
            // The last one counts.
            ("; layer_height = 0.2\n; layer_height = 0.3", ["layer_height": 0.3]),
            (";Z:0.2", ["layer_info_present": true]), (";Z:12", ["layer_info_present": true]),
            (";Z:", [:]), (";Z:high", [:]), ("; Z:0.2", [:]),
            // OrcaSlicer and Bambu Studio.
            ("; max_z_height: 12.40", ["max_layer_z": 12.4]),
            ("; nozzle_temperature = 220,220", ["temperature per tool": [220, 220], "temperature": 220]),
            ("; sparse_infill_density = 10%", ["fill_density": "10%"]),
            ("; enable_support = 0", ["support_material": 0]),
            ("; ironing_type = top", ["ironing": 1]), ("; ironing_type = no ironing", ["ironing": 0]),
            (
                "; model printing time: 12m 3s; total estimated time: 18m 29s",
                ["estimated printing time (normal mode)": "18m 29s"]
            ),
            ("; total filament weight [g] : 4.55", ["filament used [g] per tool": [4.55], "filament used [g]": 4.55]),
            ("; hot_plate_temp = 60", ["bed_temperature per tool": [60], "bed_temperature": 60]),
            (
                "; hot_plate_temp = 60\n; cool_plate_temp = 35\n; curr_bed_type = Cool Plate",
                ["bed_temperature per tool": [35], "bed_temperature": 35]
            ),
            ("; hot_plate_temp = 60\n; curr_bed_type = Some new plate", [:]),
            ("; brim_type = no_brim\n; brim_width = 5", ["brim_width": 5]),
            ("; Z_HEIGHT: 0.2", ["layer_info_present": true]),
            // Cura.
            (";TIME:3723", ["estimated printing time (normal mode)": "1h 2m 3s"]),
            (";TIME:86400", ["estimated printing time (normal mode)": "1d"]),
            (";TIME:0", [:]), (";TIME:-1", [:]), (";TIME:1e300", [:]),
            (";Filament used: 1.2345m", ["filament used [mm] per tool": [1234.5], "filament used [mm]": 1234.5]),
            (
                ";Filament used: 1m, 0.5m",
                ["filament used [mm] per tool": [1000.0, 500.0], "filament used [mm]": 1500.0]
            ),
            (";Filament used: 2970mm3", ["filament used [cm3] per tool": [2.97], "filament used [cm3]": 2.97]),
            (";Filament used: a lot", [:]), (";Filament used: ", [:]), (";Filament used: xm", [:]),
            (";Layer height: 0.28", ["layer_height": 0.28]), (";LAYER_HEIGHT:0.12", ["layer_height": 0.12]),
            (";MAXZ:12.4", ["max_layer_z": 12.4]), (";MAXZ:-2.14748e+06", [:]),
            (";TARGET_MACHINE.NAME:Creality Ender-3", ["printer_model": "Creality Ender-3"]),
            // Commands count for temperatures only where Cura made them.
            (";FLAVOR:Marlin\nM104 S205.5", ["temperature per tool": [205], "temperature": 205]),
            (";FLAVOR:Marlin\nM140 S0\nM190 R60", ["bed_temperature per tool": [60], "bed_temperature": 60]),
            ("M104 S205", [:]),
            // M73.
            ("M73 P0 R62", ["normal_percent_present": true, "normal_left_present": true, Self.time: "1h 2m"]),
            ("M73Q5S3", ["quiet_percent_present": true, "quiet_left_present": true]),
            ("  M73 C1 D2 ; comment", ["quiet_change_in_present": true, "normal_change_in_present": true]),
            ("M73 R0", ["normal_left_present": true]),
            ("M73", [:]), ("M730 P1", [:]), ("M117 M73 P1", [:]), ("; M73 P1", [:]), ("G1 X1 ; M73 P1", [:]),
            (
                "M73 P1 R9\n; \(Self.time) = 10m",
                ["normal_percent_present": true, "normal_left_present": true, Self.time: "10m"]
            ),
            ("", [:]), (";", [:]), ("; =", [:]), ("; :", [:]), (" ; layer_height = 0.2", [:]),
        ] as [(String, JSONObject)])
    func lines(_ text: String, _ expected: JSONObject) throws {
        #expect(try read(text: text).metadata.fields == expected)
        // With and without a line break at the end.
        #expect(try read(text: text + "\n").metadata.fields == expected)
    }

    private static let time = "estimated printing time (normal mode)"

    @Test func typedValues() throws {
        let metadata = try read(sample("prusaslicer.gcode")).metadata
        #expect(metadata.estimatedTime == "1h 2m 3s" && metadata.printerModel == "MK3SMMU3")
        #expect(metadata.layerHeight == 0.2 && metadata.maximumLayerZ == 1.6 && metadata.fillDensity == "15%")
        #expect(metadata.brimWidth == 3 && metadata.hasSupport == true && metadata.hasIroning == false)
        #expect(metadata.filamentMillimetres == [1234.5, 10.25] && metadata.filamentGrams == [3.68, 0.03])
        #expect(metadata.filamentTypes == ["PLA", "PETG"] && metadata.nozzleDiameters == [0.4, 0.4])
        #expect(metadata.temperatures == [215, 240] && metadata.bedTemperatures == [60, 85])
        let nothing = GCodeMetadata()
        #expect(nothing.layerHeight == nil && nothing.filamentTypes.isEmpty && nothing.temperatures.isEmpty)
    }

    @Test(
        arguments: [
            (
                "box_0.4n_0.2mm_PLA_MK3S_1h2m.gcode",
                [
                    "nozzle_diameter": 0.4, "layer_height": 0.2, "filament_type": "PLA", "printer_model": "MK3S",
                    Self.time: "1h2m",
                ]
            ),
            (
                "HP_PLA,PLA_MK3SMMU3_3h22m.gcode",
                ["filament_type": "PLA", "printer_model": "MK3SMMU3", Self.time: "3h22m"]
            ),
            (
                "sh_bn_0.6n_0.32mm_PETG_MK4_8h55m.bgcode",
                [
                    "nozzle_diameter": 0.6, "layer_height": 0.32, "filament_type": "PETG", "printer_model": "MK4",
                    Self.time: "8h55m",
                ]
            ),
            (
                "PLA_0.6n 0.32mm_MK2.5S_1d1h42m.GCO",
                [
                    "nozzle_diameter": 0.6, "layer_height": 0.32, "filament_type": "PLA", "printer_model": "MK2.5S",
                    Self.time: "1d1h42m",
                ]
            ),
            ("Tohle je PLA, nebo PETG, nevim.gcode", ["filament_type": "PLA"]),
            ("42.gcode", [:]), ("+ěščřžýáíé -.:<>.gcode", [:]), ("ßüäö.g", [:]), (".gcode", [:]), ("", [:]),
            // Parts of words are none.
            ("PART_1new.gcode", [:]), ("XLARGE_PLATE_3mmm.gcode", [:]), ("NASA_n_mm_h.gcode", [:]), ("1h2.gcode", [:]),
            ("0n_0mm_1000mm.gcode", [:]),
        ] as [(String, JSONObject)])
    func names(_ name: String, _ expected: JSONObject) {
        #expect(NameMetadata.parse(name).fields == expected)
    }

    @Test func contentComesBeforeTheName() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("x.gcode")
        try "; nozzle_diameter = 0.4,0.6\n; layer_height = 0.3\n".write(toFile: path, atomically: true, encoding: .utf8)
        let metadata = try read(path, name: "box_0.4n_0.2mm_PLA.gcode").metadata
        // Tools with different nozzles have none in common, whatever the name says.
        #expect(
            metadata.fields == [
                "nozzle_diameter per tool": [0.4, 0.6], "layer_height": 0.3, "filament_type": "PLA",
            ])
    }

    @Test(arguments: [
        ("a.gcode", true), ("a.GCODE", true), ("a.gc", true), ("a.g", true), ("a.gco", true), ("a.bgcode", true),
        ("a.txt", false), ("gcode", false), (".gcode", false), ("a.gcode.txt", false), ("a.", false), ("", false),
    ])
    func kinds(_ name: String, _ isGCode: Bool) { #expect(PrintFile.isGCode(name) == isGCode) }

    @Test(
        arguments: [
            (0.4, nil), (1, "1s"), (59.9, "59s"), (60, "1m"), (3600, "1h"), (90_061, "1d 1h 1m 1s"), (.infinity, nil),
            (.nan, nil), (-5, nil),
        ] as [(Double, String?)])
    func durations(_ seconds: Double, _ text: String?) { #expect(SlicerComments.duration(seconds) == text) }
}
