import Synchronization

/// The name of a condition in a ``ConditionTree``. The four of the chain to Connect are there from the start.
public struct ConditionID: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name, for people too.
    public let rawValue: String

    /// A condition by its name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The name.
    public var description: String { rawValue }

    /// Names can be resolved and hosts can be reached; priority 130.
    public static let internet = ConditionID(.internet)
    /// Connect speaks HTTP and has no trouble of its own; priority 120.
    public static let http = ConditionID(.http)
    /// The printer has a token and Connect takes it; priority 110.
    public static let token = ConditionID(.token)
    /// Connect takes the printer's requests; priority 100.
    public static let api = ConditionID(.api)

    init(_ condition: Condition) { rawValue = condition.description }
}

/// What is wrong with a change of a ``ConditionTree``.
public enum ConditionTreeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no condition of this name.
    case unknown(ConditionID)
    /// There is one of this name already.
    case duplicate(ConditionID)
    /// A condition cannot hang below itself.
    case circle(ConditionID)
    /// What has been tried once is never unknown again.
    case backToUnknown(ConditionID)
    /// The chain to Connect stays whole.
    case partOfChain(ConditionID)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .unknown(let id): "there is no condition \(id): add it first"
        case .duplicate(let id): "there is a condition \(id) already"
        case .circle(let id): "the condition \(id) cannot hang below itself"
        case .backToUnknown(let id): "the condition \(id) cannot become unknown again: set ok or broken"
        case .partOfChain(let id): "the condition \(id) belongs to the chain to Connect: it stays where it is"
        }
    }
}

/// A condition that became ok or broken.
public struct ConditionChange: Sendable, Hashable {
    /// Which.
    public let condition: ConditionID
    /// The state before.
    public let old: ConditionState
    /// The state now: ``ConditionState/ok`` ("fixed") or ``ConditionState/broken`` ("broke").
    public let new: ConditionState
}

/// The chain to Connect with an application's own conditions above, below and beside it, as PrusaLink hangs "device",
/// "PHY" and "LAN" above "Internet". Each printer has its own: ``Printer/conditionTree``.
///
/// - A condition that breaks breaks everything below it.
/// - A condition that becomes ok makes the one above it ok when all below that are ok, and so on upwards.
/// - Setting what is there already does nothing.
///
/// Any thread. Handlers get changes in the order in which they happened, on "connect-calls".
public final class ConditionTree: Sendable {
    fileprivate struct Node: Sendable {
        var parent: ConditionID?
        var priority: Int
        var explanation: String
        var state = ConditionState.unknown
    }

    fileprivate struct State: Sendable {
        /// In the order in which they were added.
        var order: [ConditionID] = []
        var nodes: [ConditionID: Node] = [:]
        var handlers: [(key: UInt64, handler: @Sendable (ConditionChange) -> Void)] = []
        var nextKey: UInt64 = 0
    }

    private let state = Mutex(State())
    private let calls: SerialWorker

    init(calls: SerialWorker) {
        self.calls = calls
        state.withLock { state in
            var parent: ConditionID?
            for condition in Condition.allCases {
                let id = ConditionID(condition)
                state.order.append(id)
                state.nodes[id] = Node(
                    parent: parent, priority: condition.priority, explanation: condition.explanation)
                parent = id
            }
        }
    }

    // MARK: The tree

    /// Adds a condition, below `parent` or as a root. `priority` says which of several broken ones people are told
    /// about; the chain to Connect has 130 to 100 from the outside in.
    public func add(
        _ id: ConditionID, below parent: ConditionID? = nil, priority: Int, explanation: String = "",
        state initial: ConditionState = .unknown
    ) throws(ConditionTreeError) {
        try change { state throws(ConditionTreeError) in
            guard state.nodes[id] == nil else { throw .duplicate(id) }
            if let parent, state.nodes[parent] == nil { throw .unknown(parent) }
            state.order.append(id)
            state.nodes[id] = Node(parent: parent, priority: priority, explanation: explanation)
            return initial == .unknown ? [] : state.set(id, to: initial)
        }
    }

    /// Hangs a condition with everything below it to another place; `nil` makes it a root. The outermost of the chain
    /// to Connect can be hung below an application's condition, the others stay.
    public func move(_ id: ConditionID, below parent: ConditionID?) throws(ConditionTreeError) {
        try change { state throws(ConditionTreeError) in
            guard state.nodes[id] != nil else { throw .unknown(id) }
            guard ![.http, .token, .api].contains(id) else { throw .partOfChain(id) }
            if let parent {
                guard state.nodes[parent] != nil else { throw .unknown(parent) }
                guard parent != id, !state.descendants(of: id).contains(parent) else { throw .circle(id) }
            }
            state.nodes[id]?.parent = parent
            return []
        }
    }

