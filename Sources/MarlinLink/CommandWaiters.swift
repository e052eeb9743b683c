import GCodeStream
import Synchronization

/// The commands of the priority lane that are not settled yet, and who waits for which.
final class CommandWaiters: Sendable {
    enum Fate: Sendable { case pending, acknowledged, dropped }

    /// How many commands may be unsettled: one less than the engine's lane holds, which the link's own temperature
    /// query may need. So a command that is taken here always finds a place there.
    static let capacity = Limits.priorityLane - 1

    private struct State {
        var lastTag: UInt32 = 0
        var unsettled: Set<UInt32> = []
        var fates: [UInt32: Fate] = [:]
        var signals: [UInt32: WakeSignal] = [:]
    }

    private let state = Mutex(State())

    /// A tag for a command; nil when too many are unsettled. Its fate is kept for `fate(of:)` until `forget` when
    /// `signal` is given, which is then signalled.
    func tag(telling signal: WakeSignal? = nil) -> UInt32? {
        state.withLock { state in
            guard state.unsettled.count < Self.capacity else { return nil }
            // Tags from 2^31 on are the stream thread's own.
            state.lastTag = state.lastTag &+ 1 < 1 << 31 ? state.lastTag + 1 : 1
            state.unsettled.insert(state.lastTag)
            if let signal {
                state.fates[state.lastTag] = .pending
                state.signals[state.lastTag] = signal
            }
            return state.lastTag
        }
    }

    /// Settles a command. One that was settled before stays as it is.
    func settle(_ tag: UInt32, as fate: Fate) {
        state.withLock { state in
            guard state.unsettled.remove(tag) != nil, state.fates[tag] != nil else { return }
            state.fates[tag] = fate
            state.signals.removeValue(forKey: tag)?.signal()
        }
    }

    /// Settles everything: the link is down or the printer forgot all it had.
    func dropAll() {
        state.withLock { state in
            state.unsettled.removeAll()
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
