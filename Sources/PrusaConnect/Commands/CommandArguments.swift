// Arguments of commands by their types. What the server sent stays reachable as `Command.arguments` and `.keywords`.

extension Command {
    /// A text by its name or, when that is missing, by its place: the Python SDK's older users send places only.
    func text(_ key: String, orAt place: Int) throws(CommandError) -> String {
        if keywords[key] == nil, arguments.indices.contains(place), let text = arguments[place].string { return text }
        return try required(key)
    }

    /// The file or folder of `START_PRINT`, `SEND_FILE_INFO`, `CREATE_FOLDER`, `DELETE_FILE`, `DELETE_FOLDER` and the
    /// downloads, as the server names it; throws when it is missing. Check it before use: it comes from outside.
    public func path() throws(CommandError) -> String { try text("path", orAt: 0) }

    /// `DELETE_FOLDER`: whether a folder goes together with its content. False when missing.
    public func deletesContent() throws(CommandError) -> Bool { try bool("force") ?? false }

    /// The transfer of `STOP_TRANSFER` and `SEND_TRANSFER_INFO`; `nil` means the present one. 0 is an id.
    public func transferID() throws(CommandError) -> UInt64? { try id("transfer_id") }

    /// The job of `SEND_JOB_INFO`; `nil` means the present one. 0 is an id.
    public func jobID() throws(CommandError) -> UInt64? { try id("job_id") }

    /// The object of `CANCEL_OBJECT` and `UNCANCEL_OBJECT`.
    public func objectID() throws(CommandError) -> UInt64 { try requiredID("id") }

    /// The arguments of `DIALOG_ACTION`.
    public func dialogAction() throws(CommandError) -> DialogAction {
        DialogAction(dialogID: try requiredID("dialog_id"), button: try required("button"))
    }

    /// The temperatures of `LOAD_FILAMENT` and `UNLOAD_FILAMENT`.
    public func filamentTemperatures() throws(CommandError) -> FilamentTemperatures {
        FilamentTemperatures(nozzle: try number("nozzle_temperature"), bed: try number("bed_temperature"))
    }

    /// The arguments of `SLOT_ACTION`. The reference names none of them, so every one stays in ``keywords``.
    public func slotAction() throws(CommandError) -> SlotAction {
        SlotAction(action: try string("action"), slot: try id("slot"), keywords: keywords)
    }

    /// `START_PRINT`: which tools print what the file was sliced for, by the file's tool, each with its replacements in
    /// order. `nil` when the file's own tools print.
    public func toolMapping() throws(CommandError) -> [Int: [Int]]? {
        guard let raw = keywords["tool_mapping"], raw != .null else { return nil }
        let problem = CommandError("\(name): tool_mapping must be an object of lists of tools")
        guard let object = raw.object else { throw problem }
        var mapping: [Int: [Int]] = [:]
        for member in object.members {
            let tools = member.value.array?.compactMap { $0.int.flatMap { Int(exactly: $0) } }
            guard let tool = Int(member.key), let tools, tools.count == member.value.array?.count else { throw problem }
            mapping[tool] = tools
        }
        return mapping
    }

    /// The values of `SET_VALUE`, one as a rule, in their order; throws when there is none.
    public func valuesToSet() throws(CommandError) -> [ValueToSet] {
        let values = keywords.members.filter { $0.value != .null }.map { ValueToSet(name: $0.key, value: $0.value) }
        guard !values.isEmpty else { throw CommandError("\(name) requires a value") }
        return values
    }
}

/// Somebody pressed a button of a dialog on the printer's screen.
public struct DialogAction: Sendable, Hashable {
    /// The dialog, as ``Printer/showDialog(_:state:source:)`` named it. It may be gone by now: check before acting.
    public let dialogID: UInt64
    /// The button.
    public let button: String
}

/// Temperatures to preheat to, °C; `nil` when the server leaves them to the printer.
public struct FilamentTemperatures: Sendable, Hashable {
    /// Of the nozzle.
    public let nozzle: Double?
    /// Of the bed.
    public let bed: Double?
}

/// Something to do with the multi-material unit.
public struct SlotAction: Sendable, Hashable {
    /// What to do, when the server says it under this name.
    public let action: String?
    /// The slot, when the server says it under this name.
    public let slot: UInt64?
    /// Everything that the server said.
    public let keywords: JSONObject
}

/// A value that `SET_VALUE` sets.
public struct ValueToSet: Sendable, Hashable {
    /// What it is, for values that Buddy firmware knows.
    public enum Target: Sendable, Hashable {
        /// `hostname`: the name of the host.
        case hostname
        /// `tools.N.nozzle_diameter`: diameter of the nozzle of tool N, mm.
        case nozzleDiameter(tool: Int)
        /// `tools.N.high_flow`: whether it is a nozzle for high flow.
        case highFlow(tool: Int)
        /// `tools.N.hardened`: whether it is hardened.
        case hardened(tool: Int)
        /// `enclosure_enabled`.
        case enclosureEnabled
        /// `enclosure_printing_filtration`: whether the enclosure filters during a print.
        case enclosurePrintingFiltration
        /// `enclosure_postprint`: whether it filters after a print.
        case enclosurePostprint
        /// `enclosure_postprint_filtration_time`: for how long, s.
        case enclosurePostprintTime
        /// `chamber.target_temp`: target temperature of the chamber, °C.
        case chamberTarget
        /// `chamber.fan_pwm_target`: power wanted of the chamber's fans.
        case chamberFan
        /// `chamber.led_intensity`: brightness of its light.
        case chamberLight
        /// `addon_power`: whether the add-on board has power.
        case addonPower
    }

    /// The name on the wire.
    public let name: String
    /// The value as the server sent it.
    public let value: JSONValue

    /// What it is; `nil` for names that are not known.
    public var target: Target? {
        switch name {
        case "hostname": return .hostname
        case "enclosure_enabled": return .enclosureEnabled
        case "enclosure_printing_filtration": return .enclosurePrintingFiltration
        case "enclosure_postprint": return .enclosurePostprint
        case "enclosure_postprint_filtration_time": return .enclosurePostprintTime
        case "chamber.target_temp": return .chamberTarget
        case "chamber.fan_pwm_target": return .chamberFan
        case "chamber.led_intensity": return .chamberLight
        case "addon_power": return .addonPower
        default:
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "tools", parts[1].utf8.allSatisfy(isDigit), let tool = Int(parts[1])
            else { return nil }
            switch parts[2] {
            case "nozzle_diameter": return .nozzleDiameter(tool: tool)
            case "high_flow": return .highFlow(tool: tool)
            case "hardened": return .hardened(tool: tool)
            default: return nil
            }
        }
    }

    /// The value as a number; throws when it is none.
    public func number() throws(CommandError) -> Double { try converted("a number") { $0.double } }

    /// The value as a truth value, `0` and `1` included; throws when it is none.
    public func bool() throws(CommandError) -> Bool {
        try converted("true or false") { value in
            value.bool ?? (value == 1 ? true : value == 0 ? false : nil)
        }
    }

    /// The value as a text; throws when it is none.
    public func text() throws(CommandError) -> String { try converted("a text") { $0.string } }

    private func converted<Value>(
        _ expected: String, _ convert: (JSONValue) -> Value?
    ) throws(CommandError) -> Value {
        guard let value = convert(value) else { throw CommandError("SET_VALUE: \(name) must be \(expected)") }
        return value
    }
}
