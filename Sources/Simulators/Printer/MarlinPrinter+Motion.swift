import Glibc

extension MarlinPrinter {
    /// A time of the simulated world in nanoseconds of the line.
    func scaled(_ nanoseconds: UInt64) -> UInt64 {
        configuration.timeScale.isInfinite ? 0 : UInt64(Double(nanoseconds) / configuration.timeScale)
    }

    /// G0...G3. An arc counts with its length but is planned as one block.
    mutating func move(isArc: Bool) {
        spend(profile.speed.move)
        if let rate = words["F"], rate > 0 { state.feedRate = rate / 60 }
        let from = state.position
        var target = from
        if let x = words["X"] { target.x = state.isRelative ? from.x + x : x }
        if let y = words["Y"] { target.y = state.isRelative ? from.y + y : y }
        if let z = words["Z"] { target.z = state.isRelative ? from.z + z : z }
        let extruderIsRelative =
            profile.family == .marlin1 ? state.isRelative || state.isExtruderRelative : state.isExtruderRelative
        if let e = words["E"] { target.w = extruderIsRelative ? from.w + e : e }
        if state.isHomed { clamp(&target) }
        state.position = target

        var way = target - from
        if way.w != 0, isTooColdToExtrude {
            say(profile.text.coldExtrusion)
            if profile.family == .marlin1 { say(profile.text.coldExtrusion) }
            way.w = 0
        }
        guard way != SIMD4(repeating: 0) || isArc else {
            finish()
            return
        }
        plan(to: target, duration: duration(of: way, isArc: isArc))
    }

    private func clamp(_ target: inout SIMD4<Double>) {
        let machine = profile.machine
        for axis in 0..<3 {
            let offset = state.nativeOffset[axis]
            target[axis] = min(max(target[axis], machine.lowest[axis] - offset), machine.highest[axis] - offset)
        }
    }

    private var isTooColdToExtrude: Bool {
        guard configuration.preventsColdExtrusion, !state.allowsColdExtrusion else { return false }
        let limit = profile.machine.coldExtrusionBelow
        return limit > 0 && hotend.temperature(at: now) < limit
    }

    private func duration(of way: SIMD4<Double>, isArc: Bool) -> UInt64 {
        if case .fixed(let nanoseconds) = configuration.moveTime { return nanoseconds }
        guard configuration.timeScale.isFinite else { return 0 }
        var length = (way.x * way.x + way.y * way.y + way.z * way.z).squareRoot()
        if isArc { length = max(length, arcLength(way)) }
        if length == 0 { length = abs(way.w) }
        let rate = max(state.feedRate * Double(state.feedRatePercent) / 100, 0.05)
        var seconds = length / rate
        let fastest = profile.machine.highestSpeed
        for axis in 0..<4 { seconds = max(seconds, abs(way[axis]) / fastest[axis]) }
        // A damaged number can ask for a way of light years; an hour is long enough to show that.
        return UInt64(min(seconds, 3600) / configuration.timeScale * 1e9)
    }

    /// Length of G2 and G3 around a centre given by I and J; the straight way when they are missing.
    private func arcLength(_ way: SIMD4<Double>) -> Double {
        let centre = SIMD2(words["I"] ?? 0, words["J"] ?? 0)
        let radius = (centre.x * centre.x + centre.y * centre.y).squareRoot()
        guard radius > 0 else { return 0 }
        let start = atan2(-centre.y, -centre.x)
        let end = atan2(way.y - centre.y, way.x - centre.x)
        var angle = words.code == 3 ? end - start : start - end
        while angle <= 1e-9 { angle += 2 * Double.pi }
        return radius * angle
    }

    private mutating func plan(to target: SIMD4<Double>, duration: UInt64) {
        planner.retire(at: now)
        if planner.isFull {
            begin(.waitingForRoom(target: target, duration: duration))
        } else {
            planner.add(to: target, duration: duration, at: now)
            finish()
        }
    }

    /// G92: renames the position.
    mutating func setPosition() {
        let old = state.position
        let isBare = !["X", "Y", "Z", "E"].contains { words.has($0) }
        for (axis, name) in (["X", "Y", "Z", "E"] as [Unicode.Scalar]).enumerated() {
            if isBare { state.position[axis] = 0 }
            if let value = words[name] { state.position[axis] = value }
        }
        let change = state.position - old
        planner.shift(by: change)
        state.nativeOffset -= change
        if profile.capabilities.reportsPositionAfterHoming { reportPosition() }
        finish()
    }

