// Registration: from an unknown printer to a token.

extension Printer {
    /// Registers the printer at the server of ``connection``.
    ///
    /// Asks for a code, reports it, and asks for the token until a user has entered the code, for 30 minutes at most.
    /// Trouble on the way is reported and tried again. With ``start()`` or without: a printer that is not started
    /// sends nothing else. A token from before stays in use until the new one is here. A registration that goes on
    /// already is cancelled.
    ///
    /// - Parameters:
    ///   - name: the printer's name, filled in for the user.
    ///   - location: the printer's place, filled in for the user.
    ///   - report: called on "connect-calls" with each step; after ``RegistrationProgress/isEnd`` nothing follows.
    public func register(
        name: String? = nil, location: String? = nil, report: @escaping @Sendable (RegistrationProgress) -> Void
    ) {
        change { [clock] core in
            core.startRegistration(name: name, location: location, now: clock.monotonic(), report: report)
        }
        guard read({ $0.registration != nil }) else { return }
        do {
            try startLoop()
        } catch {
            change { $0.endRegistration(.failed(.notStarted(error.description))) }
        }
    }

    /// The same as a sequence: `for await progress in printer.register() { … }`. Ending the loop early cancels the
    /// registration.
    public func register(name: String? = nil, location: String? = nil) -> AsyncStream<RegistrationProgress> {
        AsyncStream { continuation in
            continuation.onTermination = { [weak self] reason in
                if case .cancelled = reason { self?.cancelRegistration() }
            }
            register(name: name, location: location) { progress in
                continuation.yield(progress)
                if progress.isEnd { continuation.finish() }
            }
        }
    }

    /// Ends a registration; it reports ``RegistrationError/cancelled``. Nothing happens without one.
    public func cancelRegistration() {
        change { core in
            if core.registration != nil { core.endRegistration(.failed(.cancelled)) }
        }
    }
}
