import Foundation
import Testing

@testable import PrusaConnect

@Suite struct FileTreeTests {
    private typealias Entry = FileTree.Entry

    private func bytes(_ name: String) -> ArraySlice<UInt8> { ArraySlice(name.utf8) }

    private func legacy(_ tree: FileTree, name: String = "local", space: StorageSpace? = nil) -> String {
        var json = JSONWriter()
        tree.writeLegacy(name: name, space: space, to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private func flat(_ tree: FileTree, _ node: FileTree.NodeID) -> String {
        var json = JSONWriter()
        tree.writeFlat(node, name: tree.name(node), to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// parts/gear.gco and box.gcode, as in the reference's examples.
    private func example() -> (tree: FileTree, parts: FileTree.NodeID, gear: FileTree.NodeID) {
        var tree = FileTree(root: Entry(isFolder: true, isReadOnly: false, modified: 1_719_310_000))
        let folder = Entry(isFolder: true, isReadOnly: false, modified: 1_719_309_000)
        let parts = tree.insert(bytes("parts"), folder, in: FileTree.root)
        let gear = tree.insert(
            bytes("gear.gco"), Entry(isFolder: false, isReadOnly: false, modified: 1_719_309_000, size: 953), in: parts)
        tree.insert(
            bytes("box.gcode"), Entry(isFolder: false, isReadOnly: false, modified: 1_719_310_000, size: 952),
            in: FileTree.root)
        return (tree, parts, gear)
    }

    @Test("A tree that another one takes over as a folder is the same as one that grew there, and can change")
    func adopting() throws {
        func fill(_ tree: inout FileTree, _ folder: FileTree.NodeID) -> FileTree.NodeID {
            let inner = tree.insert(bytes("inner"), Entry(isFolder: true), in: folder)
            tree.insert(bytes("b.gcode"), Entry(isFolder: false, size: 5), in: folder)
            tree.insert(bytes("deep.gcode"), Entry(isFolder: false, modified: 7, size: 30), in: inner)
            return inner
        }
        var grown = FileTree()
        var taking = FileTree()
        var part = FileTree()
        // Something that is gone, so that there are free places in all of them.
        part.remove(part.insert(bytes("gone"), Entry(isFolder: true), in: FileTree.root))
        part.watch(5, of: FileTree.root)
        part.watch(6, of: fill(&part, FileTree.root))
        for name in ["a", "folder", "z"] {
            let entry = Entry(isFolder: name == "folder", isReadOnly: true, modified: 3, size: 1)
            let (left, right) = (
                grown.insert(bytes(name), entry, in: FileTree.root),
                taking.insert(bytes(name), entry, in: FileTree.root)
            )
            guard name == "folder" else { continue }
            _ = fill(&grown, left)
            taking.adopt(part, into: right)
            #expect(taking.watch(right) == 5)
        }
        #expect(legacy(taking) == legacy(grown) && taking.count == grown.count)
        #expect(taking.watches(below: FileTree.root).map(\.watch) == [5, 6])
        func change(_ tree: inout FileTree) throws {
            for number in 0..<20 {
                for path in [["folder", "inner"], ["folder"], []] {
                    let folder = try #require(tree.node(at: path))
                    let entry = Entry(isFolder: number % 3 == 0, size: UInt64(number))
                    tree.insert(bytes("n\(number)"), entry, in: folder)
                    guard number % 4 == 3 else { continue }
                    tree.remove(try #require(tree.node(at: path + ["n\(number - 3)"])))
                }
            }
        }
        try change(&grown)
        try change(&taking)
        #expect(legacy(taking) == legacy(grown) && taking.count == grown.count)
    }

    // MARK: Both forms

    @Test func theLegacyForm() {
        let (tree, _, _) = example()
        #expect(
            legacy(tree, space: StorageSpace(free: 24_000_000_000, total: 31_000_000_000)) == """
                {"type": "DIR", "name": "local", "read_only": false, "m_timestamp": 1719310000, "size": 1905, \
                "children": [{"type": "FILE", "name": "box.gcode", "read_only": false, "m_timestamp": 1719310000, \
                "size": 952}, {"type": "DIR", "name": "parts", "read_only": false, "m_timestamp": 1719309000, \
                "size": 953, "children": [{"type": "FILE", "name": "gear.gco", "read_only": false, \
                "m_timestamp": 1719309000, "size": 953}]}], "free_space": 24000000000, "total_space": 31000000000}
                """)
    }

    @Test func aFullStorageHasNoSpaceLeft() {
        #expect(
            legacy(FileTree(), space: StorageSpace(free: 0, total: 5)) == """
                {"type": "DIR", "name": "local", "size": 0, "children": [], "free_space": 0, "total_space": 5}
                """)
    }

    @Test func theFlatForm() {
        let (tree, parts, gear) = example()
        #expect(
            flat(tree, parts) == """
                {"type": "FOLDER", "name": "parts", "read_only": false, "m_timestamp": 1719309000, "size": 953, \
                "children": [{"type": "PRINT_FILE", "name": "gear.gco", "read_only": false, \
                "m_timestamp": 1719309000, "size": 953}]}
                """)
        #expect(
            flat(tree, gear) == """
                {"type": "PRINT_FILE", "name": "gear.gco", "read_only": false, "m_timestamp": 1719309000, "size": 953}
                """)
    }

    @Test func foldersInTheFlatFormHaveNoChildrenOfTheirOwn() {
        var tree = FileTree()
        let outer = tree.insert(bytes("outer"), Entry(isFolder: true), in: FileTree.root)
        let inner = tree.insert(bytes("inner"), Entry(isFolder: true), in: outer)
        tree.insert(bytes("x.txt"), Entry(isFolder: false, size: 3), in: inner)
        #expect(
            flat(tree, outer) == """
                {"type": "FOLDER", "name": "outer", "size": 3, "children": [{"type": "FOLDER", "name": "inner", \
                "size": 3}]}
                """)
    }

