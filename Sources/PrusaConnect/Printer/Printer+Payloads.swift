// Events whose data have a known form.

extension Printer {
    /// Sends JOB_INFO unasked, for example when the file or the time of a running job has become known.
    public func send(jobInfo: JobInfo, source: EventSource = .firmware, jobID: UInt64? = nil) {
        send(event: .jobInfo, source: source, data: jobInfo.data, jobID: jobID)
    }

    /// Keeps the heights of a mesh that was measured, in mm and row by row, for INFO and sends them as MESH_BED_DATA.
    public func reportMesh(_ heights: [Double], source: EventSource = .marlin) {
        updateInfo { $0.meshHeights = heights }
        send(event: .meshBedData, source: source, data: ["mbl": .array(heights.map(JSONValue.double))])
    }

    /// Keeps the sheets for INFO and tells them by an INFO with nothing else.
    public func reportSheets(_ sheets: [PrinterInfo.Sheet], source: EventSource = .user) {
        updateInfo { $0.sheets = sheets }
        send(event: .info, source: source, data: ["sheet_settings": PrinterInfo.value(of: sheets)])
    }

    /// Keeps the sheet in use, an index into the sheets, for INFO and tells it by an INFO with nothing else.
    public func reportActiveSheet(_ index: Int, source: EventSource = .user) {
        updateInfo { $0.activeSheet = index }
        send(event: .info, source: source, data: ["active_sheet": .int(Int64(index))])
    }

    /// Keeps the state of the multi-material unit for INFO and tells it by an INFO with nothing else.
    public func reportMMU(_ mmu: PrinterInfo.MMU, source: EventSource = .firmware) {
        updateInfo { $0.mmu = mmu }
        send(event: .info, source: source, data: mmu.infoFields)
    }

    /// Reports a new error of the multi-material unit: SLOT_EVENT, and the state ATTENTION with the code as its reason.
    public func reportSlotError(_ code: SlotErrorCode) {
        send(event: .slotEvent, source: .slot, data: ["code": .string(code.description)], state: .attention)
        setState(.attention, source: .slot, reason: code.description)
    }

    /// Reports a dialog on the printer's screen: the state, ATTENTION as a rule, with the dialog's id, and the id in
    /// telemetry for as long as it is shown. The server answers with DIALOG_ACTION, see ``DialogAction``.
    public func showDialog(_ dialog: Dialog, state: PrinterState = .attention, source: EventSource = .firmware) {
        telemetry { $0.dialogID = dialog.id }
        setState(state, source: source, reason: dialog.text, dialogID: dialog.id, data: dialog.data)
    }

    /// The dialog is gone, the printer is in `state` now.
    public func closeDialog(state: PrinterState, source: EventSource = .firmware) {
        telemetry { $0.dialogID = nil }
        setState(state, source: source)
    }
}

/// A dialog on the printer's screen.
public struct Dialog: Sendable, Hashable {
    /// Its number. 0 is a number like any other.
    public var id: UInt64
    /// Five digits that name it in Prusa's list of errors.
    public var code: String?
    /// Its heading.
    public var title: String?
    /// What it says; travels as the reason, too.
    public var text: String?
    /// What can be pressed.
    public var buttons: [String]

    /// A dialog by its number.
    public init(
        id: UInt64, code: String? = nil, title: String? = nil, text: String? = nil, buttons: [String] = []
    ) {
        (self.id, self.code, self.title, self.text, self.buttons) = (id, code, title, text, buttons)
    }

    /// As the data of an event (Buddy firmware's names).
    var data: JSONObject {
        var data = JSONObject()
        data.set("code", code)
        data.set("title", title)
        data.set("text", text)
        if !buttons.isEmpty { data["buttons"] = .array(buttons.map(JSONValue.string)) }
        return data
    }
}
