// Downloads: by command of Connect and by the application's own wish.

extension Printer {
    /// The transfer that goes on; `nil` without one.
    public var transfer: Transfer? { read { $0.transfers.transfer } }

    /// Bytes a second that a download may take, 4096 at least; `nil` (from the start) for as fast as it goes. For
    /// example while a print reads from the same card. Works at once.
    public var transferRateLimit: Int? {
        get { read { $0.transfers.rateLimit } }
        set { step { $0.transfers.rateLimit = newValue } }
    }

    /// Adds what is called when a transfer has ended, after its event is queued. Called on "connect-calls", once a
    /// transfer. With `.finished` the file is in its place; ``Transfer/isToPrint`` says whether to print it now.
    public func onTransferEnd(_ handler: @escaping @Sendable (Transfer, TransferEnd) -> Void) {
        change { $0.onTransferEnd.append(handler) }
    }

    /// Adds what is called when a file is complete and in its place: ``onTransferEnd(_:)`` without the other ends.
    public func onTransferFinished(_ handler: @escaping @Sendable (Transfer) -> Void) {
        onTransferEnd { transfer, end in
            if end == .finished { handler(transfer) }
        }
    }

    /// Downloads a file as `START_URL_DOWNLOAD` does.
    ///
    /// The file is written as `.NAME.part` beside its destination and takes its place when it is complete, also the
    /// place of an older file. Its end is told by TRANSFER_FINISHED, TRANSFER_STOPPED or TRANSFER_ABORTED and to
    /// ``onTransferEnd(_:)``. Folders that are missing are made.
    ///
    /// - Parameters:
    ///   - url: an `http` or `https` address. Only an address of the Connect server itself gets the printer's token.
    ///   - path: the destination as Connect knows it, `/local/box.gcode`.
    ///   - isToPrint: told to ``onTransferFinished(_:)``.
    /// - Returns: the transfer, which has begun.
    /// - Throws: ``TransferError``, or a ``StorageError`` about the path: no such storage, forbidden characters, the
    ///   file that is being printed.
    @discardableResult
    public func startDownload(from url: String, to path: String, isToPrint: Bool = false) throws -> Transfer {
        guard let address = DownloadURL(url) else { throw TransferError.invalidURL(url) }
        let order = DownloadOrder(kind: .fromWeb, address: address, url: url, path: path, isToPrint: isToPrint)
        let transfer = try reserve(order)
        carryOnTransfer()
        return transfer
    }

    /// Stops the transfer, at once: its connection is closed and what it has written is removed. False when there is
    /// none or its file is being put in its place already.
    @discardableResult
    public func stopTransfer(source: EventSource = .user) -> Bool {
        defer { carryOnTransfer() }
        return wantEndOfTransfer(.stopped(source))
    }
}

// Inside.
extension Printer {
    /// What a download shall do, as the command or the application says it.
    struct DownloadOrder {
        var kind: Transfer.Kind
        var address: DownloadURL
        var url: String
        var path: String
        var isToPrint = false
        var isToSelect = false
        var expectedSize: UInt64?
        var commandID: UInt64?
    }

    /// Checks everything that can be checked, and takes the slot last: a refused order must leave it as it was.
    private func reserve(_ order: DownloadOrder) throws -> Transfer {
        guard read({ $0.transfers.transfer == nil }) else { throw TransferError.busy }
        let destination = try destination(order.path)
        guard !isPrinted(destination.path) else { throw StorageError.printedFile(destination.path.description) }
        let transfer = Transfer(
            id: UInt64.random(in: 1...0xFFFF_FFFF), kind: order.kind, path: destination.path.description,
            url: order.url,
            startCommandID: order.commandID, isToPrint: order.isToPrint, isToSelect: order.isToSelect)
        let life = TransferLife()
        let isTaken = change { [clock] core in
            guard core.transfers.begin(transfer, life: life, now: clock.monotonic()) else { return false }
            core.transfers.waiting = Download(
                transfer: transfer, url: order.address, expectedSize: order.expectedSize, destination: destination,
                options: core.options.transfers, disk: core.disk, life: life)
            return true
        }
        guard isTaken else { throw TransferError.busy }
        return transfer
    }

