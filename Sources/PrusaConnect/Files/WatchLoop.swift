import Glibc
import Synchronization

/// The thread "connect-files": reads directories and inotify, changes the trees in `storages`, and tells what changed.
///
/// Events are hints where to look; what is told comes from a look at the disk. So an event too many does no harm, and
/// whenever events may be missing, the storage is read anew and the differences are told.
final class WatchLoop {
    /// A storage that is kept up to date.
    struct Watched {
        let id: UInt64
        let directory: StorageDirectory
        var presence: Presence
        /// Not everything could be watched or read: changes are looked for from time to time.
        var isIncomplete: Bool
        var nextPoll: Duration = .zero
        /// Events were lost.
        var needsScan = false
    }

    /// Whether the directory of a storage is there.
    enum Presence: Hashable {
        case present(FileIdentity)
        /// Its watch ended: it must be looked at.
        case unknown
        /// It is gone, and Connect knows it.
        case lost
    }

    /// The folder that a watch is about. One folder can be in two storages, by overlapping directories.
    struct Owner {
        let id: UInt64
        let node: FileTree.NodeID
    }

    /// A folder that was moved away, until it is known where to.
    struct Limbo {
        let id: UInt64
        let node: FileTree.NodeID
        let until: Duration
        /// Something happened in it meanwhile.
        var isChanged = false
    }

    let storages: Storages
    let options: WatchOptions
    private let log: PrinterLog?
    private let mailbox: WatchMailbox
    var inotify: Inotify?
    private var report: FileReport = { _ in }
    private var nextCheck: Duration = .zero

    var watched: [UInt64: Watched] = [:]
    var owners: [Int32: [Owner]] = [:]
    var limbo: [UInt32: Limbo] = [:]
    /// Folders that were just read: events before this position may be about what was seen then already.
    var settling: [Int32: UInt64] = [:]
    /// The folder of the last event, open while a batch of events is handled.
    var openFolder: (watch: Int32, folder: Descriptor)?

    private var news: [(id: UInt64, news: FileNews)] = []
    /// Storages whose free space was asked for in this batch.
    private var freshSpaces: Set<UInt64> = []
    /// News are told when there are so many, to keep memory low when thousands of files come at once.
    private static let mostNews = 200

    init(storages: Storages, options: WatchOptions, log: PrinterLog?, mailbox: WatchMailbox) {
        self.storages = storages
        self.options = options
        self.log = log
        self.mailbox = mailbox
        inotify = options.usesInotify ? Inotify() : nil
    }

    var now: Duration { ConnectClock.system.monotonic() }

    func run() {
        while true {
            for request in mailbox.take() {
                switch request {
                case .attach(let request): attach(request)
                case .forget(let id): forget(id)
                case .rescan: for id in watched.keys { watched[id]?.needsScan = true }
                case .stop: return
                }
            }
            readEvents()
            checkTimes()
            tellNews()
            wait()
        }
    }

    // MARK: Waiting

