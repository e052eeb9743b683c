/// The files of a storage as Connect knows them, compact: one flat array of nodes, one of all names, and sorted lists
/// of children. 10,000 files with names of 20 bytes take about 600 kB.
///
/// A pure value: it knows nothing of the disk. Nothing in it is recursive, so trees may be as deep as they like.
struct FileTree: Sendable {
    /// A file or folder of one tree. Good until it is removed from there.
    struct NodeID: Sendable, Hashable {
        fileprivate let index: UInt32
    }

    /// What is known about a file or folder, apart from its name and place.
    struct Entry: Sendable, Hashable {
        var isFolder: Bool
        var isReadOnly: Bool?
        /// Seconds since 1 January 1970 UTC.
        var modified: Int64?
        /// Bytes of a file; ignored for a folder, whose size is the sum of what is in it.
        var size: UInt64 = 0
        /// Changes with every change of the file that a look at the disk shows.
        var stamp: UInt32 = 0
    }

    private struct Node: Sendable {
        /// `Self.none` for the root and for what was taken out.
        var parent: UInt32
        var nameStart: UInt32
        /// Index in `folders`, `Self.none` for a file.
        var folder: UInt32
        var stamp: UInt32
        var size: UInt64
        /// Seconds since 1970, until 2106; what is outside is brought to the ends.
        var modified: UInt32
        var nameCount: UInt8
        var flags: Flags

        static let none = UInt32.max
    }