    @Test(arguments: [
        ("a.gcode", FlatFileType.printFile), ("A.GCODE", .printFile), ("a.gc", .printFile), ("a.g", .printFile),
        ("a.GCO", .printFile), ("a.b.gcode", .printFile), ("fw.hex", .firmware), ("FW.HEX", .firmware),
        ("a.bgcode", .file), ("a.sl1", .file), ("gcode", .file), ("a.gcode.txt", .file), ("g", .file),
        ("a.gcod", .file),
        ("a.", .file), ("hex", .file),
    ])
    func types(_ name: String, _ type: FlatFileType) { #expect(FlatFileType(name: bytes(name)) == type) }

    @Test func namesAreWrittenInASCII() {
        var tree = FileTree()
        tree.insert(bytes("Žluťoučký \"kůň\"\\\n🦊.gcode"), Entry(isFolder: false), in: FileTree.root)
        #expect(
            legacy(tree) == """
                {"type": "DIR", "name": "local", "size": 0, "children": [{"type": "FILE", "name": \
                "\\u017dlu\\u0165ou\\u010dk\\u00fd \\"k\\u016f\\u0148\\"\\\\\\n\\ud83e\\udd8a.gcode", "size": 0}]}
                """)
    }

    // MARK: Changes

    @Test func movingAFolderTakesItsFilesAlong() throws {
        var (tree, parts, gear) = example()
        let other = tree.insert(bytes("other"), Entry(isFolder: true), in: FileTree.root)
        tree.takeOut(parts)
        #expect(tree.names(to: gear) == nil)
        #expect(tree.entry(FileTree.root).size == 952)
        tree.put(parts, bytes("renamed"), in: other)
        #expect(tree.names(to: gear) == ["other", "renamed", "gear.gco"])
        #expect(tree.entry(FileTree.root).size == 1905 && tree.entry(other).size == 953)
        #expect(tree.node(at: ["other", "renamed", "gear.gco"]) == gear)
        tree.update(gear, Entry(isFolder: false, size: 1))
        #expect(tree.entry(FileTree.root).size == 953)
        tree.remove(other)
        #expect(tree.count == 2 && tree.entry(FileTree.root).size == 952)
    }

    @Test func aVeryDeepTree() throws {
        var tree = FileTree()
        var folder = FileTree.root
        for _ in 0..<20_000 { folder = tree.insert(bytes("d"), Entry(isFolder: true), in: folder) }
        tree.insert(bytes("f"), Entry(isFolder: false, size: 7), in: folder)
        #expect(tree.entry(FileTree.root).size == 7)
        #expect(legacy(tree).utf8.count > 20_000 * 40)
        #expect(tree.differences(to: tree).isEmpty)
        let empty = FileTree()
        #expect(tree.differences(to: empty).count == 2)
        tree.remove(tree.children(FileTree.root)[0])
        #expect(tree.count == 1)
    }