    /// Removes an application's condition; what hung below it hangs below its parent then.
    public func remove(_ id: ConditionID) throws(ConditionTreeError) {
        try change { state throws(ConditionTreeError) in
            guard let node = state.nodes[id] else { throw .unknown(id) }
            guard !Condition.allCases.map(ConditionID.init).contains(id) else { throw .partOfChain(id) }
            for child in state.children(of: id) { state.nodes[child]?.parent = node.parent }
            state.nodes[id] = nil
            state.order.removeAll { $0 == id }
            return []
        }
    }

    /// All conditions in the order in which they were added.
    public var all: [ConditionID] { state.withLock { $0.order } }

    /// What hangs above a condition; `nil` for a root and for an unknown one.
    public func parent(of id: ConditionID) -> ConditionID? { state.withLock { $0.nodes[id]?.parent } }

    /// Everything below a condition, at any depth.
    public func descendants(of id: ConditionID) -> [ConditionID] { state.withLock { $0.descendants(of: id) } }

    /// What a condition means, for people.
    public func explanation(of id: ConditionID) -> String? { state.withLock { $0.nodes[id]?.explanation } }

    // MARK: States

    /// The state of a condition; unknown for one that does not exist.
    public subscript(id: ConditionID) -> ConditionState { state.withLock { $0.nodes[id]?.state ?? .unknown } }

    /// Sets an application's condition. Setting one of the chain to Connect holds until its next request.
    public func set(_ id: ConditionID, to new: ConditionState) throws(ConditionTreeError) {
        try change { state throws(ConditionTreeError) in
            guard let node = state.nodes[id] else { throw .unknown(id) }
            guard node.state != new else { return [] }
            guard new != .unknown else { throw .backToUnknown(id) }
            return state.set(id, to: new)
        }
    }

    /// The broken condition to tell people about: the one with the highest priority, of `some` or of all.
    public func mostImportantBroken(among some: Set<ConditionID>? = nil) -> ConditionID? {
        state.withLock { state in
            state.order.filter { state.nodes[$0]?.state == .broken && some?.contains($0) ?? true }
                .max { (state.nodes[$0]?.priority ?? 0) < (state.nodes[$1]?.priority ?? 0) }
        }
    }

    // MARK: Handlers

    /// Adds what is called with each change. The result is the key for ``removeHandler(_:)``.
    @discardableResult
    public func onChange(_ handler: @escaping @Sendable (ConditionChange) -> Void) -> UInt64 {
        state.withLock { state in
            defer { state.nextKey += 1 }
            state.handlers.append((state.nextKey, handler))
            return state.nextKey
        }
    }

    /// Removes a handler; nothing happens when it is gone already.
    public func removeHandler(_ key: UInt64) {
        state.withLock { state in state.handlers.removeAll { $0.key == key } }
    }

    /// Takes over what the last answers of the server showed: what is broken from the outside in, then what is ok.
    func take(_ conditions: ConnectionConditions) {
        // Changing the chain never throws.
        try? change { state throws(ConditionTreeError) in
            var changes: [ConditionChange] = []
            for condition in Condition.allCases where conditions[condition] == .broken {
                changes += state.set(ConditionID(condition), to: .broken)
            }
            for condition in Condition.allCases.reversed() where conditions[condition] == .ok {
                changes += state.set(ConditionID(condition), to: .ok)
            }
            return changes
        }
    }

    private func change(
        _ body: (inout State) throws(ConditionTreeError) -> [ConditionChange]
    ) throws(ConditionTreeError) {
        let result = state.withLock { state -> Result<Void, ConditionTreeError> in
            do throws(ConditionTreeError) {
                let changes = try body(&state)
                // Queued with the lock held: the order of calls is the order of changes.
                for change in changes {
                    for (_, handler) in state.handlers { calls.run { handler(change) } }
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}

extension ConditionTree.State {
    fileprivate func children(of id: ConditionID) -> [ConditionID] { order.filter { nodes[$0]?.parent == id } }

    fileprivate func descendants(of id: ConditionID) -> [ConditionID] {
        children(of: id).flatMap { [$0] + descendants(of: $0) }
    }

    fileprivate mutating func set(_ id: ConditionID, to new: ConditionState) -> [ConditionChange] {
        guard let old = nodes[id]?.state, old != new else { return [] }
        nodes[id]?.state = new
        var changes = [ConditionChange(condition: id, old: old, new: new)]
        if new == .broken {
            for child in children(of: id) { changes += set(child, to: .broken) }
        } else if let parent = nodes[id]?.parent, children(of: parent).allSatisfy({ nodes[$0]?.state == .ok }) {
            changes += set(parent, to: .ok)
        }
        return changes
    }
}

extension Condition {
    /// Which of several broken conditions people are told about (PrusaLink's numbers).
    public var priority: Int {
        switch self {
        case .internet: 130
        case .http: 120
        case .token: 110
        case .api: 100
        }
    }

    /// What it means when it is broken, for people.
    public var explanation: String {
        switch self {
        case .internet: "There is no DNS, no route, or other trouble reaching hosts"
        case .http: "Connect cannot be reached over HTTP, or has trouble of its own"
        case .token: "Connect does not take the printer's token: register the printer"
        case .api: "Connect refuses the printer's requests"
        }
    }
}
