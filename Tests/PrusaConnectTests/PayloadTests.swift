import Testing

@testable import PrusaConnect

/// Typed payloads of events and typed arguments of commands.
@Suite(.timeLimit(.minutes(2))) struct PayloadTests {
    private func command(_ name: CommandName, _ keywords: JSONObject, _ arguments: [JSONValue] = []) -> Command {
        Command(id: 1, name: name, arguments: arguments, keywords: keywords)
    }

    @Test("JOB_INFO has what is known, ids of 0 included, and nothing else")
    func jobInfo() {
        var job = JobInfo()
        #expect(job.data.isEmpty)
        (job.timePrinting, job.timeRemaining, job.progress, job.startCommandID) = (754, 5400, 12, 0)
        (job.path, job.modified, job.size, job.isFromSD) = ("/PrusaLink gcodes/box.gcode", 1_719_310_000, 952, false)
        job.meshHeights = [0.1, 0]
        #expect(
            JSONValue.object(job.data).wireText
                == #"{"time_printing": 754, "time_remaining": 5400, "progress": 12, "start_cmd_id": 0, "path": "/PrusaLink gcodes/box.gcode", "m_timestamp": 1719310000, "size": 952, "from_sd": false, "mbl": [0.1, 0.0]}"#
        )
        job.isPathIncomplete = true
        job.state = .harvested
        #expect(job.data["path_incomplete"] == true && job.data["state"] == "FIN_HARVESTED")
        #expect(CommandResult.jobInfo(job).event == .jobInfo && CommandResult.jobInfo(job).source == .connect)
    }

    @Test("Codes of the unit's errors", arguments: [(101, "04101"), (0, "04000"), (7, "04007"), (999, "04999")])
    func slotErrors(_ number: Int, _ text: String) { #expect(SlotErrorCode(number)?.description == text) }

    @Test("What the unit is doing, as number and as word")
    func slotProgress() {
        #expect(SlotErrorCode(-1) == nil && SlotErrorCode(1000) == nil)
        var slot = Telemetry.SlotTelemetry()
        slot.doing = .feedingToExtruder
        #expect(slot.state == 6)
        slot.state = 12
        #expect(slot.doing == nil)
    }

    @Test("Partial INFO, mesh, slot errors and dialogs reach the server, and INFO knows them afterwards")
    func reports() throws {
        let server = try ScriptedServer()
        let printer = try makePrinter(server.settings)
        printer.setState(.idle, source: .user)
        printer.reportActiveSheet(0)
        printer.reportSheets([.init(name: "Smooth1", zOffset: -0.61)])
        printer.reportMMU(.init(isEnabled: true, version: "3.0.2", slots: 5))
        printer.reportMMU(.init(isEnabled: false))
        printer.reportMesh([0.12, -0.034, 0])
        printer.send(jobInfo: JobInfo(), jobID: 0)
        printer.reportSlotError(try #require(SlotErrorCode(101)))
        printer.showDialog(Dialog(id: 0, code: "04101", title: "FINDA", text: "Remove it", buttons: ["Retry", "Done"]))
        #expect(printer.state == .attention)
        printer.closeDialog(state: .idle)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        let expected = [
            #"{"event": "STATE_CHANGED", "source": "USER", "data": {}, "state": "IDLE"}"#,
            #"{"event": "INFO", "source": "USER", "data": {"active_sheet": 0}, "state": "IDLE"}"#,
            #"{"event": "INFO", "source": "USER", "data": {"sheet_settings": [{"name": "Smooth1", "z_offset": -0.61}]}, "state": "IDLE"}"#,
            #"{"event": "INFO", "source": "FIRMWARE", "data": {"mmu": {"enabled": true, "version": "3.0.2"}, "slots": 5}, "state": "IDLE"}"#,
            #"{"event": "INFO", "source": "FIRMWARE", "data": {"mmu": {"enabled": false}}, "state": "IDLE"}"#,
            #"{"event": "MESH_BED_DATA", "source": "MARLIN", "data": {"mbl": [0.12, -0.034, 0.0]}, "state": "IDLE"}"#,
            #"{"event": "JOB_INFO", "source": "FIRMWARE", "data": {}, "job_id": 0, "state": "IDLE"}"#,
            #"{"event": "SLOT_EVENT", "source": "SLOT", "data": {"code": "04101"}, "state": "ATTENTION"}"#,
            #"{"event": "STATE_CHANGED", "source": "SLOT", "data": {}, "reason": "04101", "state": "ATTENTION"}"#,
            #"{"event": "STATE_CHANGED", "source": "FIRMWARE", "data": {"code": "04101", "title": "FINDA", "text": "Remove it", "buttons": ["Retry", "Done"]}, "reason": "Remove it", "dialog_id": 0, "state": "ATTENTION"}"#,
            #"{"event": "STATE_CHANGED", "source": "FIRMWARE", "data": {}, "state": "IDLE"}"#,
        ]
        eventually("all there") { server.events.count == expected.count }
        #expect(server.events.map { String(decoding: $0.body, as: UTF8.self) } == expected)
        let info = printer.infoData()
        #expect(info["mbl"] == [0.12, -0.034, 0.0] && info["mmu"] == ["enabled": false] && info["slots"] == nil)
        #expect(info["sheet_settings"] == [["name": "Smooth1", "z_offset": -0.61]] && info["active_sheet"] == 0)
    }

    @Test("Arguments by type; what the server sent stays reachable")
    func arguments() throws {
        #expect(try command(.startPrint, ["path": "/local/a"], ["/local/b"]).path() == "/local/a")
        #expect(try command(.startPrint, [:], ["/local/b"]).path() == "/local/b")
        #expect(throws: CommandError("START_PRINT requires path")) { try command(.startPrint, [:]).path() }
        #expect(throws: CommandError("START_PRINT: path must be a text")) {
            try command(.startPrint, ["path": 3], ["/local/b"]).path()
        }
        #expect(try command(.startPrint, [:]).toolMapping() == nil)
        let mapping = command(.startPrint, ["tool_mapping": ["1": [2, 3], "2": []]])
        #expect(try mapping.toolMapping() == [1: [2, 3], 2: []])
        for bad in [["1": 2], ["x": [1]], ["1": ["2"]], [1]] as [JSONValue] {
            #expect(throws: CommandError.self) { try command(.startPrint, ["tool_mapping": bad]).toolMapping() }
        }
        #expect(try command(.deleteFolder, [:]).deletesContent() == false)
        #expect(try command(.deleteFolder, ["force": true]).deletesContent())
        #expect(try command(.stopTransfer, ["transfer_id": 0]).transferID() == 0)
        #expect(try command(.stopTransfer, ["transfer_id": nil]).transferID() == nil)
        #expect(throws: CommandError.self) { try command(.stopTransfer, ["transfer_id": "7"]).transferID() }
        #expect(try command(.sendJobInfo, ["job_id": 0]).jobID() == 0)
        #expect(try command(.cancelObject, ["id": 0]).objectID() == 0)
        let temperatures = try command(.loadFilament, ["nozzle_temperature": 215]).filamentTemperatures()
        #expect(temperatures == FilamentTemperatures(nozzle: 215, bed: nil))
        let slot = command(.slotAction, ["action": "eject", "slot": 2, "more": true])
        #expect(try slot.slotAction() == SlotAction(action: "eject", slot: 2, keywords: slot.keywords))
        let action = try command(.dialogAction, ["dialog_id": 0, "button": "Retry"]).dialogAction()
        #expect(action == DialogAction(dialogID: 0, button: "Retry"))
        #expect(throws: CommandError("DIALOG_ACTION requires dialog_id")) {
            try command(.dialogAction, ["button": "Retry"]).dialogAction()
        }
    }

    @Test(
        "SET_VALUE: every value that Buddy firmware knows",
        arguments: [
            ("hostname", .hostname), ("tools.1.nozzle_diameter", .nozzleDiameter(tool: 1)),
            ("tools.12.high_flow", .highFlow(tool: 12)), ("tools.0.hardened", .hardened(tool: 0)),
            ("enclosure_enabled", .enclosureEnabled), ("enclosure_printing_filtration", .enclosurePrintingFiltration),
            ("enclosure_postprint", .enclosurePostprint),
            ("enclosure_postprint_filtration_time", .enclosurePostprintTime),
            ("chamber.target_temp", .chamberTarget), ("chamber.fan_pwm_target", .chamberFan),
            ("chamber.led_intensity", .chamberLight), ("addon_power", .addonPower), ("tools.x.hardened", nil),
            ("tools..hardened", nil), ("tools.1.other", nil), ("chamber", nil), ("", nil),
        ] as [(String, ValueToSet.Target?)])
    func setValue(_ name: String, _ target: ValueToSet.Target?) throws {
        let values = try command(.setValue, JSONObject([(name, 1), ("other", .null)])).valuesToSet()
        #expect(values == [ValueToSet(name: name, value: 1)] && values[0].target == target)
        #expect(try values[0].number() == 1 && values[0].bool())
        #expect(throws: CommandError("SET_VALUE: \(name) must be a text")) { try values[0].text() }
    }

    @Test("SET_VALUE without a value, and values of the wrong kind")
    func noValue() throws {
        #expect(throws: CommandError("SET_VALUE requires a value")) { try command(.setValue, [:]).valuesToSet() }
        let values = try command(.setValue, ["hostname": "left", "addon_power": 2]).valuesToSet()
        #expect(try values[0].text() == "left")
        #expect(throws: CommandError.self) { try values[0].number() }
        #expect(throws: CommandError.self) { try values[1].bool() }
    }

    @Test("Handlers get the arguments over the wire; a dialog without a handler is refused, not FINISHED")
    func overTheWire() throws {
        let commands = Shared<[Reaction]>([
            .command("1", #"{"command": "DIALOG_ACTION", "kwargs": {"dialog_id": 3, "button": "Retry"}}"#)
        ])
        let server = try ScriptedServer { request in
            guard request.isTelemetry else { return .noContent }
            return commands.change { $0.isEmpty ? .noContent : $0.removeFirst() }
        }
        let printer = try makePrinter(server.settings)
        try printer.start()
        defer { printer.stop(deadline: .zero) }
        eventually("refused") { server.events.last?.eventKind == "REJECTED" }
        #expect(server.events.last?.json?["reason"] == "Not Implemented")
        let pressed = Shared<[DialogAction]>([])
        printer.on(.dialogAction) { command in
            let action = try command.dialogAction()
            pressed.change { $0.append(action) }
            return .finished
        }
        printer.on(.setValue) { command in
            guard let value = try command.valuesToSet().first, value.target == .chamberTarget else {
                return .rejected("Unknown value")
            }
            return .finished(data: ["target": .double(try value.number())])
        }
        let more: [(String, String, String)] = [
            ("2", #"{"command": "DIALOG_ACTION", "kwargs": {"dialog_id": 3, "button": "Retry"}}"#, "FINISHED"),
            ("3", #"{"command": "DIALOG_ACTION", "kwargs": {"dialog_id": "3"}}"#, "FAILED"),
            ("4", #"{"command": "SET_VALUE", "kwargs": {"chamber.target_temp": 45}}"#, "FINISHED"),
            ("5", #"{"command": "SET_VALUE", "kwargs": {"x": 1}}"#, "REJECTED"),
        ]
        for (id, json, end) in more {
            commands.change { $0.append(.command(id, json)) }
            eventually("\(id) ends") {
                server.events.last.map { $0.json?["command_id"] == JSONValue(UInt64(id) ?? 0) && $0.eventKind == end }
                    ?? false
            }
        }
        #expect(pressed.value == [DialogAction(dialogID: 3, button: "Retry")])
    }
}
