import Synchronization

/// What other threads may do with a download under way: end it, and wait for its end.
final class TransferLife: Sendable {
    let ended = Latch()
    /// Opened when the download shall end: it interrupts pauses.
    let wantsEnd = Latch()
    private let isEnding = Atomic(false)
    private let waker = Mutex<(any Waker)?>(nil)

    var mustEnd: Bool { isEnding.load(ordering: .acquiring) }

    func adopt(_ waker: any Waker) { self.waker.withLock { $0 = waker } }

    /// Lets the download's thread look up, whatever it waits for.
    func end() {
        isEnding.store(true, ordering: .releasing)
        wantsEnd.open()
        waker.withLock { $0 }?.wake()
    }
}

/// A download that has the slot and waits for its thread.
struct Download: Sendable {
    let transfer: Transfer
    let url: DownloadURL
    /// What the command said about the size.
    let expectedSize: UInt64?
    let destination: FileDestination
    let options: TransferOptions
    let disk: DiskCalls
    let life: TransferLife
}

/// The thread of a download: asks for the file, writes it, puts it in its place, tells the printer.
final class DownloadRun {
    private let printer: Printer
    private let download: Download
    private let transport: any StreamingTransport
    private let part: PartFile
    private var state: DownloadState
    private var rate = RateLimit()
    /// When the last KiB, or the head, came.
    private var lastSign: Duration = .zero
    private var bytesSinceSign = 0
    /// What the sink decided about the answer under way.
    private var decided: DownloadStep?

    private static let fewBytes = 1024
    /// Nothing may go on for ever; a file of 4 GiB at 8 kB/s takes six days.
    private static let longestRequest: Duration = .seconds(7 * 86400)

    private init(_ printer: Printer, _ download: Download, _ transport: any StreamingTransport, _ part: PartFile) {
        self.printer = printer
        self.download = download
        self.transport = transport
        self.part = part
        state = DownloadState(url: download.url, expectedSize: download.expectedSize, options: download.options)
    }

    /// Runs a download on the calling thread to its end.
    static func run(_ download: Download, printer: Printer) {
        defer { download.life.ended.open() }
        let end = outcome(of: download, printer: printer)
        // Whoever asked for the end gets an answer first.
        if printer.read({ $0.transfers.endingLife != nil }) { download.life.wantsEnd.wait() }
        printer.transferEnded(download.transfer.id, end)
    }

    private static func outcome(of download: Download, printer: Printer) -> TransferEnd {
        let transport: any StreamingTransport
        do { transport = try CurlTransport() } catch { return .aborted(error.message) }
        download.life.adopt(transport.waker)
        let part: PartFile
        do { part = try PartFile(download.destination, disk: download.disk) } catch { return .aborted(error.reason) }
        let run = DownloadRun(printer, download, transport, part)
        defer { part.discard() }
        do throws(FileError) { return try run.fetch() } catch { return .aborted(error.reason) }
    }

    private var now: Duration { printer.clock.monotonic() }
    private var id: UInt64 { download.transfer.id }
    private var chance: Double { Double.random(in: 0..<1) }

    private func fetch() throws(FileError) -> TransferEnd {
        while !download.life.mustEnd {
            switch ask() {
            case .complete: return try commit()
            case .failed(let reason): return .aborted(reason)
            case .again(let pause): download.life.wantsEnd.wait(until: now + pause)
            }
        }
        // Whoever wanted the end has said which one.
        return .aborted("Transfer was aborted")
    }

    private func commit() throws(FileError) -> TransferEnd {
        try part.sync()
        // Asked again: a print may have begun meanwhile.
        if printer.isPrinted(download.destination.path) {
            return .aborted("The file that is being printed would be overwritten")
        }
        guard printer.step({ $0.transfers.mayCommit(id) }) else { return .aborted("Transfer was aborted") }
        try part.commit()
        return .finished
    }
}

// One request.
extension DownloadRun: AnswerSink {
    private func ask() -> DownloadStep {
        let server = state.url.server
        let (headers, caFile, connectTimeout) = printer.read { core in
            (
                core.downloadHeaders(for: server, wall: printer.clock.wall()), core.settings?.caFile,
                core.options.connectTimeout
            )
        }
        decided = nil
        lastSign = now
        bytesSinceSign = 0
        transport.start(
            HTTPRequest(
                method: .get, server: server, target: state.url.target, headers: headers + state.rangeHeaders,
                body: nil, connectTimeout: connectTimeout, deadline: Self.longestRequest, bodyLimit: 0,
                caFile: caFile),
            sink: self)
        defer { transport.cancel() }
        while !download.life.mustEnd {
            let silent = now - lastSign
            let silence = max(download.options.silence, state.received == 0 ? connectTimeout : .zero)
            if silent >= silence { return state.retry("\(server): no data for \(silence)", chance: chance) }
            guard let result = transport.wait(for: silence - silent) else { continue }
            if let decided { return decided }
            switch result {
            case .success: return state.completed(chance: chance)
            case .failure(let error): return state.broke(error, chance: chance)
            }
        }
        return .again(after: .zero)
    }

    func take(head: HTTPResponse) -> Bool {
        lastSign = now
        switch state.head(head, wall: printer.clock.wall(), chance: chance) {
        case .end(let step):
            decided = step
            return false
        case .write(let offset): return prepare(at: offset)
        }
    }

    private func prepare(at offset: UInt64) -> Bool {
        do throws(FileError) {
            if offset == 0 { try part.restart() }
        } catch {
            decided = .failed(error.reason)
            return false
        }
        if let size = state.size, let free = part.freeSpace,
            size - offset > free - min(free, download.options.spareSpace)
        {
            decided = .failed("Not enough space: the file has \(size) bytes")
            return false
        }
        printer.transferStarted(id, size: state.size)
        printer.step { $0.transfers.progressed(id, to: offset) }
        return true
    }

    func take(body: UnsafeRawBufferPointer) -> Bool {
        guard !download.life.mustEnd else { return false }
        let offset = state.received
        decided = state.receive(body.count)
        guard decided == nil else { return false }
        do throws(FileError) {
            try part.write(body, at: offset)
        } catch {
            decided = .failed(error.reason)
            return false
        }
        let received = state.received
        let limit = printer.step { core in
            core.transfers.progressed(id, to: received)
            return core.transfers.rateLimit
        }
        let pause = rate.pause(after: body.count, bytesPerSecond: limit, now: now)
        // While this waits nothing is read, and the server waits too.
        if pause > .zero { download.life.wantsEnd.wait(until: now + pause) }
        bytesSinceSign += body.count
        if bytesSinceSign >= Self.fewBytes || pause > .zero {
            lastSign = now
            bytesSinceSign = 0
        }
        return !download.life.mustEnd
    }
}

extension FileError {
    /// For people at the other end: without paths of this host.
    fileprivate var reason: String { "Cannot \(operation) the file: \(errorText)" }
}