    private struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let knowsReadOnly = Flags(rawValue: 1)
        static let isReadOnly = Flags(rawValue: 2)
        static let knowsModified = Flags(rawValue: 4)
    }

    private struct Folder: Sendable {
        /// Sorted by the bytes of their names.
        var children: [NodeID] = []
        var watch: Int32?
    }

    /// The storage itself.
    static let root = NodeID(index: 0)

    private var nodes: [Node] = []
    private var freeNodes: [UInt32] = []
    private var folders: [Folder] = []
    private var freeFolders: [UInt32] = []
    /// The names of all nodes, one after another, in no order.
    private(set) var names: [UInt8] = []
    private var unusedNameBytes = 0

    /// A tree of nothing but the storage itself. The root's own name is kept elsewhere.
    init(root entry: Entry = Entry(isFolder: true)) {
        var entry = entry
        entry.isFolder = true
        _ = makeNode(name: [], entry, parent: Node.none)
    }

    /// Files and folders, the root included.
    var count: Int { nodes.count - freeNodes.count }

    // MARK: Looking

    func entry(_ node: NodeID) -> Entry {
        let node = nodes[Int(node.index)]
        return Entry(
            isFolder: node.folder != Node.none,
            isReadOnly: node.flags.contains(.knowsReadOnly) ? node.flags.contains(.isReadOnly) : nil,
            modified: node.flags.contains(.knowsModified) ? Int64(node.modified) : nil, size: node.size,
            stamp: node.stamp)
    }

    func isFolder(_ node: NodeID) -> Bool { nodes[Int(node.index)].folder != Node.none }

    /// The bytes of its name; none for the root.
    func name(_ node: NodeID) -> ArraySlice<UInt8> {
        let node = nodes[Int(node.index)]
        return names[Int(node.nameStart)..<Int(node.nameStart) + Int(node.nameCount)]
    }

    /// The folder that it is in; `nil` for the root and for what was taken out.
    func parent(_ node: NodeID) -> NodeID? {
        let parent = nodes[Int(node.index)].parent
        return parent == Node.none ? nil : NodeID(index: parent)
    }

    /// What is in a folder, sorted by the bytes of the names; nothing for a file.
    func children(_ node: NodeID) -> [NodeID] {
        let folder = nodes[Int(node.index)].folder
        return folder == Node.none ? [] : folders[Int(folder)].children
    }

    func child(of folder: NodeID, named name: ArraySlice<UInt8>) -> NodeID? {
        let index = nodes[Int(folder.index)].folder
        guard index != Node.none else { return nil }
        let children = folders[Int(index)].children
        let place = place(of: name, in: children)
        guard place < children.count else { return nil }
        let found = children[place]
        return self.name(found) == name ? found : nil
    }

    /// What `names` lead to from the root.
    func node(at names: some Sequence<String>) -> NodeID? {
        var node = Self.root
        for name in names {
            guard let next = child(of: node, named: ArraySlice(name.utf8)) else { return nil }
            node = next
        }
        return node
    }

    /// The names that lead from the root to the node; `nil` when it was taken out.
    func names(to node: NodeID) -> [String]? {
        var path: [String] = []
        var current = node
        while current != Self.root {
            path.append(String(decoding: name(current), as: UTF8.self))
            guard let parent = parent(current) else { return nil }
            current = parent
        }
        return path.reversed()
    }

    /// The node and everything below it, folders before what is in them, sorted.
    func subtree(_ node: NodeID) -> [NodeID] {
        var found: [NodeID] = []
        var open = [node]
        while let next = open.popLast() {
            found.append(next)
            open.append(contentsOf: children(next).reversed())
        }
        return found
    }

    // MARK: Changing

    /// Adds a file or folder; the name must not be taken in the folder.
    @discardableResult
    mutating func insert(_ name: ArraySlice<UInt8>, _ entry: Entry, in folder: NodeID) -> NodeID {
        let node = makeNode(name: name, entry, parent: folder.index)
        link(node, in: folder)
        if !entry.isFolder { addSize(0, entry.size, above: node) }
        return node
    }

    /// As ``insert(_:_:in:)`` for a name behind all others in the folder: whoever reads a directory sorts its names once.
    mutating func append(_ name: UnsafeBufferPointer<UInt8>, _ entry: Entry, in folder: NodeID) {
        let node = makeNode(name: name, entry, parent: folder.index)
        folders[Int(nodes[Int(folder.index)].folder)].children.append(node)
        if !entry.isFolder { addSize(0, entry.size, above: node) }
    }

    /// Takes what is new about a file or folder; whether it is a folder cannot change.
    mutating func update(_ node: NodeID, _ entry: Entry) {
        let index = Int(node.index)
        let old = nodes[index].size
        set(entry, at: index)
        guard !isFolder(node) else { return }
        nodes[index].size = entry.size
        addSize(old, entry.size, above: node)
    }

    /// Takes a file, or a folder with everything in it, out of its place. It can be put back by ``put(_:_:in:)`` or
    /// forgotten by ``forget(_:)``.
    mutating func takeOut(_ node: NodeID) {
        guard let folder = parent(node) else { return }
        addSize(nodes[Int(node.index)].size, 0, above: node)
        let list = Int(nodes[Int(folder.index)].folder)
        let place = place(of: name(node), in: folders[list].children)
        folders[list].children.remove(at: place)
        nodes[Int(node.index)].parent = Node.none
    }

    /// Puts something that was taken out into a folder, under a name that is not taken there.
    mutating func put(_ node: NodeID, _ name: ArraySlice<UInt8>, in folder: NodeID) {
        let index = Int(node.index)
        unusedNameBytes += Int(nodes[index].nameCount)
        nodes[index].nameStart = UInt32(names.count)
        nodes[index].nameCount = UInt8(name.count)
        names.append(contentsOf: name)
        nodes[index].parent = folder.index
        link(node, in: folder)
        addSize(0, nodes[index].size, above: node)
    }

    /// Frees the memory of something that was taken out.
    mutating func forget(_ node: NodeID) {
        for node in subtree(node) {
            let index = Int(node.index)
            unusedNameBytes += Int(nodes[index].nameCount)
            if nodes[index].folder != Node.none {
                folders[Int(nodes[index].folder)] = Folder()
                freeFolders.append(nodes[index].folder)
            }
            nodes[index].parent = Node.none
            freeNodes.append(node.index)
        }
        compactNames()
    }

    /// Takes something out and forgets it.
    mutating func remove(_ node: NodeID) {
        takeOut(node)
        forget(node)
    }

    /// Adds a copy of another tree as a folder of this one; watches are copied too. The name must not be taken.
    @discardableResult
    mutating func graft(_ other: FileTree, as name: ArraySlice<UInt8>, in folder: NodeID) -> NodeID {
        let top = insert(name, other.entry(Self.root), in: folder)
        watch(other.watch(Self.root), of: top)
        var copies = [Self.root: top]
        for original in other.subtree(Self.root).dropFirst() {
            guard let parent = other.parent(original).flatMap({ copies[$0] }) else { continue }
            let copy = insert(other.name(original), other.entry(original), in: parent)
            guard other.isFolder(original) else { continue }
            watch(other.watch(original), of: copy)
            copies[original] = copy
        }
        return top
    }

    /// Puts what is in another tree, and the watch of its root, into a folder of this one that is empty so far. The
    /// folder's own entry stays. Everything at once: that is far less work than one by one.
    mutating func adopt(_ other: FileTree, into folder: NodeID) {
        let (firstNode, firstFolder, firstName) = (UInt32(nodes.count), UInt32(folders.count), UInt32(names.count))
        for var node in other.nodes {
            if node.parent != Node.none {
                node.parent = node.parent == Self.root.index ? folder.index : node.parent + firstNode
            }
            if node.folder != Node.none { node.folder += firstFolder }
            node.nameStart += firstName
            nodes.append(node)
        }
        for var list in other.folders {
            list.children = list.children.map { NodeID(index: $0.index + firstNode) }
            folders.append(list)
        }
        names.append(contentsOf: other.names)
        freeNodes += other.freeNodes.map { $0 + firstNode }
        freeFolders += other.freeFolders.map { $0 + firstFolder }
        unusedNameBytes += other.unusedNameBytes
        // The folder takes the place of the other's root.
        let root = nodes[Int(firstNode)]
        folders[Int(nodes[Int(folder.index)].folder)] = folders[Int(root.folder)]
        folders[Int(root.folder)] = Folder()
        freeFolders.append(root.folder)
        freeNodes.append(firstNode)
        nodes[Int(folder.index)].size = root.size
        addSize(0, root.size, above: folder)
    }

    /// Gives back the memory that was reserved for growing.
    mutating func trim() {
        func exact<Element>(_ array: [Element]) -> [Element] {
            var copy: [Element] = []
            copy.reserveCapacity(array.count)
            copy.append(contentsOf: array)
            return copy
        }
        nodes = exact(nodes)
        folders = exact(folders)
        names = exact(names)
    }

    // MARK: Watches

    /// The number of the inotify watch of a folder, if it has one.
    func watch(_ node: NodeID) -> Int32? {
        let folder = nodes[Int(node.index)].folder
        return folder == Node.none ? nil : folders[Int(folder)].watch
    }

    /// The watches of a folder and of those below it.
    func watches(below top: NodeID) -> [(watch: Int32, node: NodeID)] {
        subtree(top).compactMap { node in watch(node).map { ($0, node) } }
    }

    mutating func watch(_ number: Int32?, of node: NodeID) {
        let folder = nodes[Int(node.index)].folder
        if folder != Node.none { folders[Int(folder)].watch = number }
    }
}

