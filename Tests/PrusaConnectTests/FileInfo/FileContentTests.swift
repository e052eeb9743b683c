import BinaryGCode
import Foundation
import Testing

@testable import PrusaConnect

@Suite struct FileContentTests {
    private static let time = "estimated printing time (normal mode)"

    /// Whole files, and what they tell. The one of PrusaSlicer gives what py-gcode-metadata 0.2.0 finds in it.
    static let files: [(String, JSONObject)] = [
        (
            "prusaslicer.gcode",
            [
                "normal_percent_present": true, "normal_left_present": true, "quiet_percent_present": true,
                "quiet_left_present": true, "quiet_change_in_present": true, "normal_change_in_present": true,
                "layer_info_present": true, "filament used [mm] per tool": [1234.5, 10.25],
                "filament used [mm]": 1244.75, "filament used [cm3] per tool": [2.97, 0.02],
                "filament used [cm3]": 2.99,
                "filament used [g] per tool": [3.68, 0.03], "filament used [g]": 3.71,
                "filament cost per tool": [0.09, 0.0], "filament cost": 0.09, time: "1h 2m 3s",
                "bed_temperature per tool": [60, 85], "brim_width": 3, "filament_type per tool": ["PLA", "PETG"],
                "fill_density": "15%", "ironing": 0, "layer_height": 0.2, "max_layer_z": 1.6,
                "nozzle_diameter per tool": [0.4, 0.4], "nozzle_diameter": 0.4, "printer_model": "MK3SMMU3",
                "support_material": 1, "temperature per tool": [215, 240],
            ]
        ),
        (
            "superslicer.gcode",
            [
                "normal_percent_present": true, "normal_left_present": true, "layer_info_present": true,
                "filament used [mm] per tool": [456.78], "filament used [mm]": 456.78,
                "filament used [cm3] per tool": [1.1], "filament used [cm3]": 1.1, "filament used [g] per tool": [1.39],
                "filament used [g]": 1.39, "filament cost per tool": [0.03], "filament cost": 0.03, time: "5m 12s",
                "bed_temperature per tool": [70], "bed_temperature": 70, "brim_width": 0,
                "filament_type per tool": ["PETG"], "filament_type": "PETG", "fill_density": "20%", "ironing": 1,
                "layer_height": 0.25, "nozzle_diameter per tool": [0.6], "nozzle_diameter": 0.6,
                "printer_model": "Voron_v2", "support_material": 0, "temperature per tool": [235], "temperature": 235,
            ]
        ),
        (
            "orcaslicer.gcode",
            [
                "max_layer_z": 12.4, "normal_percent_present": true, "normal_left_present": true,
                "layer_info_present": true, "filament used [mm] per tool": [1234.56], "filament used [mm]": 1234.56,
                "filament used [cm3] per tool": [2.97], "filament used [cm3]": 2.97,
                "filament used [g] per tool": [3.68],
                "filament used [g]": 3.68, "filament cost per tool": [0.09], "filament cost": 0.09, time: "18m 29s",
                "brim_width": 0, "support_material": 1, "filament_type per tool": ["PETG"], "filament_type": "PETG",
                "ironing": 0, "layer_height": 0.2, "nozzle_diameter per tool": [0.4], "nozzle_diameter": 0.4,
                "temperature per tool": [220], "temperature": 220, "printer_model": "Creality Ender-3 S1",
                "fill_density": "15%", "bed_temperature per tool": [65], "bed_temperature": 65,
            ]
        ),
        (
            "bambustudio.gcode",
            [
                "filament used [mm] per tool": [1500.25], "filament used [mm]": 1500.25,
                "filament used [g] per tool": [4.55], "filament used [g]": 4.55, "max_layer_z": 8.0,
                "filament_type per tool": ["PLA"], "filament_type": "PLA", "layer_height": 0.2,
                "temperature per tool": [220], "temperature": 220, "fill_density": "10%",
                "normal_percent_present": true, "normal_left_present": true, "layer_info_present": true,
                "bed_temperature per tool": [35], "bed_temperature": 35, time: "29m 41s",
            ]
        ),
        (
            "cura.gcode",
            [
                "filament used [mm] per tool": [1234.5, 500.0], "filament used [mm]": 1734.5, "layer_height": 0.2,
                "max_layer_z": 12.4, "printer_model": "Creality Ender-3", time: "1h 2m 3s",
                "temperature per tool": [200], "temperature": 200, "bed_temperature per tool": [60],
                "bed_temperature": 60,
            ]
        ),
        (
            "prusaslicer.bgcode",
            [
                "printer_model": "MK3S", "filament_type per tool": ["PLA"], "filament_type": "PLA",
                "nozzle_diameter per tool": [0.4], "nozzle_diameter": 0.4, "bed_temperature per tool": [60],
                "bed_temperature": 60, "brim_width": 0, "fill_density": "15%", "layer_height": 0.2,
                "temperature per tool": [215], "temperature": 215, "ironing": 0, "support_material": 0,
                "max_layer_z": 4.8, "filament used [mm] per tool": [812.34], "filament used [mm]": 812.34,
                "filament used [g] per tool": [2.42], "filament used [g]": 2.42, "filament used [cm3] per tool": [1.95],
                "filament used [cm3]": 1.95, "filament cost per tool": [0.06], "filament cost": 0.06, time: "12m 5s",
                "normal_percent_present": true, "normal_left_present": true, "layer_info_present": true,
            ]
        ),
    ]

    @Test(arguments: files) func wholeFiles(_ name: String, _ expected: JSONObject) throws {
        let fields = try read(sample(name)).metadata.fields
        #expect(fields == expected)
        #expect(Set(fields.keys).symmetricDifference(expected.keys) == [])
    }

