/// Events on disk, in order: they survive the end of the process, also by SIGKILL, and are sent once.
///
/// **What is where.** The journal holds the events; memory holds the place, kind and size of each (about 70 bytes), and
/// the one that is sent next. Both are bounded by the limits and ``EventQueue``'s rules.
///
/// **When it is written.** ``append(_:)`` hands the event to the kernel with `write(2)` before it returns: from then on
/// the end of the process cannot lose it. A delivered event gets a removal record, and the last one that is delivered
/// empties the file. While the server is there the file is therefore written and cut again before the kernel would
/// carry it to the medium: no `fsync` belongs to an event. One is done for events that wait longer than a second, every
/// ten seconds at most, by another thread (``PrinterCore/syncIfDue(now:)``), and when the printer is stopped. A loss of
/// power costs what is younger than that.
///
/// **Once.** The removal record is written when the server's answer has been read. A process that ends between the
/// server's taking an event and this record sends it again after its restart, and so does a machine that loses power
/// before the record is on the medium. Nothing else makes a second one.
///
/// **Trouble.** While the disk is full, read-only or broken, new events wait in memory within the limits for memory,
/// the log is told once, and everything is carried over as soon as writing works. An event that cannot be read back is
/// lost; the log names it.
// @unchecked: used by one thread at a time, under the printer's lock.
final class JournalOutbox: EventOutbox, @unchecked Sendable {
    /// Where an event is.
    private enum Place: Sendable {
        case memory(StoredEvent)
        case disk(RecordFile.Place, record: UInt64)

        var isMemory: Bool {
            if case .memory = self { true } else { false }
        }
    }

    private enum RecordType {
        /// An event: its record number (8 bytes), the event.
        static let event: UInt8 = 1
        /// The removal of one: its record number.
        static let removal: UInt8 = 2
    }

    /// The file is rewritten when more than half of it is dead and it is longer than this.
    private static let shortestToRewrite: UInt64 = 256 << 10

    private let directory: StateDirectory
    private let limits: OutboxLimits
    private let memoryLimits: OutboxLimits
    private var queue = EventQueue<Place>()
    private var journal: RecordFile?
    private var nextRecord: UInt64 = 0
    /// Bytes of the journal that belong to waiting events.
    private var liveBytes: UInt64 = 0
    /// Removals that could not be written yet.
    private var owedRemovals: [UInt64] = []
    /// The event to send next, read from disk.
    private var head: OutboxItem?
    private var rewriteAbove = JournalOutbox.shortestToRewrite
    private var isInTrouble = false
    private var notes: [OutboxNote] = []
    private var isUnsynced = false

    /// Takes up what waits in the directory. A directory that cannot be used is tried again with each event.
    init(directory: StateDirectory, limits: OutboxLimits, memoryLimits: OutboxLimits) {
        self.directory = directory
        self.limits = limits
        self.memoryLimits = memoryLimits
        attempt { _ in }
    }

    var count: Int { queue.entries.count }
    var hasRoomForAnswer: Bool { queue.hasRoomForAnswer(limits: limits) }

    var first: OutboxItem? {
        while let entry = queue.entries.first {
            if let head, head.number == entry.number { return head }
            if let event = load(entry.place) {
                head = OutboxItem(number: entry.number, event: event)
                return head
            }
            notes.append(OutboxNote(level: .error, text: "\(entry.kind.rawValue) lost: it cannot be read back"))
            remove(entry.number)
        }
        return nil
    }

    func append(_ event: StoredEvent) -> [EventKind] {
        guard !queue.contains(answerLike: event) else { return [] }
        queue.append(event, at: .memory(event))
        let lost = queue.fold(to: limits)
        // One write for the event and for those that went for it.
        write(removalsOf: lost)
        // What could not be written stays in memory, as far as that reaches.
        return (lost + queue.fold(to: memoryLimits) { $0.isMemory }).map(\.kind)
    }

    func remove(_ number: UInt64) {
        guard let entry = queue.remove(number) else { return }
        if head?.number == number { head = nil }
        write(removalsOf: [entry])
    }

    func makeSync() -> DiskSync? {
        guard isUnsynced, let journal else { return nil }
        isUnsynced = false
        return try? journal.makeSync()
    }

    func takeNotes() -> [OutboxNote] {
        defer { notes = [] }
        return notes
    }
}

