import Glibc

/// A way down into a folder, level by level, for walks through trees of any depth: not recursive, and only the lowest
/// levels are held open, because a process has no descriptors to waste. Never leads through a symbolic link. Folders on
/// it are open for reading, so that one descriptor does for their entries and for the way further down.
struct FolderWay {
    private static let mostOpen = 32

    private let top: Descriptor
    /// With a NUL at the end each. Bytes, because a name need not be UTF-8.
    private var names: [[CChar]] = []
    /// The lowest of the levels, as many as are open.
    private var open: [Descriptor] = []

    /// A way that begins at an open folder.
    init(_ top: Descriptor) { self.top = top }

    /// Levels below the top.
    var depth: Int { names.count }

    /// The lowest level's name.
    var name: [CChar]? { names.last }

    /// Goes down into a folder; `nil` with `errno` set when it is not there or may not be entered.
    mutating func down(_ name: [CChar]) -> Descriptor? {
        guard let above = current(), let folder = Descriptor.readableFolder(name, in: above.number) else { return nil }
        names.append(name)
        keep(folder)
        return folder
    }

    /// Goes up one level.
    mutating func up() {
        _ = names.popLast()
        _ = open.popLast()
    }

    /// The folder at the end of the way; `nil` with `errno` set when it is not there any more.
    mutating func current() -> Descriptor? {
        if names.isEmpty { return top }
        if let last = open.last { return last }
        var folder = top
        for name in names {
            guard let next = Descriptor.readableFolder(name, in: folder.number) else {
                open.removeAll()
                return nil
            }
            folder = next
            keep(next)
        }
        return folder
    }

    private mutating func keep(_ folder: Descriptor) {
        open.append(folder)
        if open.count > Self.mostOpen { open.removeFirst() }
    }
}