// Inside.
extension FileTree {
    private mutating func makeNode(name: some Collection<UInt8>, _ entry: Entry, parent: UInt32) -> NodeID {
        var node = Node(
            parent: parent, nameStart: UInt32(names.count), folder: Node.none, stamp: 0, size: 0, modified: 0,
            nameCount: UInt8(name.count), flags: [])
        names.append(contentsOf: name)
        if entry.isFolder {
            if let free = freeFolders.popLast() {
                node.folder = free
            } else {
                node.folder = UInt32(folders.count)
                folders.append(Folder())
            }
        } else {
            node.size = entry.size
        }
        let index: UInt32
        if let free = freeNodes.popLast() {
            index = free
            nodes[Int(free)] = node
        } else {
            index = UInt32(nodes.count)
            nodes.append(node)
        }
        set(entry, at: Int(index))
        return NodeID(index: index)
    }

    private mutating func set(_ entry: Entry, at index: Int) {
        var flags: Flags = []
        if let isReadOnly = entry.isReadOnly {
            flags.formUnion(isReadOnly ? [.knowsReadOnly, .isReadOnly] : .knowsReadOnly)
        }
        if entry.modified != nil { flags.insert(.knowsModified) }
        nodes[index].flags = flags
        nodes[index].modified = UInt32(clamping: entry.modified ?? 0)
        nodes[index].stamp = entry.stamp
    }

    private mutating func link(_ node: NodeID, in folder: NodeID) {
        let list = Int(nodes[Int(folder.index)].folder)
        let name = name(node)
        // Files that the application lists mostly come sorted.
        if let last = folders[list].children.last, Self.isBefore(name, self.name(last)) {
            folders[list].children.insert(node, at: place(of: name, in: folders[list].children))
        } else {
            folders[list].children.append(node)
        }
    }

    /// Where a name stands in a sorted list, or would stand.
    private func place(of name: ArraySlice<UInt8>, in children: [NodeID]) -> Int {
        var range = 0..<children.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if Self.isBefore(self.name(children[middle]), name) {
                range = (middle + 1)..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        return range.lowerBound
    }

    static func isBefore(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        left.lexicographicallyPrecedes(right)
    }

    /// Carries a change of size up to the root.
    private mutating func addSize(_ old: UInt64, _ new: UInt64, above node: NodeID) {
        guard old != new else { return }
        var next = nodes[Int(node.index)].parent
        while next != Node.none {
            nodes[Int(next)].size = nodes[Int(next)].size &+ new &- old
            next = nodes[Int(next)].parent
        }
    }

    /// Names are only appended; once most of them are of files that are gone, the rest moves together.
    private mutating func compactNames() {
        guard unusedNameBytes > 4096, unusedNameBytes > names.count / 2 else { return }
        var compact: [UInt8] = []
        compact.reserveCapacity(names.count - unusedNameBytes)
        let free = Set(freeNodes)
        for index in nodes.indices where !free.contains(UInt32(index)) {
            let name = name(NodeID(index: UInt32(index)))
            nodes[index].nameStart = UInt32(compact.count)
            compact.append(contentsOf: name)
        }
        names = compact
        unusedNameBytes = 0
    }
}