// Writing.
extension JournalOutbox {
    /// Writes what waits in memory and the removals of `removed`, and those that are owed from before.
    private func write(removalsOf removed: [EventQueue<Place>.Entry]) {
        forget(removed)
        attempt { [self] journal throws(FileError) in
            if queue.entries.isEmpty, !journal.isEmpty {
                try journal.clear()
                (liveBytes, owedRemovals, isUnsynced) = (0, [], false)
                return
            }
            rewriteIfWorthwhile(journal)
            let waiting = queue.entries.indices.filter { queue.entries[$0].place.isMemory }
            var contents = owedRemovals.map(Self.removal)
            var records: [UInt64] = []
            for index in waiting {
                guard case .memory(let event) = queue.entries[index].place else { continue }
                records.append(nextRecord)
                contents.append(Self.content(event, record: nextRecord))
                nextRecord += 1
            }
            guard !contents.isEmpty else { return }
            let places = try journal.append(contents).suffix(waiting.count)
            owedRemovals = []
            for (index, (place, record)) in zip(waiting, zip(places, records)) {
                queue.move(at: index, to: .disk(place, record: record))
                liveBytes += place.size
            }
            isUnsynced = isUnsynced || !waiting.isEmpty
        }
    }

    /// Notes that these are no longer wanted.
    private func forget(_ removed: [EventQueue<Place>.Entry]) {
        for entry in removed {
            guard case .disk(let place, let record) = entry.place else { continue }
            liveBytes -= place.size
            owedRemovals.append(record)
        }
    }

    /// Removes the dead records when they are most of the file. A failure costs room only; it is tried again when the
    /// file has grown further.
    private func rewriteIfWorthwhile(_ journal: RecordFile) {
        guard journal.size > rewriteAbove, journal.size > 2 * liveBytes else { return }
        rewriteAbove = journal.size + Self.shortestToRewrite
        let kept = queue.entries.indices.filter { !queue.entries[$0].place.isMemory }
        let entries = queue.entries
        let places = try? journal.replace(count: kept.count) { index throws(FileError) in
            guard case .disk(let place, _) = entries[kept[index]].place else { return [0] }
            // A damaged one stays damaged: `first` says so when its turn has come.
            return try journal.read(place) ?? [0]
        }
        guard let places else { return }
        for (index, place) in zip(kept, places) {
            guard case .disk(_, let record) = queue.entries[index].place else { continue }
            queue.move(at: index, to: .disk(place, record: record))
        }
        liveBytes = places.reduce(0) { $0 + $1.size }
        owedRemovals = []
        isUnsynced = true
        rewriteAbove = Self.shortestToRewrite
    }

    /// Does something with the journal, opening it first when it is not open yet, and keeps the log informed: one line
    /// when trouble begins and one when it is over.
    private func attempt(_ body: (RecordFile) throws(FileError) -> Void) {
        do throws(FileError) {
            try body(try opened())
            guard isInTrouble else { return }
            isInTrouble = false
            notes.append(OutboxNote(level: .info, text: "events are kept on disk again"))
        } catch {
            guard !isInTrouble else { return }
            isInTrouble = true
            notes.append(OutboxNote(level: .warning, text: "events are kept in memory only: \(error)"))
        }
    }

    private func opened() throws(FileError) -> RecordFile {
        if let journal { return journal }
        try directory.acquire()
        var waiting: [UInt64: EventQueue<Place>.Entry] = [:]
        let (file, damaged) = try RecordFile.open(directory.events, files: directory.files) { place, content in
            var reader = RecordReader(content)
            guard let type = reader.number(UInt8.self), let record = reader.number(UInt64.self) else { return }
            nextRecord = max(nextRecord, record + 1)
            if type == RecordType.removal {
                waiting[record] = nil
            } else if type == RecordType.event, let event = StoredEvent(&reader) {
                waiting[record] = EventQueue<Place>.Entry(event, at: .disk(place, record: record))
            }
        }
        journal = file
        if damaged > 0 {
            notes.append(OutboxNote(level: .warning, text: "\(file.path): \(damaged) damaged bytes left out"))
        }
        takeUp(waiting.sorted { $0.key < $1.key }.map(\.value))
        return file
    }

    private func takeUp(_ waiting: [EventQueue<Place>.Entry]) {
        guard !waiting.isEmpty else { return }
        queue.prepend(waiting)
        head = nil
        for entry in waiting {
            if case .disk(let place, _) = entry.place { liveBytes += place.size }
        }
        notes.append(OutboxNote(level: .info, text: "\(waiting.count) events from before wait for Connect"))
    }

    private func load(_ place: Place) -> StoredEvent? {
        switch place {
        case .memory(let event): return event
        case .disk(let place, _):
            guard let content = try? journal?.read(place) else { return nil }
            var reader = RecordReader(content)
            guard reader.number(UInt8.self) == RecordType.event, reader.number(UInt64.self) != nil else { return nil }
            return StoredEvent(&reader)
        }
    }

    private static func content(_ event: StoredEvent, record: UInt64) -> [UInt8] {
        var content = [RecordType.event]
        content.append(littleEndian: record)
        event.append(to: &content)
        return content
    }

    private static func removal(of record: UInt64) -> [UInt8] {
        var content = [RecordType.removal]
        content.append(littleEndian: record)
        return content
    }
}