    /// Lets a transfer begin or end that somebody has ordered. For the order of a command that is after its answer is
    /// queued, so that no news of the transfer comes before it.
    func carryOnTransfer() {
        let (waiting, ending) = step { core in
            defer { core.transfers.waiting = nil }
            return (core.transfers.waiting, core.transfers.endingLife)
        }
        ending?.end()
        guard let waiting else { return }
        guard startThread(name: "transfer", { [self] in DownloadRun.run(waiting, printer: self) }) != 0 else { return }
        waiting.life.ended.open()
        transferEnded(waiting.transfer.id, .aborted("No thread for the transfer"))
    }

    func transferStarted(_ id: UInt64, size: UInt64?) {
        change { [clock] core in
            core.transferStarted(id, size: size, now: clock.monotonic(), wall: clock.wall())
        }
    }

    func transferEnded(_ id: UInt64, _ end: TransferEnd) {
        change { [clock] core in
            core.transferEnded(id, end, now: clock.monotonic(), wall: clock.wall())
        }
    }

    /// Takes effect with ``carryOnTransfer()``.
    private func wantEndOfTransfer(_ end: TransferEnd) -> Bool {
        step { $0.transfers.wantEnd(end) }
    }

    /// The printer stops: so does its transfer. Waits for its end, so that its event is among the last ones sent.
    func abortTransfer(until deadline: Duration) {
        guard let life = read({ $0.transfers.life }) else { return }
        _ = wantEndOfTransfer(.aborted("Transfer was aborted"))
        carryOnTransfer()
        life.ended.wait(until: deadline)
    }
}

// Commands.
extension Printer {
    func startURLDownload(_ command: Command) throws -> CommandResult {
        let path = try command.required("path")
        let url = try command.required("url")
        guard let address = DownloadURL(url) else { throw TransferError.invalidURL(url) }
        return try start(DownloadOrder(kind: .fromWeb, address: address, url: url, path: path), command)
    }

    func startConnectDownload(_ command: Command) throws -> CommandResult {
        guard let team = command.keywords["team_id"], team != .null else {
            throw CommandError("\(command.name) requires team_id")
        }
        let hash = try command.required("hash")
        let path = try command.required("path")
        guard let server = read({ $0.settings?.server }) else { throw TransferError.noServer }
        // Both become parts of a path: nothing in them may lead elsewhere.
        let teamID = team.unsigned.map { String($0) } ?? team.string
        guard let teamID, !teamID.isEmpty, teamID.utf8.count <= 20, teamID.utf8.allSatisfy(isDigit),
            (1...200).contains(hash.utf8.count), hash != ".", hash != ".."
        else { throw TransferError.invalidFile }
        let address = DownloadURL(server: server, target: "/p/teams/\(teamID)/files/\(hash.percentEncoded)/raw")
        let url = server.baseURL + address.target
        return try start(DownloadOrder(kind: .fromConnect, address: address, url: url, path: path), command)
    }

    private func start(_ order: DownloadOrder, _ command: Command) throws -> CommandResult {
        var order = order
        order.isToPrint = try command.bool("printing") ?? false
        order.isToSelect = try command.bool("selecting") ?? false
        order.expectedSize = try command.id("orig_size")
        order.commandID = command.id
        let transfer: Transfer
        do {
            transfer = try reserve(order)
        } catch TransferError.busy {
            return .rejected(TransferError.busy.description, source: .connect)
        }
        return transferInfo(transfer.id)
    }

    func stopTransfer(_ command: Command) throws -> CommandResult {
        if let id = try command.id("transfer_id"), let last = read({ $0.transfers.lastID }), id != last {
            throw CommandError("Wrong transfer_id")
        }
        guard wantEndOfTransfer(.stopped(.connect)) else {
            return .rejected("No transfer in progress", source: .connect)
        }
        return .finished
    }

    func sendTransferInfo(_ command: Command) throws -> CommandResult {
        let (last, current) = read { ($0.transfers.lastID, $0.transfers.transfer?.id) }
        if let id = try command.id("transfer_id"), id != last { throw CommandError("Not current transfer.") }
        return transferInfo(current)
    }

    private func transferInfo(_ id: UInt64?) -> CommandResult {
        let data = read { [clock] core in core.transfers.info(now: clock.monotonic()) }
        var result = CommandResult.answer(.transferInfo, data: data)
        result.transferID = id
        return result
    }
}
