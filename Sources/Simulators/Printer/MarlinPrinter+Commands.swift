extension MarlinPrinter {
    /// Executes the first command of the queue: it is done, answers later (`activity`), or has stopped everything.
    mutating func executeFront() {
        statistics.commandsExecuted += 1
        spend(profile.speed.line)
        words.parse(queue.front, anywhere: profile.line.findsCodeAnywhere, exponents: profile.family == .prusa)
        record()
        if triggersFault() { return }
        dispatch()
    }

    /// Does what the first command says.
    mutating func dispatch() {
        switch words.letter {
        case UInt8(ascii: "G"): executeG()
        case UInt8(ascii: "M"): executeM()
        case UInt8(ascii: "T"): changeTool()
        default:
            sayUnknown()
            finish()
        }
    }

    /// Counts the command in the digest.
    private mutating func record() {
        let isHousekeeping = words.letter == UInt8(ascii: "M") && CommandDigest.housekeeping.contains(words.code)
        let isNumbered = queue.frontNumber != nil || !configuration.digestsOnlyNumbered
        if queue.frontNumber == nil, words.letter != 0, !isHousekeeping, ![104, 108, 112, 140].contains(words.code) {
            statistics.unnumberedCommands += 1
        }
        if words.letter != 0, !isHousekeeping, isNumbered { digest.append(queue.front) }
        if configuration.keepsCommands, isNumbered {
            executedCommands.append(String(decoding: queue.front, as: UTF8.self))
        }
    }

    /// Faults that count commands. True when the command is not executed now, or never.
    private mutating func triggersFault() -> Bool {
        let plan = configuration.faults
        if plan.endAfterCommands == statistics.commandsExecuted {
            input.damage.isActive = false
            output.damage.isActive = false
        }
        if plan.miscountAfterCommands == statistics.commandsExecuted {
            statistics.faults += 1
            lastNumber = Int32(clamping: Int(lastNumber) + plan.miscountBy)
        }
        if plan.stallAfterCommands == statistics.commandsExecuted {
            statistics.faults += 1
            activity = .stalled(until: now + plan.stallMilliseconds * 1_000_000)
            return true
        }
        if plan.silentAfterCommands == statistics.commandsExecuted {
            statistics.faults += 1
            condition = .silent
            return true
        }
        if plan.resetAfterCommands == statistics.commandsExecuted {
            statistics.faults += 1
            restart(afterKill: false)
            return true
        }
        return false
    }

    private mutating func executeG() {
        switch words.code {
        case 0, 1: move(isArc: false)
        case 2, 3: move(isArc: true)
        case 4: dwell()
        case 28: begin(.waitingForMoves(then: .home))
        case 29, 80: begin(.waitingForMoves(then: .mesh))
        case 90, 91: setRelative(words.code == 91)
        case 92: setPosition()
        case 10, 11, 17, 18, 19, 20, 21, 27, 30, 60, 61: finish()
        default:
            sayUnknown()
            finish()
        }
    }

    private mutating func dwell() {
        let milliseconds = (words["P"] ?? 0) + (words["S"] ?? 0) * 1000
        if profile.capabilities.hostActions { say("//action:notification Sleep...") }
        let nanoseconds = scaled(UInt64(min(max(milliseconds, 0), 1e9) * 1e6))
        begin(.waitingForMoves(then: .dwell(nanoseconds)))
    }

    private mutating func setRelative(_ isRelative: Bool) {
        state.isRelative = isRelative
        // Marlin 2 switches the extruder along; the others leave it to M82 and M83.
        if profile.family == .marlin2 { state.isExtruderRelative = isRelative }
        finish()
    }

    private mutating func changeTool() {
        guard words.code == 0 else {
            let trail = profile.family == .octoPrint ? " " : ""
            say(profile.family == .prusa ? profile.text.wrongTool : "echo:T\(words.code) Invalid extruder\(trail)")
            finish()
            return
        }
        if let text = profile.text.toolChange {
            if profile.text.toolChangeEndsLine { say(text) } else { send(Array(text.utf8)) }
        }
        finish()
    }

    private mutating func executeM() {
        switch words.code {
        case 105: answerTemperatures()
        case 104: heat(isBed: false, waits: false)
        case 109: heat(isBed: false, waits: true)
        case 140, 190:
            if profile.machine.hasBed {
                heat(isBed: true, waits: words.code == 190)
            } else {
                sayUnknown()
                finish()
            }
        case 0, 1, 600: begin(.waitingForMoves(then: .user))
        case 18, 84, 400: begin(.waitingForMoves(then: .nothing))
        case 112: kill()
        case 114: askPosition()
        case 410:
            quickStop()
            finish()
        case 601, 602, 603: pausePrusa()
        // The answer to a prompt: where it could be heard it was, in the midst of the wait.
        case 876 where profile.capabilities.hostActions: finish()
        default:
            if !setValue(), !inform(), !isSilentlyAccepted { sayUnknown() }
            finish()
        }
    }

    private mutating func askPosition() {
        if profile.family == .octoPrint {
            answerPosition()
        } else if profile.capabilities.positionWaitsForMoves {
            begin(.waitingForMoves(then: .position))
        } else {
            reportPosition()
            finish()
        }
    }

    /// M601 pauses, M602 resumes, M603 stops a print of the MK3S; the host hears an action.
    private mutating func pausePrusa() {
        guard profile.family == .prusa else {
            sayUnknown()
            finish()
            return
        }
        switch words.code {
        case 601:
            // The firmware acknowledges before it pauses.
            finish()
            guard !state.isPaused else { return }
            state.isPaused = true
            say("\(profile.text.action)paused")
        case 602:
            if state.isPaused { say("\(profile.text.action)resumed") }
            state.isPaused = false
            finish()
        default:
            state.isPaused = false
            say("\(profile.text.action)cancel")
            finish()
        }
    }

    /// Commands that set something and say nothing. False when it is none of them.
    private mutating func setValue() -> Bool {
        switch words.code {
        case 73:
            if let percent = words["P"] { state.progress = Int(min(max(percent, 0), 100)) }
            if let minutes = words["R"] { state.minutesLeft = Int(min(max(minutes, 0), 1e6)) }
        case 82, 83: state.isExtruderRelative = words.code == 83
        case 106: state.fan = Int(min(max(words["S"] ?? 255, 0), 255))
        case 107: state.fan = 0
        case 110:
            if profile.line.renumbering == .prefixThenParameter, let number = words["N"] {
                lastNumber = Int32(clamping: Int(min(max(number, -1e10), 1e10)))
            }
        case 117:
            state.message = Array(frontArgument)
            sayScreenChange()
            if profile.family == .octoPrint { say("echo:" + String(decoding: state.message, as: UTF8.self)) }
        case 302: state.allowsColdExtrusion = words["P"] == 1 || words["S"] == 0
        case 154 where profile.capabilities.autoReportPosition:
            timers.positionInterval = seconds("S")
            timers.nextPosition = now + timers.positionInterval
        case 155 where profile.capabilities.autoReportTemperatures:
            timers.temperatureInterval = seconds("S")
            timers.nextTemperature = now + timers.temperatureInterval
        default: return false
        }
        return true
    }

    private func seconds(_ name: Unicode.Scalar) -> UInt64 {
        UInt64(min(max(words[name] ?? 0, 0), 60)) * 1_000_000_000
    }

    /// Commands that answer with text. False when it is none of them.
    private mutating func inform() -> Bool {
        switch words.code {
        case 113:
            if words["S"] != nil {
                timers.busyInterval = seconds("S")
            } else if profile.family != .octoPrint {
                say("echo:M113 S\(timers.busyInterval / 1_000_000_000)")
            }
        case 115: for line in profile.text.firmware { say(line) }
        case 118: echo()
        case 119: for line in profile.text.endstops { say(line) }
        case 220:
            if let percent = words["S"] {
                state.feedRatePercent = Int(min(max(percent, 1), 999))
            } else {
                sayPercent(profile.text.feedRate, state.feedRatePercent)
            }
        case 221:
            if let percent = words["S"] {
                state.flowPercent = Int(min(max(percent, 1), 999))
            } else {
                sayPercent(profile.text.flow, state.flowPercent)
            }
        // The settings of MK3S 3.9.0 end with a bare newline.
        case 503: for line in profile.text.settings { send(Array("\(line)\n".utf8)) }
        case 31: sayPrintTime()
        case 111 where profile.family == .marlin1 || profile.family == .marlin2: say("echo:DEBUG:off")
        case 20 where profile.family == .prusa || profile.family == .octoPrint:
            say("Begin file list")
            say("End file list")
        case 27 where profile.family == .prusa || profile.family == .octoPrint: say("Not SD printing")
        default: return false
        }
        return true
    }

    private mutating func sayPercent(_ template: String?, _ percent: Int) {
        guard let template, template.hasSuffix("%%") else { return }
        say("\(template.dropLast(2))\(percent)%")
    }

    private mutating func sayPrintTime() {
        switch profile.family {
        case .prusa:
            say("echo:0 min, 0 sec")
            sayScreenChange()
        case .marlin1, .marlin2:
            if profile.capabilities.hostActions { send(Array("//action:notification 0s\r\n".utf8)) }
            say("echo:Print time: 0s")
        case .octoPrint: break
        }
    }

    /// M118: says its text, with `E1` behind `echo:`, with `A1` behind `//`.
    private mutating func echo() {
        var rest = frontArgument
        var prefix = ""
        while rest.count >= 2, let first = rest.first, "EAP".utf8.contains(first) {
            let flag = rest[rest.startIndex + 1]
            guard flag >= UInt8(ascii: "0"), flag <= UInt8(ascii: "9") else { break }
            if first == UInt8(ascii: "E"), flag == UInt8(ascii: "1") { prefix = "echo:" }
            if first == UInt8(ascii: "A"), flag == UInt8(ascii: "1") { prefix = "//" }
            rest = rest.dropFirst(2).drop { $0 == UInt8(ascii: " ") }
        }
        // Marlin 2.1.2 ends this one line with \r\n.
        let end = profile.family == .marlin2 ? "\r\n" : profile.text.end
        send(Array(prefix.utf8) + rest + Array(end.utf8))
    }

    /// The text behind the code of the first command.
    private var frontArgument: ArraySlice<UInt8> {
        queue.front.dropFirst().drop { $0 == UInt8(ascii: " ") }
            .drop { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.drop { $0 == UInt8(ascii: " ") }
    }

    /// Commands that every simulated firmware takes without a word and that change nothing here.
    private var isSilentlyAccepted: Bool {
        switch words.code {
        case 17, 42, 85, 92, 108, 120, 121, 200...219, 226, 280, 300, 301, 303, 304, 350, 500...502, 999:
            words.code != 108 || profile.family != .prusa
        case 72, 74...79, 204, 205, 310, 420, 486, 572, 593, 850...862, 900, 907, 914...916, 970:
            profile.family == .prusa
        default: profile.family == .octoPrint
        }
    }
}