    @Test(arguments: [
        ("prusaslicer.gcode", 160, 120, Thumbnail.Format.png), ("superslicer.gcode", 48, 64, .png),
        ("orcaslicer.gcode", 96, 96, .png), ("cura.gcode", 32, 32, .png), ("prusaslicer.bgcode", 16, 16, .png),
    ])
    func previews(_ name: String, _ width: Int, _ height: Int, _ format: Thumbnail.Format) throws {
        let preview = try #require(try read(sample(name)).preview)
        #expect(preview.width == width && preview.height == height && preview.format == format)
        let picture = try #require(Data(base64Encoded: preview.base64))
        // Width and height stand behind PNG's first chunk header.
        #expect(Array(picture[16..<24]) == [0, 0, 0, UInt8(width), 0, 0, 0, UInt8(height)])
        // Always the same one.
        #expect(try read(sample(name)).preview == preview)
    }

    @Test func onlyHeadAndTailAreRead() throws {
        let filler = String(repeating: "G1 X10 Y10 E1\n", count: 28_000)
        var text = "; layer_height = 0.2\n" + filler + "; printer_model = LOST\n" + filler
        text += "; fill_density = 30%\n" + String(repeating: "G1 X1\n", count: 6000) + "; temperature = 215\n"
        #expect(filler.utf8.count < 400_000 && text.utf8.count > 800_000)
        let fields = try read(text: text.replacing("LOST\n", with: "LOST\n" + String(repeating: "G1\n", count: 5000)))
            .metadata.fields
        #expect(fields["layer_height"] == 0.2 && fields["temperature"] == 215)
        #expect(fields["fill_density"] == "30%")
        // The mark is 392,021 bytes from the beginning, in the head.
        #expect(fields["printer_model"] == "LOST")
        let later = try read(text: "; x\n" + String(repeating: "G1\n", count: 3000) + text).metadata.fields
        #expect(later["printer_model"] == nil && later["layer_height"] == 0.2)
    }

    @Test func theTailBeginsInTheMidstOfALine() throws {
        // 40,000 bytes from the end stands "layer_height = 9" of a longer line.
        let end = "layer_height = 9\n" + String(repeating: "G1\n", count: 13_327) + "\n\n"
        #expect(end.utf8.count == 40_000)
        let head = String(repeating: "G1 X10 Y10 E1\n", count: 40_000)
        #expect(try read(text: head + "; first_" + end).metadata.fields == [:])
        #expect(try read(text: head + ";" + end).metadata.fields == [:])
    }

    @Test func commandsAreLookedAtForAWhile() throws {
        let early = String(repeating: "G1 X10 Y10 E1\n", count: 7000)
        #expect(try read(text: early + "M73 P1").metadata.fields == ["normal_percent_present": true])
        #expect(try read(text: early + early + "M73 P1").metadata.fields == [:])
    }

    @Test func longLinesAndNoise() throws {
        let long = "; end_gcode = " + String(repeating: "M104 S0\\n", count: 20_000)
        #expect(try read(text: long + "\n; layer_height = 0.2\n").metadata.fields == ["layer_height": 0.2])
        #expect(try read(text: long + "\n" + long).metadata.fields == [:])
        #expect(try read(bytes: []) == FileContent())
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededNumbers(seed: seed)
        for name in ["prusaslicer.gcode", "orcaslicer.gcode", "cura.gcode", "prusaslicer.bgcode"] {
            let original = try sampleBytes(name)
            for _ in 0..<8 {
                var bytes = original
                for _ in 0..<10 {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[index] = UInt8.random(in: 0...255, using: &generator)
                }
                if Bool.random(using: &generator) {
                    bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
                }
                let content = try read(bytes: bytes)
                // Whatever it is, it can be sent.
                let sent = JSONValue.object(content.metadata.fields).wireBytes
                #expect(throws: Never.self, "seed \(seed)") { try JSONValue(parsing: sent) }
            }
        }
    }

    @Test func binaryFilesWithDamagedBlocks() throws {
        let original = try sampleBytes("prusaslicer.bgcode")
        let whole = try read(bytes: original)
        let header = try FileHeader.parse(original.span)
        let file = try #require(header)
        var offset = UInt64(FileHeader.size)
        var number: UInt32 = 0
        while offset < original.count {
            let bytes = original[Int(offset)...]
            let parsed = try BlockHeader.parse(bytes.span, number: number, offset: offset)
            let block = try #require(parsed)
            var damaged = original
            damaged[Int(block.dataOffset + UInt64(block.dataSize / 2))] ^= 1
            let rest = try read(bytes: damaged)
            if case .thumbnail(.png, _, _) = block.parameters {
                #expect(rest.preview == nil && rest.metadata == whole.metadata)
            } else {
                #expect(rest.preview == whole.preview)
            }
            // What one block told is also told by another, but for commands.
            #expect(rest.metadata.layerHeight == 0.2 || block.kind == .slicerMetadata)
            offset = block.end(file.checksum)
            number += 1
        }
        #expect(number == 7)
        // Cut anywhere: never an error.
        for count in stride(from: 0, to: original.count, by: 1371) { _ = try read(bytes: Array(original[..<count])) }
    }

    @Test func aFileThatCannotBeRead() throws {
        let folder = try #require(Descriptor.open("/", in: AT_FDCWD, O_RDONLY))
        let error = #expect(throws: FileReadError.self) {
            try FileContent.read(descriptor: folder.number, size: 4096, name: "x.gcode")
        }
        #expect(error?.code == EISDIR)
    }
}
