import GCodeStream
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// Where a print begins that goes on where another process left it.
public struct JobStart: Sendable, Equatable {
    /// Commands that the printer has taken, counted as `LinkSnapshot.jobCommands`.
    public var commands: UInt64 = 0
    /// Layers that were begun with these.
    public var layer: UInt32 = 0

    /// The file's beginning.
    public init() {}

    /// Behind `commands` commands and in `layer`.
    public init(commands: UInt64, layer: UInt32) {
        self.commands = commands
        self.layer = layer
    }
}

/// Reads a job's file on a thread of its own and fills the ring with commands: a slow medium keeps this thread
/// waiting and nobody else.
final class FileReader: Sendable {
    let ring: CommandRing
    /// Where in the file to begin.
    let start: JobStart
    private let file: JobFile
    private let wake: WakeSignal
    private let cancelled = Atomic<Bool>(false)

    /// Starts reading. `wake` is signalled when the wire's thread slept for want of commands. Nil when the system has
    /// no more threads or descriptors.
    init?(file: JobFile, from start: JobStart = JobStart(), wake: WakeSignal) {
        guard let room = WakeSignal() else { return nil }
        self.file = file
        self.start = start
        self.wake = wake
        ring = CommandRing(room: room)
        // Not joined: a read from a medium that was torn out may take its time to fail.
        guard PosixThread(name: "gcode reader", body: { [self] in run() }) != nil else { return nil }
    }

    /// Makes the thread end soon.
    func cancel() {
        cancelled.store(true, ordering: .releasing)
        ring.room.signal()
    }

    private func run() {
        let failure = read()
        ring.end(failure: failure)
        wake.signal()
    }

    /// Reads everything; 0, or the errno of the failure, or `CommandRing.fileCut` or `fileChanged`.
    private func read() -> Int32 {
        var scanner = CommandScanner()
        var lastEnd: UInt64 = 0
        var layers: UInt32 = 0
        var skipped: UInt64 = 0
        let text = JobText(file)
        do {
            while let piece = try text.next() {
                var index = 0
                while index < piece.bytes.count {
                    let step = scanner.feed(Span(_unsafeBytes: piece.bytes), from: &index)
                    if step == .more { continue }
                    if step != .command { return CommandRing.fileChanged }
                    let end = piece.end(of: index - 1)
                    let isNew = scanner.layers != layers
                    layers = scanner.layers
                    if skipped < start.commands {
                        // What the engine leaves out counts not.
                        if !scanner.command.changesLineCount { skipped += 1 }
                        if cancelled.load(ordering: .relaxed) { return 0 }
                        continue
                    }
                    guard put(scanner.command, advance: UInt32(clamping: end - lastEnd), newLayer: isNew) else {
                        return 0
                    }
                    lastEnd = end
                }
            }
        } catch {
            switch error {
            case .unreadable(let code): return code
            case .cut: return CommandRing.fileCut
            case .binary: return CommandRing.fileChanged
            }
        }
        switch scanner.end() {
        case .more: break
        case .tooLong, .damaged: return CommandRing.fileChanged
        case .command:
            guard skipped >= start.commands else { break }
            _ = put(scanner.command, advance: UInt32(clamping: file.size - lastEnd), newLayer: false)
        }
        return 0
    }

    /// Pushes, waiting for room; false when the job was cancelled.
    private func put(_ command: borrowing CommandBuffer, advance: UInt32, newLayer: Bool) -> Bool {
        while !ring.push(command, advance: advance, newLayer: newLayer) {
            if cancelled.load(ordering: .acquiring) { return false }
            ring.announceWait()
            // The time limit makes up for the one wake-up that can pass between looking and waiting.
            if !ring.hasRoom { ring.room.wait(nanoseconds: 100_000_000) }
        }
        if ring.takeHunger() { wake.signal() }
        return !cancelled.load(ordering: .acquiring)
    }
}
