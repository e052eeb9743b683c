import BoardIO
import PrusaConnect

/// USB sticks as storages of Connect: attaching one is MEDIUM_INSERTED, taking it away MEDIUM_EJECTED.
///
/// A stick is read when it is attached, which can take seconds: that happens on a thread of its own, in the order of the
/// news. The board's thread only posts.
final class StickStorages: Sendable {
    private enum Message: Sendable {
        case stick(StickEvent)
        case end
    }

    private let printer: Printer
    private let mailbox = Mailbox<Message>()

    /// `onProblem` gets what keeps a stick from Connect, on the thread of the sticks.
    init(printer: Printer, onProblem: @escaping @Sendable (String) -> Void) {
        self.printer = printer
        let mailbox = mailbox
        let started = startThread {
            while true {
                for message in mailbox.take(until: .now + 3600) {
                    guard case .stick(let event) = message else { return }
                    do {
                        try Self.carryOut(event, printer)
                    } catch {
                        onProblem("\(error)")
                    }
                }
            }
        }
        if !started { onProblem("no thread for USB sticks: Connect does not see them") }
    }

    deinit { mailbox.post(.end) }

    /// Takes news of a stick; never waits.
    func take(_ event: StickEvent) { mailbox.post(.stick(event)) }

    private static func carryOut(_ event: StickEvent, _ printer: Printer) throws(StorageError) {
        switch event {
        case .attached(let stick): try printer.attach(Storage(name: stick.name, directory: stick.path))
        case .detached(let stick, _): try printer.detach(stick.name)
        case .failed, .noted: break
        }
    }
}
