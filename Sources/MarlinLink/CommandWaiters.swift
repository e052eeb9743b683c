import Synchronization

/// Who waits for which command of the priority lane.
final class CommandWaiters: Sendable {
    enum Fate: Sendable { case pending, acknowledged, dropped }

    private struct State {
        var nextTag: UInt32 = 1
        var fates: [UInt32: Fate] = [:]
        var signals: [UInt32: WakeSignal] = [:]
    }

    private let state = Mutex(State())

    /// A tag for a command that nobody waits for.
    func tag() -> UInt32 {
        state.withLock { state in
            // Tags from 2^31 on are the stream thread's own.
            state.nextTag = state.nextTag >= 1 << 31 ? 1 : state.nextTag + 1
            return state.nextTag
        }
    }

    /// A tag whose fate `signal` will be told of.
    func tag(telling signal: WakeSignal) -> UInt32 {
        let tag = tag()
        state.withLock {
            $0.fates[tag] = .pending
            $0.signals[tag] = signal
        }
        return tag
    }

    func settle(_ tag: UInt32, as fate: Fate) {
        state.withLock { state in
            guard state.fates[tag] != nil else { return }
            state.fates[tag] = fate
            state.signals.removeValue(forKey: tag)?.signal()
        }
    }

    /// Settles everything: the link is down.
    func dropAll() {
        state.withLock { state in
            for (tag, fate) in state.fates where fate == .pending { state.fates[tag] = .dropped }
            for signal in state.signals.values { signal.signal() }
            state.signals.removeAll()
        }
    }

    func fate(of tag: UInt32) -> Fate { state.withLock { $0.fates[tag] ?? .dropped } }

    func forget(_ tag: UInt32) {
        state.withLock {
            $0.fates[tag] = nil
            $0.signals[tag] = nil
        }
    }
}
