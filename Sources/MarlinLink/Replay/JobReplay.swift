import GCodeStream

/// Reads a job's file once more and tells what its first commands have set up.
///
/// Commands are counted as ``LinkSnapshot/jobCommands`` counts them: what the engine leaves out (`M110`, lines that are
/// only a number) counts here neither. Belongs to one thread, which waits for the file's medium; a hundred megabytes take
/// a few seconds.
public final class JobReplay {
    /// The file.
    public let file: JobFile
    /// Commands that were read so far.
    public private(set) var commands: UInt64 = 0
    /// What these have set up.
    public private(set) var state: JobState

    private let rule: JobState.ExtruderRule
    private var text: JobText
    private var piece: JobText.Piece?
    private var index = 0
    private var scanner = CommandScanner()

    /// A replay that has read nothing yet.
    public init(file: JobFile, rule: JobState.ExtruderRule = .followsAxes) {
        self.file = file
        self.rule = rule
        state = JobState(rule: rule)
        text = JobText(file)
    }

    /// What the first `commands` commands of the file have set up, or all of them where it has no more. Reads on from
    /// where it was; a number lower than the last one makes it begin anew. Throws what reading the file throws.
    public func state(after commands: UInt64) throws(JobFileError) -> JobState {
        if commands < self.commands { rewind() }
        while self.commands < commands {
            guard let piece, index < piece.bytes.count else {
                if try !readPiece() { break }
                continue
            }
            take(scanner.feed(Span(_unsafeBytes: piece.bytes), from: &index))
        }
        return state
    }

    /// False when nothing is left of the file.
    private func readPiece() throws(JobFileError) -> Bool {
        index = 0
        piece = try JobFile.nextPiece(of: text, path: file.path, size: file.size)
        if piece == nil { take(scanner.end()) }
        return piece != nil
    }

    /// A damaged or overlong command ends a print: there is nothing behind it that could be asked for.
    private func take(_ step: CommandScanner.Step) {
        guard step == .command, !scanner.command.changesLineCount else { return }
        state.take(scanner.command)
        state.layer = scanner.layers
        commands += 1
    }

    private func rewind() {
        text = JobText(file)
        piece = nil
        scanner = CommandScanner()
        commands = 0
        state = JobState(rule: rule)
    }
}
