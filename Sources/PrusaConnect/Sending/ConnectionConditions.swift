/// One link of the chain to Connect, from the outside in. A broken link breaks the ones after it.
public enum Condition: Int, Sendable, Hashable, Comparable, CaseIterable, CustomStringConvertible {
    /// Names can be resolved and hosts can be reached.
    case internet
    /// Connect speaks HTTP and has no trouble of its own (5xx).
    case http
    /// The printer has a token and Connect takes it.
    case token
    /// Connect takes the printer's requests.
    case api

    /// From the outside in.
    public static func < (left: Condition, right: Condition) -> Bool { left.rawValue < right.rawValue }

    /// The name that people know from PrusaLink.
    public var description: String {
        switch self {
        case .internet: "Internet"
        case .http: "HTTP"
        case .token: "Token"
        case .api: "API"
        }
    }
}

/// What is known about a link.
public enum ConditionState: Sendable, Hashable {
    /// Nothing has been tried yet.
    case unknown
    /// It works.
    case ok
    /// It does not work.
    case broken
}

/// The chain to Connect as the last answers showed it: `internet`, `http`, `token`, `api`.
///
/// Each printer has its own. What an answer proves:
///
/// | seen | internet | http | token | api |
/// | --- | --- | --- | --- | --- |
/// | no name, no route | broken | broken | broken | broken |
/// | refused, cut, timeout, TLS, no HTTP, 5xx | ok | broken | broken | broken |
/// | 401, 403 | ok | ok | broken | broken |
/// | any other answer than 2xx | ok | ok | as known | broken |
/// | 2xx with the token | ok | ok | ok | ok |
/// | 2xx without (registration) | ok | ok | as known | as the token |
///
/// The Python SDK 0.8.1 blames timeouts on the Internet, 5xx on the API and does not connect 401 with the token.
public struct ConnectionConditions: Sendable, Hashable, CustomStringConvertible {
    /// Names can be resolved and hosts can be reached.
    public private(set) var internet = ConditionState.unknown
    /// Connect speaks HTTP and has no trouble of its own.
    public private(set) var http = ConditionState.unknown
    /// The printer has a token and Connect takes it.
    public private(set) var token = ConditionState.unknown
    /// Connect takes the printer's requests.
    public private(set) var api = ConditionState.unknown

    /// What is known of the token apart from whether Connect can be reached at all.
    private var tokenItself = ConditionState.unknown

    /// Nothing has been tried yet.
    public init() {}

    /// The state of one link.
    public subscript(condition: Condition) -> ConditionState {
        switch condition {
        case .internet: internet
        case .http: http
        case .token: token
        case .api: api
        }
    }

    /// The outermost broken link: the one to tell people about.
    public var firstBroken: Condition? { Condition.allCases.first { self[$0] == .broken } }

    /// Whether the last request was taken.
    public var isConnected: Bool { api == .ok }

    /// For example `Internet ok, HTTP broken, Token broken, API broken`.
    public var description: String { Condition.allCases.map { "\($0) \(self[$0])" }.joined(separator: ", ") }

    /// What a finished request showed.
    enum Observation: Sendable, Hashable {
        case noInternet
        case noHTTP
        case tokenRefused
        case refused
        case acceptedWithToken
        case acceptedWithoutToken
    }

    mutating func observe(_ observation: Observation) {
        switch observation {
        case .noInternet: (internet, http, token, api) = (.broken, .broken, .broken, .broken)
        case .noHTTP: (internet, http, token, api) = (.ok, .broken, .broken, .broken)
        case .tokenRefused:
            tokenItself = .broken
            (internet, http, token, api) = (.ok, .ok, .broken, .broken)
        case .refused: (internet, http, token, api) = (.ok, .ok, tokenItself, .broken)
        case .acceptedWithToken:
            tokenItself = .ok
            (internet, http, token, api) = (.ok, .ok, .ok, .ok)
        case .acceptedWithoutToken: (internet, http, token, api) = (.ok, .ok, tokenItself, tokenItself)
        }
    }

    /// The printer got another token, or none.
    mutating func tokenChanged(isKnown: Bool) {
        tokenItself = isKnown ? .unknown : .broken
        guard http != .broken else { return }
        (token, api) = (tokenItself, tokenItself)
    }
}