    /// The tree against the plainest model there is, a dictionary of paths.
    @Test func randomChanges() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("randomChanges: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var tree = FileTree()
        var model: [[String]: UInt64?] = [:]  // nil: a folder
        func folders() -> [[String]] { [[]] + model.filter { $0.value == nil }.keys.sorted { "\($0)" < "\($1)" } }
        func node(_ path: [String]) throws -> FileTree.NodeID { try #require(tree.node(at: path)) }
        for round in 0..<3000 {
            let parent = try #require(folders().randomElement(using: &random))
            let path = parent + ["n\(Int.random(in: 0..<20, using: &random))"]
            switch (Int.random(in: 0..<10, using: &random), model[path]) {
            case (0..<5, nil) where parent.count < 6:
                let size: UInt64? = Bool.random(using: &random) ? UInt64.random(in: 0..<1000, using: &random) : nil
                let entry = Entry(isFolder: size == nil, size: size ?? 0)
                tree.insert(bytes(path[path.count - 1]), entry, in: try node(parent))
                model[path] = .some(size)
            case (5, .some(.some)):
                tree.update(try node(path), Entry(isFolder: false, size: UInt64(round)))
                model[path] = .some(UInt64(round))
            case (6, .some):
                tree.remove(try node(path))
                model = model.filter { !$0.key.starts(with: path) }
            case (7, .some):
                let target = try #require(folders().filter { !$0.starts(with: path) }.randomElement(using: &random))
                let new = target + ["m\(round)"]
                let moved = try node(path)
                tree.takeOut(moved)
                tree.put(moved, bytes(new[new.count - 1]), in: try node(target))
                for (old, size) in model where old.starts(with: path) {
                    model[old] = nil
                    model[new + old.dropFirst(path.count)] = .some(size)
                }
            default: break
            }
        }
        #expect(tree.count == model.count + 1)
        for (path, size) in model {
            let sum = model.filter { $0.key.starts(with: path) }.values.reduce(0) { $0 + ($1 ?? 0) }
            #expect(tree.entry(try node(path)).size == sum)
            #expect(tree.isFolder(try node(path)) == (size == nil))
            #expect(try tree.names(to: node(path)) == path)
            let names = tree.children(try node(path)).map { Array(tree.name($0)) }
            #expect(names == names.sorted { $0.lexicographicallyPrecedes($1) })
        }
        // What went is given back: no more nodes than the most that were there at once.
        #expect(tree.subtree(FileTree.root).count == tree.count)
        #expect(tree.names.count < 200_000)
    }

    @Test func graftingCopiesWatchesToo() throws {
        var (tree, parts, _) = example()
        var part = FileTree(root: Entry(isFolder: true, isReadOnly: true, modified: 5, stamp: 9))
        let inner = part.insert(bytes("inner"), Entry(isFolder: true), in: FileTree.root)
        part.insert(bytes("f"), Entry(isFolder: false, size: 10, stamp: 3), in: inner)
        part.watch(1, of: FileTree.root)
        part.watch(2, of: inner)
        let top = tree.graft(part, as: bytes("new"), in: parts)
        #expect(tree.entry(top) == Entry(isFolder: true, isReadOnly: true, modified: 5, size: 10, stamp: 9))
        #expect(tree.watches(below: top).map(\.watch) == [1, 2])
        #expect(tree.entry(parts).size == 963)
        #expect(try tree.entry(#require(tree.node(at: ["parts", "new", "inner", "f"]))).stamp == 3)
    }

    // MARK: Differences

    @Test func differencesAreFilesAndTopmostFolders() throws {
        let (old, _, _) = example()
        var new = old
        new.remove(try #require(new.node(at: ["parts"])))
        new.update(try #require(new.node(at: ["box.gcode"])), Entry(isFolder: false, isReadOnly: true, size: 952))
        let top = new.insert(bytes("new"), Entry(isFolder: true), in: FileTree.root)
        let inner = new.insert(bytes("inner"), Entry(isFolder: true), in: top)
        let deepest = new.insert(bytes("deepest"), Entry(isFolder: true), in: inner)
        let file = new.insert(bytes("f"), Entry(isFolder: false), in: deepest)
        let differences = old.differences(to: new)
        #expect(
            differences == [
                .removed(["parts", "gear.gco"]), .removed(["parts"]),
                .changed(try #require(new.node(at: ["box.gcode"]))),
                // `deepest` is seen as a child of `inner`.
                .added(file), .added(inner), .added(top),
            ])
        #expect(old.differences(to: old).isEmpty)
    }

    @Test func aFileInPlaceOfAFolder() throws {
        let (old, _, _) = example()
        var new = old
        new.remove(try #require(new.node(at: ["parts"])))
        let file = new.insert(bytes("parts"), Entry(isFolder: false), in: FileTree.root)
        #expect(
            old.differences(to: new) == [.removed(["parts", "gear.gco"]), .removed(["parts"]), .added(file)])
    }

    // MARK: Files that only the application knows

    @Test func filesOfTheApplication() throws {
        let files: [StorageFile] = [
            .folder("SUB", isReadOnly: true, [.file("ONE.G", FileAttributes(size: 1))]),
            .file("BENCHY.GCO", FileAttributes(isReadOnly: true, modified: 5, size: 4096)), .file(".hidden"),
        ]
        let tree = try FileTree(files)
        #expect(
            legacy(tree, name: "SD Card") == """
                {"type": "DIR", "name": "SD Card", "size": 4097, "children": [{"type": "FILE", "name": "BENCHY.GCO", \
                "read_only": true, "m_timestamp": 5, "size": 4096}, {"type": "DIR", "name": "SUB", "read_only": true, \
                "size": 1, "children": [{"type": "FILE", "name": "ONE.G", "size": 1}]}]}
                """)
    }

    @Test(arguments: ["", "a/b", "x\u{0}", String(repeating: "n", count: 256)])
    func badNamesOfTheApplication(_ name: String) {
        #expect(throws: StorageError.badName(name)) { try FileTree([.folder("f", [.file(name)])]) }
    }

    @Test func theSameNameTwice() {
        #expect(throws: StorageError.badName("a")) { try FileTree([.file("a"), .folder("a", [])]) }
    }
}
