import Testing

@testable import PrusaConnect

@Suite struct ConditionTreeTests {
    private let tree = ConditionTree(calls: SerialWorker(name: "test-calls"))
    private let device = ConditionID(rawValue: "Device")
    private let lan = ConditionID(rawValue: "LAN")
    private let upload = ConditionID(rawValue: "Upload")
    private let serial = ConditionID(rawValue: "Serial")

    /// As PrusaLink hangs its own: above the chain, below it, and beside it.
    private func plant() throws {
        try tree.add(device, priority: 1020, explanation: "There is no network device")
        try tree.add(lan, below: device, priority: 1000)
        try tree.move(.internet, below: lan)
        try tree.add(upload, below: .api, priority: 90)
        try tree.add(serial, priority: 570, state: .ok)
    }

    private var states: [String] { tree.all.map { "\($0) \(tree[$0])" } }

    @Test("The chain is there from the start, with what people know of it")
    func chain() {
        #expect(tree.all == [.internet, .http, .token, .api])
        #expect(tree.descendants(of: .internet) == [.http, .token, .api] && tree.parent(of: .internet) == nil)
        #expect(Condition.allCases.map(\.priority) == [130, 120, 110, 100])
        #expect(tree.all.allSatisfy { tree[$0] == .unknown && tree.explanation(of: $0) != nil })
        #expect(tree.mostImportantBroken() == nil)
    }

    @Test("What breaks breaks all below; what is fixed fixes what is above when all beside it are fine")
    func propagation() throws {
        try plant()
        try tree.set(lan, to: .broken)
        #expect(tree[device] == .unknown && tree[serial] == .ok)
        #expect(([lan] + tree.descendants(of: lan)).allSatisfy { tree[$0] == .broken })
        #expect(tree.descendants(of: lan) == [.internet, .http, .token, .api, upload])
        try tree.set(upload, to: .ok)
        // The chain was proved from its end.
        #expect(tree.all.allSatisfy { tree[$0] == .ok })
        let wifi = ConditionID(rawValue: "Wi-Fi")
        try tree.add(wifi, below: device, priority: 1005, state: .broken)
        try tree.set(device, to: .broken)
        try tree.set(lan, to: .ok)
        #expect(tree[device] == .broken)
        try tree.set(wifi, to: .ok)
        #expect(tree[device] == .ok)
    }

    @Test("Of several broken ones people hear of the most important, of all or of some")
    func priority() throws {
        try plant()
        try tree.set(.token, to: .broken)
        #expect(tree.mostImportantBroken() == .token)
        try tree.set(serial, to: .broken)
        #expect(tree.mostImportantBroken() == serial && tree.mostImportantBroken(among: [.api, upload]) == .api)
        #expect(tree.mostImportantBroken(among: [device]) == nil)
        try tree.set(device, to: .broken)
        #expect(tree.mostImportantBroken() == device)
    }

    @Test("What the tree refuses")
    func refusals() throws {
        try plant()
        let nobody = ConditionID(rawValue: "Nobody")
        #expect(throws: ConditionTreeError.duplicate(lan)) { try tree.add(lan, priority: 1) }
        #expect(throws: ConditionTreeError.unknown(nobody)) { try tree.add(upload2, below: nobody, priority: 1) }
        #expect(throws: ConditionTreeError.unknown(nobody)) { try tree.set(nobody, to: .ok) }
        #expect(throws: ConditionTreeError.unknown(nobody)) { try tree.remove(nobody) }
        #expect(throws: ConditionTreeError.circle(device)) { try tree.move(device, below: .internet) }
        #expect(throws: ConditionTreeError.circle(lan)) { try tree.move(lan, below: lan) }
        #expect(throws: ConditionTreeError.partOfChain(.token)) { try tree.move(.token, below: lan) }
        #expect(throws: ConditionTreeError.partOfChain(.http)) { try tree.remove(.http) }
        #expect(throws: ConditionTreeError.backToUnknown(serial)) { try tree.set(serial, to: .unknown) }
        // Not a change.
        try tree.set(lan, to: .unknown)
        #expect(tree.all.count == 8)
    }

    private let upload2 = ConditionID(rawValue: "Upload 2")

    @Test("Moved and removed: what hung below follows, and below the removed one hangs above it")
    func moves() throws {
        try plant()
        try tree.move(lan, below: serial)
        #expect(tree.descendants(of: serial) == [lan, .internet, .http, .token, .api, upload])
        #expect(tree.descendants(of: device) == [])
        try tree.remove(lan)
        #expect(tree.parent(of: .internet) == serial && !tree.all.contains(lan))
        #expect(throws: ConditionTreeError.unknown(lan)) { try tree.remove(lan) }
    }

    @Test("Handlers hear of each change once and in order, and not after they are gone")
    func handlers() throws {
        let changes = Shared<[String]>([])
        let key = tree.onChange { change in
            changes.change { $0.append("\(change.condition) \(change.old) \(change.new)") }
        }
        try tree.set(.api, to: .ok)
        try tree.set(.api, to: .ok)
        try tree.set(.token, to: .broken)
        let expected = [
            "API unknown ok", "Token unknown ok", "HTTP unknown ok", "Internet unknown ok", "Token ok broken",
            "API ok broken",
        ]
        eventually("told") { changes.value.count >= expected.count }
        #expect(changes.value == expected)
        tree.removeHandler(key)
        tree.removeHandler(key)
        let last = Shared(false)
        tree.onChange { _ in last.change { $0 = true } }
        try tree.set(.token, to: .ok)
        eventually("the other one hears it") { last.value }
        #expect(changes.value == expected)
    }

    @Test("It follows the printer's requests; two printers do not disturb each other")
    func printers() throws {
        let server = try ScriptedServer { request in request.isTelemetry ? .status(403) : .noContent }
        let other = try ScriptedServer()
        let (refused, taken) = (try makePrinter(server.settings), try makePrinter(other.settings))
        try refused.conditionTree.add(lan, priority: 1000)
        try refused.conditionTree.move(.internet, below: lan)
        for printer in [refused, taken] { try printer.start() }
        defer { for printer in [refused, taken] { printer.stop(deadline: .zero) } }
        eventually("refused") { refused.conditionTree.mostImportantBroken() == .token }
        eventually("taken") { taken.conditionTree[.internet] == .ok && taken.conditionTree[.api] == .ok }
        #expect(refused.conditionTree[.http] == .ok && refused.conditionTree[lan] == .ok)
        #expect(taken.conditionTree.mostImportantBroken() == nil && !taken.conditionTree.all.contains(lan))
        server.setScript { _ in .noContent }
        eventually("taken at last") { refused.conditionTree[.api] == .ok }
    }
}