    private func wait() {
        var ends = [pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0)]
        if let inotify { ends.append(pollfd(fd: inotify.descriptor.number, events: Int16(POLLIN), revents: 0)) }
        var deadlines = limbo.values.map(\.until)
        if !watched.isEmpty { deadlines.append(nextCheck) }
        deadlines += watched.values.filter(\.isIncomplete).map(\.nextPoll)
        let timeout = deadlines.min().map { max($0 - now, .zero).millisecondsRoundedUp } ?? -1
        poll(&ends, nfds_t(ends.count), Int32(clamping: timeout))
    }

    private func readEvents() {
        // Not for ever: others want something, too.
        for _ in 0..<64 {
            guard let events = inotify?.read(), !events.isEmpty else {
                // Everything before this moment is handled.
                settling.removeAll()
                break
            }
            for event in events { handle(event) }
            openFolder = nil
            tellNews()
        }
    }

    private func checkTimes() {
        let time = now
        for (cookie, entry) in limbo where entry.until <= time { giveUp(cookie) }
        let mustCheck = time >= nextCheck
        if mustCheck { nextCheck = time + options.checkInterval }
        for (id, entry) in watched {
            if mustCheck || entry.presence == .unknown { check(id) }
            let isDue = watched[id].map { $0.needsScan || $0.isIncomplete && $0.nextPoll <= time } ?? false
            if isDue { rescan(id) }
        }
    }

    // MARK: News

    /// Changes what is known about a storage and tells what `change` returns.
    func tell(_ id: UInt64, _ change: (inout Storages.Attached) -> [FileNews]) {
        if freshSpaces.insert(id).inserted { refreshSpace(id) }
        let new = storages.change(id, change) ?? []
        news += new.map { (id, $0) }
        if news.count >= Self.mostNews { tellNews() }
    }

    /// Tells about many nodes of a storage, a few at a time.
    func tell(_ id: UInt64, about nodes: [FileTree.NodeID], _ make: (Storages.Attached, FileTree.NodeID) -> FileNews?) {
        var rest = nodes[...]
        while !rest.isEmpty {
            let some = rest.prefix(Self.mostNews)
            rest = rest.dropFirst(some.count)
            tell(id) { attached in some.compactMap { make(attached, $0) } }
        }
    }

    private func tellNews() {
        freshSpaces.removeAll()
        guard !news.isEmpty else { return }
        storages.order.withLock { _ in
            var isAttached: [UInt64: Bool] = [:]
            for id in Set(news.map(\.id)) { isAttached[id] = storages.change(id) { _ in true } ?? false }
            report(news.filter { isAttached[$0.id] ?? false }.map(\.news))
        }
        news.removeAll(keepingCapacity: true)
    }

    func refreshSpace(_ id: UInt64) {
        guard let directory = watched[id]?.directory else { return }
        let space = (try? directory.open())?.space
        storages.change(id) { $0.space = space }
    }

    // MARK: Storages

    private func attach(_ request: AttachRequest) {
        let storage = request.storage
        guard let path = storage.directory else { return request.finish { .noDirectory(storage.name) } }
        let directory = StorageDirectory(storage: storage.name, path: path, canWrite: storages.canWrite)
        let id = storages.newID()
        do throws(StorageError) {
            let root = try directory.open()
            guard let status = root.status else { throw .unusable(name: storage.name, code: errno) }
            let entry = Watched(
                id: id, directory: directory, presence: .present(FileIdentity(status)), isIncomplete: false)
            watched[id] = entry
            let tree = try scanWhole(id, removesLeftovers: true)
            let attached = Storages.Attached(id: id, storage: storage, tree: tree, space: root.space)
            request.finish { add(attached, request.report) }
        } catch {
            request.finish { error }
        }
        let isAttached = storages.change(id) { _ in true } ?? false
        if !isAttached { forget(id) }
    }

    private func add(_ attached: Storages.Attached, _ report: @escaping FileReport) -> StorageError? {
        storages.order.withLock { _ in
            do throws(StorageError) {
                try storages.add(attached)
            } catch {
                return error
            }
            self.report = report
            report([attached.inserted])
            return nil
        }
    }

    private func forget(_ id: UInt64) {
        watched[id] = nil
        for (cookie, entry) in limbo where entry.id == id { limbo[cookie] = nil }
        disown { $0.id == id }
    }
}

// Reading directories.
extension WatchLoop {
    /// Reads a folder with everything in it, and watches it. The watches still need to be owned.
    func scan(
        _ id: UInt64, _ names: [String], mostWatches: Int, removesLeftovers: Bool = false
    ) throws(StorageError) -> FileTree {
        guard let directory = watched[id]?.directory else { throw .notUsed("") }
        let watches = NewWatches(inotify, most: mostWatches)
        var scanner = FolderScanner(
            directory, canWrite: storages.canWrite, removesLeftovers: removesLeftovers, watch: watches.add)
        let tree = try scanner.scan(StoragePath(storage: directory.storage, names: names))
        if scanner.leftovers > 0 {
            log?(.info, "\(scanner.leftovers) unfinished downloads removed from storage \(directory.storage)")
        }
        if scanner.isIncomplete || names.isEmpty { watched[id]?.isIncomplete = scanner.isIncomplete }
        watched[id]?.nextPoll = now + options.pollInterval
        return tree
    }

    /// Reads a whole storage. Watches from before that lead nowhere now are ended. `removesLeftovers`: of downloads, when
    /// the storage comes or comes back; later a file may belong to a program that works just now.
    private func scanWhole(_ id: UInt64, removesLeftovers: Bool = false) throws(StorageError) -> FileTree {
        let tree = try scan(id, [], mostWatches: options.mostWatches, removesLeftovers: removesLeftovers)
        let watches = tree.watches(below: FileTree.root)
        disown(keeping: Set(watches.map(\.watch))) { $0.id == id }
        own(watches, id)
        for (cookie, entry) in limbo where entry.id == id { limbo[cookie] = nil }
        return tree
    }

