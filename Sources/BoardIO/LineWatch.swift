/// One input line: taken, debounced, taken again when its chip comes back. For the devices' thread only.
final class LineWatch {
    let line: BoardDevices.Line
    private var input: GPIOInput?
    private var debouncer = Debouncer(level: false)
    private var raw = false
    private var wasFloating = false
    private var isKnown = false
    /// The failure that was told last: the same one again is no news.
    private var told: GPIOError?
    private var retryAt: UInt64 = 0

    /// Nanoseconds between two tries to take a line.
    private static let retryPause: UInt64 = 2_000_000_000
    /// Edges taken at once, so that a line that howls does not keep the others waiting.
    private static let edgesAtOnce = 256

    init(_ line: BoardDevices.Line) {
        self.line = line
    }

    /// The descriptor to poll, nil while the line is not held.
    var descriptor: Int32? {
        switch input {
        case .some(let input): try? input.fileDescriptor()
        case .none: nil
        }
    }

    private var isHeld: Bool {
        switch input {
        case .some: true
        case .none: false
        }
    }

    /// When `advance` has something to do without an edge.
    var deadline: UInt64? {
        guard isHeld else { return retryAt }
        return line.kind == .level ? debouncer.deadline : nil
    }

    /// Lets time pass: tries again to take a line, lets the debouncer decide.
    func advance(to now: UInt64) -> [BoardDevices.Event] {
        guard isHeld else { return now >= retryAt ? open(now) : [] }
        return line.kind == .level ? settle(now) : []
    }

    /// Takes the edges that wait.
    func readEdges(now: UInt64) -> [BoardDevices.Event] {
        var events: [BoardDevices.Event] = []
        var pulses = 0
        do throws(GPIOError) {
            for _ in 0..<Self.edgesAtOnce {
                guard let edge = try nextEdge() else { break }
                if line.kind == .pulses {
                    if edge.isRising { pulses += 1 }
                } else {
                    let time = min(edge.timestampNanoseconds, now)
                    events += settle(time)
                    raw = edge.isRising
                    debouncer.take(raw, at: time)
                }
            }
            // The kernel keeps 16 edges; of a longer train the last may be missing.
            if line.kind == .level, let level = try level(), level != raw {
                raw = level
                debouncer.take(level, at: now)
            }
        } catch {
            return events + fail(error, now)
        }
        if pulses > 0 { events.append(.pulses(line: line.role, count: pulses)) }
        return line.kind == .level ? events + settle(now) : events
    }

    /// A chip came or went. Before Linux 6.3 nothing else tells that the line's own is gone.
    func chipsChanged(now: UInt64) -> [BoardDevices.Event] {
        guard isHeld else {
            retryAt = now
            return open(now)
        }
        do throws(GPIOError) {
            _ = try level()
            return []
        } catch {
            return fail(error, now)
        }
    }

    private func nextEdge() throws(GPIOError) -> GPIOEdge? {
        switch input {
        case .some(let input): try input.nextEdge()
        case .none: nil
        }
    }

    private func level() throws(GPIOError) -> Bool? {
        switch input {
        case .some(let input): try input.isActive()
        case .none: nil
        }
    }

    private func open(_ now: UInt64) -> [BoardDevices.Event] {
        do throws(GPIOError) {
            let (path, offset) = try line.address.resolve()
            let chip = try GPIOChip(path: path)
            var isDebounced = false
            let taken = try take(chip, offset, isDebounced: &isDebounced)
            raw = try taken.isActive()
            debouncer = Debouncer(level: raw, settle: isDebounced ? 0 : line.settle)
            input = consume taken
        } catch {
            return fail(error, now)
        }
        told = nil
        wasFloating = false
        guard line.kind == .level else { return [] }
        defer { isKnown = true }
        return [.level(line: line.role, isActive: raw, isFirst: !isKnown, at: now)]
    }

    /// Debounced in the kernel where it can.
    private func take(
        _ chip: borrowing GPIOChip, _ offset: UInt32, isDebounced: inout Bool
    ) throws(GPIOError) -> GPIOInput {
        // Of both edges libgpiod 1.x tells the level that it found later: a short pulse would count twice or not at all.
        let edges = line.kind == .level ? GPIOEdges.both : .rising
        var settings = GPIOInput.Settings(bias: line.bias, edges: edges, isActiveLow: line.isActiveLow)
        if line.kind == .level, GPIOChip.canDebounce, line.settle > 0 {
            settings.debounceMicroseconds = UInt32(clamping: line.settle / 1000)
            do throws(GPIOError) {
                let input = try chip.input(offset, settings)
                isDebounced = true
                return input
            } catch {
                // Whatever else is wrong, the request without debounce says it.
                settings.debounceMicroseconds = 0
            }
        }
        return try chip.input(offset, settings)
    }

    private func settle(_ time: UInt64) -> [BoardDevices.Event] {
        var events: [BoardDevices.Event] = []
        if let level = debouncer.advance(to: time) {
            events.append(.level(line: line.role, isActive: level, isFirst: false, at: time))
        }
        if debouncer.isFloating, !wasFloating { events.append(.floating(line: line.role)) }
        wasFloating = debouncer.isFloating
        return events
    }

    private func fail(_ error: GPIOError, _ now: UInt64) -> [BoardDevices.Event] {
        input = nil
        retryAt = now &+ Self.retryPause
        guard error != told else { return [] }
        told = error
        return [.lineFailed(line: line.role, error)]
    }
}
