extension MarlinPrinter {
    /// M105: temperatures on the line of the `ok`.
    mutating func answerTemperatures() {
        spend(profile.speed.report)
        text.removeAll(keepingCapacity: true)
        guard profile.answers.temperaturesOnOk, !profile.answers.onReceipt else {
            appendTemperatures()
            text.append(profile.text.end)
            send(text)
            finish()
            return
        }
        if profile.family == .octoPrint {
            appendAdvancedOk(number: queue.frontNumber)
            text.append(" ")
        } else {
            text.append("ok ")
        }
        appendTemperatures()
        text.append(profile.text.end)
        answer(with: text)
        let isFollowed = queue.count > 1
        endCommand()
        if profile.capabilities.secondOkAfterTemperatures, isFollowed {
            statistics.oksSent += 1
            send(okLine)
        }
    }

    /// Sends an `ok` that carries data; the fault plan may lose or double it.
    private mutating func answer(with bytes: [UInt8]) {
        timers.nextWait = now + 1_000_000_000
        if losesOk() { return }
        if faultsAreOn, configuration.faults.hasOkFaults {
            if okFaults.chance(configuration.faults.doubledOk) {
                statistics.faults += 1
                send(bytes)
            }
        }
        statistics.oksSent += 1
        send(bytes)
    }

    /// Temperatures of M155 (Marlin puts a blank in front).
    mutating func reportTemperatures(automatic: Bool) {
        spend(profile.speed.report)
        text.removeAll(keepingCapacity: true)
        if automatic, profile.family == .marlin1 || profile.family == .marlin2 { text.append(" ") }
        appendTemperatures()
        text.append(profile.text.end)
        send(text)
    }

    /// One line of M109 or M190.
    mutating func reportHeating(_ wait: HeatWait) {
        spend(profile.speed.report)
        text.removeAll(keepingCapacity: true)
        switch profile.family {
        case .marlin1, .marlin2:
            text.append(" ")
            appendTemperatures()
            text.append(" W:")
            appendCountdown(wait)
        case .prusa:
            text.append("T:")
            text.append(hotend.temperature(at: now), decimals: 1)
            text.append(" E:0 ")
            if wait.isBed {
                text.append("B:")
                text.append(bed.temperature(at: now), decimals: 1)
            } else {
                text.append("W:")
                appendCountdown(wait)
            }
        case .octoPrint:
            text.append(wait.isBed ? "B:" : "T:")
            text.append((wait.isBed ? bed : hotend).temperature(at: now), decimals: 2)
        }
        text.append(profile.text.end)
        send(text)
    }

    private mutating func appendCountdown(_ wait: HeatWait) {
        guard now >= wait.reachedAt else {
            text.append("?")
            return
        }
        let scale = configuration.timeScale.isFinite ? configuration.timeScale : 1
        text.append(integer: Int(Double(wait.doneAt - min(now, wait.doneAt)) * scale / 1e9))
    }

    private mutating func appendTemperatures() {
        let nozzle = hotend.temperature(at: now)
        let plate = bed.temperature(at: now)
        switch profile.family {
        case .marlin1, .marlin2:
            append("T:", nozzle, hotend.target, decimals: 2)
            if profile.machine.hasBed { append(" B:", plate, bed.target, decimals: 2) }
            text.append(" @:")
            text.append(integer: hotend.power(at: now))
            if profile.machine.hasBed {
                text.append(" B@:")
                text.append(integer: bed.power(at: now))
            }
        case .prusa:
            append("T:", nozzle, hotend.target, decimals: 1)
            append(" B:", plate, bed.target, decimals: 1)
            append(" T0:", nozzle, hotend.target, decimals: 1)
            text.append(" @:")
            text.append(integer: hotend.power(at: now))
            text.append(" B@:")
            text.append(integer: bed.power(at: now))
            text.append(" P:")
            text.append(configuration.ambient, decimals: 1)
            text.append(" A:")
            text.append(configuration.ambient, decimals: 1)
        case .octoPrint:
            append("T:", nozzle, hotend.target, decimals: 2, separator: "/ ")
            append(" B:", plate, bed.target, decimals: 2, separator: "/ ")
            text.append(" @:64")
        }
    }

    private mutating func append(
        _ name: String, _ current: Double, _ target: Double, decimals: Int, separator: String = " /"
    ) {
        text.append(name)
        text.append(current, decimals: decimals)
        text.append(separator)
        text.append(target, decimals: decimals)
    }

    /// M114 and M154.
    mutating func reportPosition() {
        spend(profile.speed.report)
        text.removeAll(keepingCapacity: true)
        appendPosition()
        text.append(profile.text.end)
        send(text)
    }

    private mutating func appendPosition() {
        let decimals = profile.family == .octoPrint ? 1 : 2
        for (axis, name) in ["X:", " Y:", " Z:", " E:"].enumerated() {
            text.append(name)
            text.append(state.position[axis], decimals: decimals)
        }
        planner.retire(at: now)
        let machine = planner.position(at: now)
        switch profile.family {
        case .prusa:
            for (axis, name) in [" Count X: ", " Y:", " Z:", " E:"].enumerated() {
                text.append(name)
                text.append(machine[axis], decimals: 2)
            }
        case .marlin1, .marlin2, .octoPrint:
            let names = profile.family == .octoPrint ? [" Count: A:", " B:", " C:"] : [" Count X:", " Y:", " Z:"]
            // The steps of what is planned, as both Marlins print them while they move.
            let steps = (state.position + state.nativeOffset) * profile.machine.stepsPerMillimetre
            for (axis, name) in names.enumerated() {
                text.append(name)
                text.append(integer: Int(min(max(steps[axis].rounded(), -2e9), 2e9)))
            }
        }
    }

    /// M114 on OctoPrint's virtual printer answers on the line of the `ok`.
    mutating func answerPosition() {
        spend(profile.speed.report)
        text.removeAll(keepingCapacity: true)
        appendAdvancedOk(number: queue.frontNumber)
        text.append(" ")
        appendPosition()
        text.append(profile.text.end)
        answer(with: text)
        endCommand()
    }

    /// The firmware's words for a command it does not know.
    mutating func sayUnknown() {
        statistics.unknownCommands += 1
        let command = String(decoding: queue.front, as: UTF8.self)
        switch profile.family {
        case .octoPrint: break
        case .prusa:
            let trail = profile.line.findsCodeAnywhere ? " " : ""
            switch words.letter {
            case UInt8(ascii: "G"): send(Array("Unknown G code: \(command)\(trail)\n".utf8))
            case UInt8(ascii: "M"): send(Array("Unknown M code: \(command)\(trail)\n".utf8))
            default: say("echo:Unknown command: \"\(command)\"(2)")
            }
        case .marlin1, .marlin2: say("echo:Unknown command: \"\(command)\"")
        }
    }
}
