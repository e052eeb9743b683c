import Glibc

/// Knows the sticks: mounts those that come, clears up after those that go. Slow, so it has a thread of its own (see
/// `StickKeeper`); not for two at once.
struct Sticks {
    private let mounter: Mounter
    private let mounts: Bool
    private var names: StickNames
    private var present: [String: USBFileSystem] = [:]
    private var attached: [String: Stick] = [:]
    /// Ejected but still plugged in: left alone until pulled.
    private var ejected: Set<String> = []

    /// - Parameters:
    ///   - settings: how the owner wants it.
    init(_ settings: StickSettings) {
        mounter = Mounter(base: settings.directory, isReadOnly: settings.isReadOnly)
        mounts = settings.mounts
        names = StickNames(reserved: settings.reservedNames)
    }

    /// The sticks that can be read now, by name.
    var list: [Stick] { attached.values.sorted { $0.name < $1.name } }

    /// Clears up what a process before this one left behind when it was killed.
    func clearLeftovers() {
        for mount in MountTable.read() where mount.path.hasPrefix(mounter.base + "/") { mounter.detach(mount.path) }
    }

    /// A volume is there, or something about it changed.
    mutating func appeared(_ volume: USBFileSystem) -> [StickEvent] {
        if let old = present[volume.node] {
            if old == volume { return [] }
            // Formatted anew, or another card in the same reader.
            return vanished(volume.node) + appeared(volume)
        }
        present[volume.node] = volume
        return attach(volume)
    }

    /// A device is gone, whether it was a volume or not. The kernel does not take the mount away: until somebody does,
    /// the folder looks empty and every file fails.
    mutating func vanished(_ node: String) -> [StickEvent] {
        present[node] = nil
        let wasEjected = ejected.remove(node) != nil
        guard let storage = attached.removeValue(forKey: node) else {
            if wasEjected { names.release(node: node) }
            return []
        }
        if storage.isOwn { mounter.detach(storage.path) }
        names.release(node: node)
        return [.detached(storage, wasEjected: false)]
    }

    /// All volumes that are there, after news were lost or at the start.
    mutating func compare(with volumes: [USBFileSystem]) -> [StickEvent] {
        let nodes = Set(volumes.map(\.node))
        var events: [StickEvent] = []
        for node in present.keys.sorted() where !nodes.contains(node) { events += vanished(node) }
        for volume in volumes { events += appeared(volume) }
        return events
    }

    /// The mount table changed: somebody else may have mounted a stick, or unmounted ours.
    mutating func mountsChanged() -> [StickEvent] {
        let table = MountTable.read()
        var events: [StickEvent] = []
        for (node, storage) in attached.sorted(by: { $0.key < $1.key })
        where !table.contains(where: { $0.path == storage.path && $0.source == node }) {
            attached[node] = nil
            names.release(node: node)
            ejected.insert(node)
            if storage.isOwn { rmdir(storage.path) }
            events.append(.detached(storage, wasEjected: true))
        }
        for (node, volume) in present.sorted(by: { $0.key < $1.key }) where attached[node] == nil {
            guard let mount = Self.mount(of: node, in: table) else { continue }
            ejected.remove(node)
            events.append(note(volume, mount.path, isReadOnly: mount.isReadOnly, isOwn: false))
        }
        return events
    }

    /// Unmounts a stick of ours so that it may be pulled.
    mutating func eject(_ name: String) throws(StickError) -> [StickEvent] {
        guard let (node, storage) = attached.first(where: { $0.value.name == name }) else {
            throw StickError(.eject, name, code: ENOENT)
        }
        guard storage.isOwn else { throw StickError(.eject, name, code: EPERM) }
        try mounter.eject(storage)
        attached[node] = nil
        ejected.insert(node)
        return [.detached(storage, wasEjected: true)]
    }

    /// The end: nothing of ours stays mounted.
    mutating func close() {
        for storage in attached.values where storage.isOwn {
            // What was written goes to the medium first; when a file is still open, as far as that can be.
            do { try mounter.eject(storage) } catch { mounter.detach(storage.path) }
        }
        attached = [:]
    }

    private mutating func attach(_ volume: USBFileSystem) -> [StickEvent] {
        if let mount = Self.mount(of: volume.node, in: MountTable.read()) {
            return [note(volume, mount.path, isReadOnly: mount.isReadOnly, isOwn: false)]
        }
        guard mounts else { return [] }
        let name = names.name(node: volume.node, label: volume.label, uuid: volume.uuid)
        do throws(StickError) {
            let (path, isReadOnly) = try mounter.mount(volume, name: name)
            return [note(volume, path, isReadOnly: isReadOnly, isOwn: true)]
        } catch {
            names.release(node: volume.node)
            return [.failed(error)]
        }
    }

    private mutating func note(
        _ volume: USBFileSystem, _ path: String, isReadOnly: Bool, isOwn: Bool
    ) -> StickEvent {
        let name = names.name(node: volume.node, label: volume.label, uuid: volume.uuid)
        let storage = Stick(
            name: name, label: volume.label, node: volume.node, path: path, isReadOnly: isReadOnly, isOwn: isOwn)
        attached[volume.node] = storage
        return .attached(storage)
    }

    private static func mount(of node: String, in table: [Mount]) -> Mount? {
        table.first { $0.source == node && $0.isWhole }
    }
}

/// How the owner wants sticks.
public struct StickSettings: Equatable, Sendable {
    /// False: only sticks that something else mounts are used.
    public var mounts = true
    /// Never write to a stick.
    public var isReadOnly = true
    /// Folder that sticks are mounted in; made when it is missing, its parent must be there.
    public var directory = "/run/gantry/media"
    /// Names that no stick may have.
    public var reservedNames: Set<String> = []

    /// The defaults.
    public init() {}
}