    /// All axes, or those named.
    private var homedAxes: [Bool] {
        let named = (["X", "Y", "Z"] as [Unicode.Scalar]).map { words.has($0) }
        return named.contains(true) ? named : [true, true, true]
    }

    mutating func startHoming() {
        let axes = homedAxes
        let share = UInt64(axes.count { $0 })
        let duration = scaled(profile.machine.homingNanoseconds * share / 3)
        timers.homing = profile.text.homing.map { (now + scaled($0.milliseconds * 1_000_000), $0.text) }
        begin(.busyUntil(now + duration, then: .homed))
    }

    private mutating func endHoming() {
        for line in timers.homing { send(Array(line.text.utf8)) }
        timers.homing = []
        for (axis, isHomed) in homedAxes.enumerated() where isHomed {
            state.position[axis] = profile.machine.homePosition[axis]
            state.nativeOffset[axis] = 0
        }
        state.isHomed = true
        planner.set(state.position)
        if profile.capabilities.reportsPositionAfterHoming { reportPosition() }
        sayScreenChange()
        finish()
    }

    /// Goes on with a command that waits. True when something happened.
    mutating func continueActivity() -> Bool {
        switch activity {
        case .none, .waitingForUser: return false
        case .waitingForMoves(let next):
            planner.retire(at: now)
            guard planner.isEmpty else { return false }
            planner.noteStop()
            continueAfterMoves(next)
        case .waitingForRoom(let target, let duration):
            planner.retire(at: now)
            guard !planner.isFull else { return false }
            planner.add(to: target, duration: duration, at: now)
            finish()
        case .busyUntil(let time, let next):
            guard time <= now else { return false }
            switch next {
            case .nothing: finish()
            case .homed: endHoming()
            }
        case .heating(let wait): return continueHeating(wait)
        case .lateOk(let time):
            guard time <= now else { return false }
            finishNow()
        case .stalled(let time):
            guard time <= now else { return false }
            activity = .none
            dispatch()
        }
        return true
    }

    /// What Marlin 2.1's `prompt_do` says for an M0 (HOST_PROMPT_SUPPORT).
    private mutating func askUser() {
        let code = words.code == 0 ? "M0 Stop" : words.code == 1 ? "M1 Stop" : "Nozzle Parked"
        for action in ["prompt_end", "prompt_begin \(code)", "prompt_button Continue", "prompt_show"] {
            say("\(profile.text.action)\(action)")
        }
    }

    private mutating func continueAfterMoves(_ next: AfterMoves) {
        switch next {
        case .nothing: finish()
        case .dwell(let nanoseconds): begin(.busyUntil(now + nanoseconds, then: .nothing))
        case .home: startHoming()
        case .mesh: begin(.busyUntil(now + scaled(10_000_000_000), then: .nothing))
        case .user:
            begin(.waitingForUser(acknowledges: true))
            if profile.capabilities.hostPrompts { askUser() }
        case .position:
            reportPosition()
            finish()
        }
    }

    // MARK: Heat

    /// M104, M140: sets a target; M109, M190 then wait.
    mutating func heat(isBed: Bool, waits: Bool) {
        let target = words["S"] ?? words["R"]
        if let target {
            if isBed { bed.set(max(0, target), at: now) } else { hotend.set(max(0, target), at: now) }
        }
        if isBed, !waits, profile.capabilities.hostActions {
            let isHeating = bed.target > bed.temperature(at: now)
            say("//action:notification Bed \(isHeating ? "Heating" : "Cooling")...")
        }
        let heater = isBed ? bed : hotend
        let gap = heater.target - heater.temperature(at: now)
        // With S the firmware waits only while it has to heat; with R also while it has to cool.
        guard waits, gap > 0 || (words["S"] == nil && words["R"] != nil && heater.target > 0) else {
            finish()
            return
        }
        sayScreenChange()
        let reached = heater.reaches(within: 1, from: now)
        let holds = isBed && profile.family == .prusa ? 0 : profile.machine.residency
        let first = profile.family == .prusa ? now + 1_000_000_000 : now
        begin(
            .heating(
                HeatWait(isBed: isBed, nextReport: first, reachedAt: reached, doneAt: reached + scaled(holds))))
    }

    private mutating func continueHeating(_ wait: HeatWait) -> Bool {
        if wait.nextReport <= now {
            var next = wait
            next.nextReport += 1_000_000_000
            activity = .heating(next)
            reportHeating(wait)
            return true
        }
        guard wait.doneAt <= now else { return false }
        finish()
        return true
    }

    /// MK3S 3.13.3 tells the host when its screen changes.
    mutating func sayScreenChange() {
        if let text = profile.text.screenChange { say(text) }
    }
}
