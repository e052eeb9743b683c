import Glibc

/// Knows the sticks: mounts those that come, clears up after those that go. Slow, so it has a thread of its own (see
/// `StickKeeper`); not for two at once.
struct Sticks {
    private let settings: StickSettings
    private let mounter: Mounter
    private var names: StickNames
    private var present: [String: USBFileSystem] = [:]
    private var attached: [String: Stick] = [:]
    /// Ejected but still plugged in: left alone until pulled.
    private var ejected: Set<String> = []

    /// - Parameters:
    ///   - settings: how the owner wants it.
    init(_ settings: StickSettings) {
        self.settings = settings
        mounter = Mounter(base: settings.directory, isReadOnly: settings.isReadOnly)
        names = StickNames(reserved: settings.reservedNames)
    }

    /// The sticks that can be read now, by name.
    var list: [Stick] { attached.values.sorted { $0.name < $1.name } }

    /// Clears up what a process before this one left behind when it was killed.
    func clearLeftovers() {
        for mount in table where mount.path.hasPrefix(mounter.base + "/") { mounter.detach(mount.path) }
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
    /// the folder looks empty and every file fails. What udisks2 mounted it clears up itself.
    mutating func vanished(_ node: String) -> [StickEvent] {
        present[node] = nil
        let wasEjected = ejected.remove(node) != nil
        guard let storage = attached.removeValue(forKey: node) else {
            if wasEjected { names.release(node: node) }
            return []
        }
        if storage.owner == .gantry { mounter.detach(storage.path) }
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
        let table = table
        var events: [StickEvent] = []
        for (node, storage) in attached.sorted(by: { $0.key < $1.key })
        where !table.contains(where: { $0.path == storage.path && $0.source == node }) {
            attached[node] = nil
            names.release(node: node)
            // udisks2 may have cleared up after a stick that was torn out before udev tells of it.
            let isThere = access(node, F_OK) == 0
            if isThere { ejected.insert(node) }
            if storage.owner == .gantry { rmdir(storage.path) }
            events.append(.detached(storage, wasEjected: isThere))
        }
        for (node, volume) in present.sorted(by: { $0.key < $1.key }) where attached[node] == nil {
            guard let mount = Self.mount(of: node, in: table) else { continue }
            ejected.remove(node)
            events.append(note(volume, mount.path, isReadOnly: mount.isReadOnly, .other))
        }
        return events
    }

    /// Unmounts a stick so that it may be pulled.
    mutating func eject(_ name: String) throws(StickError) -> [StickEvent] {
        guard let (node, storage) = attached.first(where: { $0.value.name == name }) else {
            throw StickError(.eject, name, code: ENOENT)
        }
        var events: [StickEvent] = []
        if storage.owner == .gantry { try mounter.eject(storage) } else { events = try ejectThroughUdisks(storage) }
        attached[node] = nil
        ejected.insert(node)
        return [.detached(storage, wasEjected: true)] + events
    }

    /// What others mounted too, a desktop or an earlier life of ours: udisks2 knows who may unmount it.
    private func ejectThroughUdisks(_ storage: Stick) throws(StickError) -> [StickEvent] {
        guard settings.mounting.usesUdisks else { throw StickError(.eject, storage.name, code: EPERM) }
        do throws(UdisksFailure) { try settings.udisks.unmount(storage.node) } catch {
            // Where udisks2 is not used after all, somebody else has mounted it.
            if error == .notInstalled, storage.owner == .other {
                throw StickError(.eject, storage.name, code: EPERM)
            }
            throw StickError(.eject, storage.name, error)
        }
        guard mount(of: storage.node) == nil else { throw StickError(.eject, storage.name, .noEffect) }
        do throws(UdisksFailure) { try settings.udisks.powerOff(storage.node) } catch {
            // Unmounted it may be pulled all the same. Another partition of it may be in use.
            return [.noted(StickError(.powerOff, storage.node, error))]
        }
        return []
    }

    /// The end: nothing of ours stays mounted.
    mutating func close() {
        for storage in attached.values {
            switch storage.owner {
            case .gantry:
                // What was written goes to the medium first; when a file is still open, as far as that can be.
                do { try mounter.eject(storage) } catch { mounter.detach(storage.path) }
            case .udisks2:
                // Where it cannot, the stick stays udisks2's.
                try? settings.udisks.unmount(storage.node)
            case .other: break
            }
        }
        attached = [:]
    }

    private mutating func attach(_ volume: USBFileSystem) -> [StickEvent] {
        if let mount = mount(of: volume.node) {
            return [note(volume, mount.path, isReadOnly: mount.isReadOnly, .other)]
        }
        var events: [StickEvent] = []
        if settings.mounting.usesUdisks {
            do throws(UdisksFailure) { return [try attachThroughUdisks(volume)] } catch {
                let problem = StickError(.mount, volume.node, type: volume.type, error)
                guard settings.mounting.usesKernel else { return [.failed(problem)] }
                if error != .notInstalled { events.append(.noted(problem)) }
            }
        }
        return settings.mounting.usesKernel ? events + [attachThroughKernel(volume)] : events
    }

    private mutating func attachThroughUdisks(_ volume: USBFileSystem) throws(UdisksFailure) -> StickEvent {
        var owner = Stick.Owner.udisks2
        do throws(UdisksFailure) {
            try mountThroughUdisks(volume.node)
        } catch {
            // An automounter was faster, or it took longer than we waited.
            guard mount(of: volume.node) != nil else { throw error }
            if case .refused = error { owner = .other }
        }
        guard let mount = mount(of: volume.node) else { throw .noEffect }
        return note(volume, mount.path, isReadOnly: mount.isReadOnly, owner)
    }

    private func mountThroughUdisks(_ node: String) throws(UdisksFailure) {
        do throws(UdisksFailure) {
            try settings.udisks.mount(node, isReadOnly: settings.isReadOnly)
        } catch {
            // A medium with its write protection on, or a file system that is only good for reading.
            guard case .refused = error, !settings.isReadOnly, mount(of: node) == nil else { throw error }
            try settings.udisks.mount(node, isReadOnly: true)
        }
    }

    private mutating func attachThroughKernel(_ volume: USBFileSystem) -> StickEvent {
        let name = names.name(node: volume.node, label: volume.label, uuid: volume.uuid)
        do throws(StickError) {
            let (path, isReadOnly) = try mounter.mount(volume, name: name)
            return note(volume, path, isReadOnly: isReadOnly, .gantry)
        } catch {
            names.release(node: volume.node)
            return .failed(error)
        }
    }

    private mutating func note(
        _ volume: USBFileSystem, _ path: String, isReadOnly: Bool, _ owner: Stick.Owner
    ) -> StickEvent {
        let name = names.name(node: volume.node, label: volume.label, uuid: volume.uuid)
        let storage = Stick(
            name: name, label: volume.label, node: volume.node, path: path, isReadOnly: isReadOnly, owner: owner)
        attached[volume.node] = storage
        return .attached(storage)
    }

    private var table: [Mount] { MountTable.read(settings.mountTable) }

    private func mount(of node: String) -> Mount? { Self.mount(of: node, in: table) }

    private static func mount(of node: String, in table: [Mount]) -> Mount? {
        table.first { $0.source == node && $0.isWhole }
    }
}

/// How the owner wants sticks.
public struct StickSettings: Equatable, Sendable {
    /// Who mounts a stick.
    public enum Mounting: String, Equatable, Sendable, CaseIterable {
        /// udisks2 where it is there and does it, else Gantry.
        case auto
        /// udisks2 only.
        case udisks2
        /// Gantry, by mount(2); needs CAP_SYS_ADMIN.
        case kernel
        /// Somebody else: only sticks that are mounted without Gantry are used.
        case none

        var usesUdisks: Bool { self == .auto || self == .udisks2 }
        var usesKernel: Bool { self == .auto || self == .kernel }
    }

    /// Who mounts sticks.
    public var mounting = Mounting.auto
    /// Never write to a stick.
    public var isReadOnly = true
    /// Folder that Gantry mounts sticks in; udisks2 has its own. Made when it is missing, its parent must be there.
    public var directory = "/run/gantry/media"
    /// Names that no stick may have.
    public var reservedNames: Set<String> = []
    /// How udisks2 is reached.
    var udisks = Udisks()
    /// Where the mount table is.
    var mountTable = MountTable.path

    /// The defaults.
    public init() {}
}
