// Commands: handlers of the application and of the library itself.

extension Printer {
    /// Sets the handler of a command, instead of the one before or the library's own.
    ///
    /// The handler runs on the commands thread. It gets the command after the server got ACCEPTED, and what it returns
    /// or throws is the one answer to the command.
    public func on(_ name: CommandName, _ handler: @escaping CommandHandler) {
        change { $0.handlers[name] = handler }
    }

    /// Sets what is called when a more urgent command (`RESET_PRINTER`, `STOP_PRINT`, G-code with an M112) arrives while another one runs: it should
    /// make the handler of the given command end, which has one second for it. Called on "connect-calls".
    /// ``Command/isInterrupted`` is set before.
    public func onInterrupt(_ handler: @escaping @Sendable (Command) -> Void) {
        change { $0.onInterrupt = handler }
    }

    /// Runs a command's handler on the calling thread and reports its end.
    func execute(_ command: Command) {
        let result: CommandResult
        if let handler = read({ $0.handlers[command.name] }) ?? builtInHandler(of: command.name) {
            do {
                result = try handler(command)
            } catch {
                result = .failed(error)
            }
        } else {
            result = .rejected(CommandName.known.contains(command.name) ? "Not Implemented" : "Unknown command")
        }
        finish(command, result)
        carryOnTransfer()
    }

    func finish(_ command: Command, _ result: CommandResult) {
        change { [clock] core in
            core.finish(command, result, now: clock.monotonic(), wall: clock.wall())
        }
    }

    private func builtInHandler(of name: CommandName) -> CommandHandler? {
        switch name {
        case .sendInfo: { [self] _ in .answer(.info, data: infoData()) }
        case .sendFileInfo: { [self] command in .answer(.fileInfo, data: try fileInfo(of: command.required("path"))) }
        case .sendStateInfo: { _ in .answer(.stateChanged, data: [:]) }
        case .setPrinterReady:
            { [self] _ in
                try markReady(source: .connect)
                return .finished
            }
        case .cancelPrinterReady:
            { [self] _ in
                try cancelReady(source: .connect)
                return .finished
            }
        case .startURLDownload: { [self] in try startURLDownload($0) }
        case .startConnectDownload: { [self] in try startConnectDownload($0) }
        case .stopTransfer: { [self] in try stopTransfer($0) }
        case .sendTransferInfo: { [self] in try sendTransferInfo($0) }
        case .createFolder, .createDirectory: { [self] in try createFolder($0) }
        case .deleteFile: { [self] in try deleteFile($0) }
        case .deleteFolder, .deleteDirectory: { [self] in try deleteFolder($0) }
        default: nil
        }
    }

    /// Everything that INFO tells.
    func infoData() -> JSONObject {
        let (identity, info) = read { ($0.identity, $0.info) }
        return info.fields(of: identity, files: storages.infoTree)
    }
}
