// Transfers: what the server is told about them.

extension PrinterCore {
    /// The headers of a download. Credentials go to the very server of the settings only; everybody else learns no
    /// more than which program asks.
    func downloadHeaders(for server: ConnectServer, wall: Duration) -> [HTTPHeader] {
        guard let settings, settings.server.isSameOrigin(as: server) else {
            return [
                HTTPHeader("Host", server.hostHeader), HTTPHeader("User-Agent", Wire.userAgent),
                HTTPHeader("Accept-Encoding", "identity"), HTTPHeader("Accept", "*/*"),
                HTTPHeader("Connection", "keep-alive"),
            ]
        }
        let headers = CommonHeaders(
            fingerprint: identity.fingerprint, printerType: identity.type,
            version: info.softwareVersion ?? info.firmware)
        // Whether the clock was adjusted stays to be told until an answer to the printer's own requests confirms it.
        return headers.make(
            server: server, timestamp: Timestamp(sinceEpoch: wall), token: settings.token,
            isClockAdjusted: clockWatch.isAdjusted, body: nil)
    }

    /// The download's first bytes are on the way.
    mutating func transferStarted(_ id: UInt64, size: UInt64?, now: Duration, wall: Duration) {
        guard transfers.started(id, size: size) else { return }
        post(
            Event(
                kind: .transferInfo, source: .wui, data: transfers.info(now: now), transferID: id, state: state,
                timestamp: Timestamp(sinceEpoch: wall)),
            now: now)
    }

    /// The download is over, one way or another; told once.
    mutating func transferEnded(_ id: UInt64, _ end: TransferEnd, now: Duration, wall: Duration) {
        guard let (transfer, end) = transfers.end(id, end) else { return }
        var data = JSONObject()
        data.set("start_cmd_id", transfer.startCommandID)
        data.set("path", transfer.path)
        var event = Event(
            kind: .transferFinished, source: .connect, data: data, transferID: id, state: state,
            timestamp: Timestamp(sinceEpoch: wall))
        switch end {
        case .finished:
            log(.info, "transfer \(id) finished: \(transfer.path)")
        case .stopped(let source):
            (event.kind, event.source) = (.transferStopped, source)
            log(.info, "transfer \(id) stopped: \(transfer.path)")
        case .aborted(let reason):
            (event.kind, event.reason) = (.transferAborted, reason)
            log(.warning, "transfer \(id) aborted: \(transfer.path): \(reason)")
        }
        post(event, now: now)
        for handler in onTransferEnd { effects.append(.notify { handler(transfer, end) }) }
    }
}
