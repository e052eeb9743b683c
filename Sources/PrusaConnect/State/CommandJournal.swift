/// The last commands on disk, so that a repeat after a restart is answered and not carried out a second time.
///
/// A command is noted before its handler begins and its answer before it is sent, each with one `write(2)`: the end of
/// the process cannot lose them. They are not synced, a command would cost a write of the medium otherwise; after a loss
/// of power the last half minute may be missing.
///
/// The notes belong to one registration: another server or token begins anew, because its ids are others.
///
/// A disk that cannot be written costs the memory of commands after a restart, nothing else; the log is told once.
// @unchecked: used by one thread at a time, under the printer's lock.
final class CommandJournal: @unchecked Sendable {
    private enum RecordType {
        /// The registration (8 bytes); always the first record.
        static let registration: UInt8 = 1
        /// A command begins: its id (8 bytes).
        static let start: UInt8 = 2
        /// A command has ended: its id, its answer.
        static let end: UInt8 = 3
    }

    /// Longer answers are not kept: an INFO or FILE_INFO can be made again without harm.
    static let longestAnswer = 16 << 10
    /// The file is rewritten from this length on.
    private static let longest: UInt64 = 1 << 20

    private let directory: StateDirectory
    private var registration: UInt64
    private var file: RecordFile?
    /// Commands in their order; `nil` while they run.
    private var commands: [(id: UInt64, answer: StoredEvent?)] = []
    private var isInTrouble = false
    private var notes: [OutboxNote] = []

    /// Reads what is known. `registration` tells registrations apart, see ``ConnectSettings/registration``.
    init(directory: StateDirectory, registration: UInt64) {
        self.directory = directory
        self.registration = registration
        attempt { _ in }
    }

    /// The commands whose end is known, the oldest first.
    var ended: [(id: UInt64, answer: StoredEvent)] {
        commands.compactMap { command in command.answer.map { (command.id, $0) } }
    }

    /// The commands that began and never ended: the process ended first.
    var interrupted: [UInt64] { commands.filter { $0.answer == nil }.map(\.id) }

    func begin(_ id: UInt64) {
        note(id, nil)
        attempt { file throws(FileError) in _ = try file.append([Self.start(id)]) }
    }

    func end(_ id: UInt64, answer: StoredEvent) {
        guard answer.body.count <= Self.longestAnswer else {
            // It will be carried out again; as interrupted it would be called failed.
            commands.removeAll { $0.id == id }
            attempt { [self] file throws(FileError) in try rewrite(file) }
            return
        }
        note(id, answer)
        attempt { [self] file throws(FileError) in
            if file.size > Self.longest {
                try rewrite(file)
            } else {
                _ = try file.append([Self.end(id, answer)])
            }
        }
    }

    /// The printer has another registration: what was known means nothing to it.
    func changeRegistration(to new: UInt64) {
        guard new != registration else { return }
        registration = new
        commands = []
        attempt { [self] file throws(FileError) in try restart(file) }
    }

    func takeNotes() -> [OutboxNote] {
        defer { notes = [] }
        return notes
    }

    private func note(_ id: UInt64, _ answer: StoredEvent?) {
        commands.removeAll { $0.id == id }
        commands.append((id, answer))
        if commands.count > CommandHistory.capacity { commands.removeFirst() }
    }

    private func attempt(_ body: (RecordFile) throws(FileError) -> Void) {
        do throws(FileError) {
            try body(try opened())
            isInTrouble = false
        } catch {
            guard !isInTrouble else { return }
            isInTrouble = true
            notes.append(OutboxNote(level: .warning, text: "commands are not remembered beyond a restart: \(error)"))
        }
    }

    private func opened() throws(FileError) -> RecordFile {
        if let file { return file }
        try directory.acquire()
        let known = commands
        commands = []
        var isOwn = false
        let new = try RecordFile.open(directory.commands, files: directory.files) { _, content in
            var reader = RecordReader(content)
            guard let type = reader.number(UInt8.self), let number = reader.number(UInt64.self) else { return }
            if type == RecordType.registration { isOwn = number == registration }
            guard isOwn else { return }
            if type == RecordType.start { note(number, nil) }
            if type == RecordType.end, let answer = StoredEvent(&reader) { note(number, answer) }
        }.file
        file = new
        for command in known { note(command.id, command.answer) }
        if !isOwn || !known.isEmpty { try rewrite(new) }
        return new
    }

    private func restart(_ file: RecordFile) throws(FileError) {
        try file.clear()
        _ = try file.append([Self.content(RecordType.registration, registration)])
    }

    private func rewrite(_ file: RecordFile) throws(FileError) {
        var contents = [Self.content(RecordType.registration, registration)]
        contents += commands.map { command in
            command.answer.map { Self.end(command.id, $0) } ?? Self.start(command.id)
        }
        _ = try file.replace(count: contents.count) { contents[$0] }
    }

    private static func start(_ id: UInt64) -> [UInt8] { content(RecordType.start, id) }

    private static func end(_ id: UInt64, _ answer: StoredEvent) -> [UInt8] {
        var content = content(RecordType.end, id)
        answer.append(to: &content)
        return content
    }

    private static func content(_ type: UInt8, _ number: UInt64) -> [UInt8] {
        var content = [type]
        content.append(littleEndian: number)
        return content
    }
}
