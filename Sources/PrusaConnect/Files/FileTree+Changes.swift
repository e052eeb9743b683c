// What is different between two looks at the same storage, for when inotify lost count or cannot watch.

/// One difference that Connect is told.
enum FileDifference: Sendable, Hashable {
    /// Was at these names and is not there any more.
    case removed([String])
    /// A node of the new tree that is new.
    case added(FileTree.NodeID)
    /// A node of the new tree that is different from before.
    case changed(FileTree.NodeID)
}

extension FileTree {
    /// What has to be told about a folder that came with everything in it: its files, then the folder, whose children
    /// go along. Of folders inside only those that have folders themselves: the others are seen as a child.
    func additions(below top: NodeID) -> [NodeID] {
        var found: [NodeID] = []
        for node in subtree(top).reversed() {
            let isTold = !isFolder(node) || node == top || children(node).contains { isFolder($0) }
            if isTold { found.append(node) }
        }
        // Sorted again, but what is inside comes before its folder.
        return found.filter { !isFolder($0) }.reversed() + found.filter { isFolder($0) }
    }

    /// What has to be told about a folder that went with everything in it: its files, then the folder.
    func removals(below top: NodeID) -> [[String]] {
        var nodes = subtree(top).filter { !isFolder($0) }
        if isFolder(top) { nodes.append(top) }
        return nodes.compactMap { names(to: $0) }
    }

    /// The way from this tree to a newer one, folder by folder. A renamed file is one that went and one that came: what
    /// went is first, as when a rename is seen while it happens.
    func differences(to new: FileTree) -> [FileDifference] {
        var gone: [FileDifference] = []
        var found: [FileDifference] = []
        var folders = [(old: Self.root, new: Self.root)]
        while let (old, newFolder) = folders.popLast() {
            var before = self.children(old)[...]
            var after = new.children(newFolder)[...]
            while let pair = Self.nextPair(&before, of: self, &after, of: new) {
                switch pair {
                case (let old?, nil): gone += removals(below: old).map(FileDifference.removed)
                case (nil, let added?): found += new.additions(below: added).map(FileDifference.added)
                case (let old?, let now?):
                    let (was, entry) = (entry(old), new.entry(now))
                    if was.isFolder != entry.isFolder {
                        gone += removals(below: old).map(FileDifference.removed)
                        found += new.additions(below: now).map(FileDifference.added)
                    } else if was.isReadOnly != entry.isReadOnly || !was.isFolder && was.stamp != entry.stamp {
                        found.append(.changed(now))
                    }
                    if was.isFolder, entry.isFolder { folders.append((old, now)) }
                case (nil, nil): break
                }
            }
        }
        return gone + found
    }

    /// Takes the next name from two sorted lists: from one of them, or from both when it is in both.
    private static func nextPair(
        _ before: inout ArraySlice<NodeID>, of old: FileTree, _ after: inout ArraySlice<NodeID>, of new: FileTree
    ) -> (NodeID?, NodeID?)? {
        guard let left = before.first else { return after.popFirst().map { (nil, $0) } }
        guard let right = after.first else { return before.popFirst().map { ($0, nil) } }
        let (leftName, rightName) = (old.name(left), new.name(right))
        if isBefore(leftName, rightName) { return (before.popFirst(), nil) }
        if isBefore(rightName, leftName) { return (nil, after.popFirst()) }
        return (before.popFirst(), after.popFirst())
    }
}
