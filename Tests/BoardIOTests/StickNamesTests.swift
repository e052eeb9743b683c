import Testing

@testable import BoardIO

@Suite struct StickNamesTests {
    @Test(arguments: [
        ("PRUSA", "PRUSA"), ("My stick", "My stick"), ("  padded  ", "padded"), ("a/b\\c", "a_b_c"), ("..", "usb"),
        (".hidden", "hidden"), ("", "usb"), ("///", "usb"), ("tab\there", "tab_here"), ("Größe", "Größe"),
        ("3D打印", "3D打印"), ("\u{202E}cba", "_cba"), ("nul\0byte", "nul_byte"), ("a:b*c?d\"e<f>g|h", "a_b_c_d_e_f_g_h"),
        ("bad\u{FFFD}utf8", "bad_utf8"), ("🏗️", "🏗️"),
    ])
    func labelsBecomeNames(label: String, expected: String) {
        #expect(StickNames.clean(label) == expected)
    }

    @Test func longLabelsAreCutBetweenCharacters() {
        let name = StickNames.clean(String(repeating: "ä", count: 100))
        #expect(name == String(repeating: "ä", count: 24))
        var names = StickNames()
        let label = String(repeating: "x", count: 100)
        _ = names.name(node: "/dev/sda", label: label, uuid: nil)
        let second = names.name(node: "/dev/sdb", label: label, uuid: nil)
        #expect(second.utf8.count == StickNames.longest && second.hasSuffix("-2"))
    }

    @Test func theSameLabelTwiceIsNumbered() {
        var names = StickNames(reserved: ["local"])
        #expect(names.name(node: "/dev/sda1", label: "STICK", uuid: "1") == "STICK")
        #expect(names.name(node: "/dev/sdb1", label: "stick", uuid: "2") == "stick-2")
        #expect(names.name(node: "/dev/sdc1", label: nil, uuid: nil) == "usb")
        #expect(names.name(node: "/dev/sdd1", label: "", uuid: "") == "usb-2")
        #expect(names.name(node: "/dev/sde1", label: "LOCAL", uuid: nil) == "LOCAL-2")
        #expect(names.name(node: "/dev/sda1", label: "other", uuid: "1") == "STICK")
    }

    @Test func theSameStickBackHasItsName() {
        var names = StickNames()
        _ = names.name(node: "/dev/sda1", label: "STICK", uuid: "1")
        #expect(names.name(node: "/dev/sdb1", label: "STICK", uuid: "2") == "STICK-2")
        #expect(names.release(node: "/dev/sda1") == "STICK")
        #expect(names.release(node: "/dev/sdb1") == "STICK-2")
        #expect(names.release(node: "/dev/sdb1") == nil)
        #expect(names.name(node: "/dev/sdc1", label: "STICK", uuid: "2") == "STICK-2")
        // Somebody else has it now.
        #expect(names.name(node: "/dev/sdd1", label: "STICK", uuid: "3") == "STICK")
        #expect(names.name(node: "/dev/sde1", label: "STICK", uuid: "1") == "STICK-3")
    }

    /// A storm of plugs: no two sticks ever share a name, and nothing grows.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func aPlugStormKeepsNamesApart(_ seed: UInt64) throws {
        var dice = Dice(seed: seed)
        let labels = ["A", "a", "", "/", "A-2", String(repeating: "é", count: 60)]
        var names = StickNames(reserved: ["local"])
        var present: Set<String> = []
        for step in 0..<2000 {
            let node = "/dev/sd\(Int.random(in: 0..<8, using: &dice))"
            if present.remove(node) != nil {
                #expect(names.release(node: node) != nil, "seed \(seed) step \(step)")
            } else {
                present.insert(node)
                let label = try #require(labels.randomElement(using: &dice))
                let name = names.name(node: node, label: label, uuid: "\(Int.random(in: 0..<200, using: &dice))")
                #expect(!name.isEmpty && !name.contains("/") && name.utf8.count <= StickNames.longest)
            }
            #expect(Set(names.names.map { $0.lowercased() }).count == present.count, "seed \(seed) step \(step)")
        }
    }
}
