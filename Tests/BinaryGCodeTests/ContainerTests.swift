import Testing

@testable import BinaryGCode

@Suite struct ContainerTests {
    @Test func checksumsOfKnownTexts() {
        var checksum = CRC32()
        #expect(checksum.value == 0)
        for byte in "123456789".utf8 { checksum.add(byte) }
        #expect(checksum.value == 0xCBF4_3926)
    }

    @Test(
        arguments: [
            ("", nil, false), ("GCD", nil, false), ("GCDE\u{1}\0\0\0\u{1}", nil, false),
            ("GCDE\u{1}\0\0\0\u{1}\0more", .crc32, false), ("GCDE\u{1}\0\0\0\0\0", ChecksumType.none, false),
            ("G28\n", nil, true), ("GCDF", nil, true), ("GCDE\u{2}\0\0\0\u{1}\0", nil, true),
            ("GCDE\u{1}\0\0\0\u{2}\0", nil, true),
        ] as [(String, ChecksumType?, Bool)])
    func fileHeaders(_ text: String, _ checksum: ChecksumType?, _ fails: Bool) throws {
        let bytes = Array(text.utf8)
        if fails {
            #expect(throws: BinaryGCodeError.self) { try FileHeader.parse(bytes.span) }
        } else {
            #expect(try FileHeader.parse(bytes.span)?.checksum == checksum)
        }
    }

    /// All kinds of blocks, from a script that was written from the specification.
    @Test(arguments: ["specification.bgcode", "specification-unchecked.bgcode"])
    func everyKindOfBlock(_ name: String) throws {
        let found = try blocks(of: fixture(name))
        #expect(
            found.map(\.header.kind) == [
                .fileMetadata, .printerMetadata, .thumbnail, .thumbnail, .printMetadata, .slicerMetadata, .gcode,
                .gcode,
                .gcode, .gcode,
            ])
        #expect(
            found.map(\.header.compression) == [
                .none, .deflate, .none, .deflate, .none, .heatshrink12, .none, .deflate, .none, .heatshrink11,
            ])
        func text(_ index: Int) -> String { String(decoding: found[index].data, as: UTF8.self) }
        #expect(text(0) == "Producer=Script 1.0\n")
        #expect(text(1) == "printer_model=MK3S\nfilament_type=PLA;PETG\ntemperature=215,230\n")
        #expect(text(5) == String(repeating: "layer_height=0.2\n", count: 200))
        #expect((6...9).map(text) == ["G28\nG1 X10 Y20\n", "M104 S0\nM84\n", "", "M117 done\n"])
        #expect(found[2].header.parameters == .thumbnail(.png, width: 16, height: 16))
        #expect(found[2].data.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        #expect(found[3].header.parameters == .thumbnail(.qoi, width: 16, height: 12))
        #expect(text(3).hasPrefix("qoif"))
        #expect(found[0].header.parameters == .metadata)
        #expect(found[6].header.parameters == .gcode(.none))
    }

    @Test func metadataOfLibbgcode() throws {
        for compression in ["none-none", "Deflate-none", "Heatshrink_11_4-MeatPack", "Heatshrink_12_4-none"] {
            let found = try blocks(of: fixture("libbgcode-\(compression).bgcode"))
            let printer = try #require(found.first { $0.header.kind == .printerMetadata })
            let text = String(decoding: printer.data, as: UTF8.self)
            #expect(text.contains("printer_model=MK3S\n") && text.contains("filament used [g]=2.42\n"))
            #expect(found.count { $0.header.kind == .thumbnail } == 2)
        }
    }

    @Test(
        arguments: [
            ([6, 0], .unknownBlock(6)), ([0, 0, 4, 0], .unknownCompression(4)),
            ([1, 0, 0, 0, 0, 0, 0, 0, 3, 0], .unknownEncoding(3)),
            ([0, 0, 0, 0, 0, 0, 0, 0, 1, 0], .unknownEncoding(1)),
            ([5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 1, 0], .unknownImageFormat(3)),
        ] as [([UInt8], BinaryGCodeError.Reason)])
    func unknownNumbers(_ bytes: [UInt8], _ reason: BinaryGCodeError.Reason) {
        do {
            _ = try BlockHeader.parse(bytes.span, number: 7, offset: 1000)
            Issue.record("no error")
        } catch {
            #expect(error.reason == reason)
            #expect(error.block == 7)
            #expect(error.offset == 1000)
        }
    }

    @Test func headersThatAreNotCompleteYet() throws {
        let bytes = try fixture("specification.bgcode")
        // Block 0 is not compressed: 8 bytes and 2 of parameters.
        for count in 0..<10 {
            #expect(try BlockHeader.parse(bytes.span.extracting(10..<10 + count), number: 0, offset: 10) == nil)
        }
        let header = try #require(try BlockHeader.parse(bytes.span.extracting(10..<20), number: 0, offset: 10))
        #expect(header.size == 10 && header.dataOffset == 20 && header.dataSize == 20)
        #expect(header.end(.crc32) == 44 && header.end(.none) == 40)
    }

    @Test func errorsSayWhatAndWhere() {
        let error = BinaryGCodeError(
            reason: .checksum(inFile: 0xAB, computed: 0xCD), block: 3, kind: .gcode, offset: 5120)
        #expect(
            error.description
                == "block 3 (G-code) at byte 5120: the checksum is wrong (ab in the file, cd computed)")
        #expect(
            BinaryGCodeError(reason: .notBinaryGCode, block: nil, kind: nil, offset: 0).description
                == "header at byte 0: the file does not begin with GCDE")
        #expect(
            BinaryGCodeError(reason: .deflate(.distance), block: 1, kind: nil, offset: 10).description
                == "block 1 at byte 10: the DEFLATE data is damaged: a reference to before the beginning")
    }
}
