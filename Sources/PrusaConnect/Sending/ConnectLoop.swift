/// One life of the connect thread: how to wake it and how to wait for its end.
final class LoopRun: Sendable {
    let waker: any Waker
    let ended = Latch()

    init(waker: any Waker) { self.waker = waker }
}

/// The connect thread: asks the core what to do, lets the transport do it, and tells the core what came of it.
// @unchecked: the transport is made by the thread that starts the loop, handed over here, and from then on used by
// the connect thread alone.
final class ConnectLoop: @unchecked Sendable {
    private let printer: Printer
    private let transport: any Transport
    private let life: LoopRun

    init(printer: Printer, transport: any Transport, life: LoopRun) {
        self.printer = printer
        self.transport = transport
        self.life = life
    }

    private var now: Duration { printer.clock.monotonic() }
    private var wall: Duration { printer.clock.wall() }

    func run() {
        defer { life.ended.open() }
        while true {
            switch printer.step({ $0.nextAction(now: now, wall: wall) }) {
            case .send(let outgoing): send(outgoing)
            case .wait(let deadline): _ = transport.wait(for: deadline.map { max($0 - now, .zero) })
            case .stop: return
            }
        }
    }

    private func send(_ outgoing: Outgoing) {
        transport.start(outgoing.request)
        while true {
            switch printer.step({ $0.waitDuring(outgoing, now: now, wall: wall) }) {
            case .giveUp:
                transport.cancel()
                let error = TransportError(kind: .cancelled, message: "cancelled")
                return complete(outgoing, .failure(error))
            case .wait(let deadline):
                if let result = transport.wait(for: deadline.map { max($0 - now, .zero) }) {
                    return complete(outgoing, result)
                }
            }
        }
    }

    private func complete(_ outgoing: Outgoing, _ result: TransportResult) {
        printer.step { $0.completed(outgoing, with: result, now: now, wall: wall) }
    }
}