    /// Notes which folders of a storage new watches are about.
    func own(_ watches: [(watch: Int32, node: FileTree.NodeID)], _ id: UInt64) {
        let end = inotify?.end ?? 0
        for (watch, node) in watches {
            owners[watch, default: []].append(Owner(id: id, node: node))
            settling[watch] = end
        }
    }

    /// Forgets owners of watches, and ends watches that nobody owns any more.
    func disown(keeping kept: Set<Int32> = [], _ isGone: (Owner) -> Bool) {
        for (watch, all) in owners where all.contains(where: isGone) {
            let rest = all.filter { !isGone($0) }
            owners[watch] = rest.isEmpty ? nil : rest
            if rest.isEmpty, !kept.contains(watch) { inotify?.remove(watch) }
        }
    }

    /// Looks whether a storage's directory is there and still the same one.
    private func check(_ id: UInt64) {
        guard let entry = watched[id] else { return }
        guard let root = try? entry.directory.open(), let status = root.status else {
            if entry.presence != .lost { lose(id) }
            return
        }
        if entry.presence == .present(FileIdentity(status)) {
            storages.change(id) { $0.space = root.space }
            return
        }
        watched[id]?.presence = .present(FileIdentity(status))
        do throws(StorageError) {
            let tree = try scanWhole(id, removesLeftovers: true)
            tell(id) { attached in
                attached.tree = tree
                return [attached.inserted]
            }
        } catch {
            lose(id)
        }
    }

    /// The directory is gone: the storage stays and is empty until it comes back.
    private func lose(_ id: UInt64) {
        watched[id]?.presence = .lost
        watched[id]?.needsScan = false
        for (cookie, entry) in limbo where entry.id == id { limbo[cookie] = nil }
        disown { $0.id == id }
        tell(id) { attached in
            attached.tree = FileTree()
            attached.space = nil
            return [attached.emptied]
        }
    }

    /// Reads a storage anew and tells the differences.
    private func rescan(_ id: UInt64) {
        guard let entry = watched[id], entry.presence != .lost else { return }
        watched[id]?.needsScan = false
        guard let old = storages.change(id, { $0.tree }) else { return }
        var new: FileTree
        do throws(StorageError) {
            new = try scanWhole(id)
        } catch {
            watched[id]?.presence = .unknown
            return
        }
        let differences = settled(old.differences(to: new), from: old, to: &new)
        storages.change(id) { $0.tree = new }
        for difference in differences {
            tell(id) { attached in
                switch difference {
                case .removed(let names): [attached.removed(names)]
                case .added(let node): attached.added(node).map { [$0] } ?? []
                case .changed(let node): attached.modified(node).map { [$0] } ?? []
                }
            }
        }
    }

    /// Leaves out files that seem to be written just now in folders that cannot be watched, where nothing will tell
    /// that they are complete: they are found at the next look.
    private func settled(
        _ differences: [FileDifference], from old: FileTree, to new: inout FileTree
    ) -> [FileDifference] {
        let wall = ConnectClock.system.wall().components.seconds
        var rest: [FileDifference] = []
        for difference in differences {
            switch difference {
            case .added(let node), .changed(let node):
                var entry = new.entry(node)
                let isWatched = new.parent(node).flatMap { new.watch($0) } != nil
                guard !entry.isFolder, !isWatched, let modified = entry.modified, abs(wall - modified) < 2 else {
                    rest.append(difference)
                    continue
                }
                if case .added = difference {
                    new.remove(node)
                } else {
                    // As before, so that the change is seen again.
                    entry.stamp &+= 1
                    new.update(node, entry)
                }
            case .removed: rest.append(difference)
            }
        }
        return rest
    }
}

/// Adds watches, for several threads, as long as there may be more.
private final class NewWatches: Sendable {
    private let inotify: Inotify?
    private let room: Atomic<Int>

    init(_ inotify: Inotify?, most: Int) {
        self.inotify = inotify
        room = Atomic(most)
    }

    func add(_ folder: Descriptor) -> Int32? {
        room.wrappingSubtract(1, ordering: .relaxed).newValue >= 0 ? inotify?.watch(folder) : nil
    }
}
