// How telemetry looks on the wire (section names: PrusaLink's model and Buddy firmware's renderer).

extension Telemetry {
    /// The fields under their names on the wire.
    var fields: JSONObject {
        var fields = JSONObject()
        addMachine(to: &fields)
        addJob(to: &fields)
        addSensors(to: &fields)
        fields.merge(extra)
        return fields
    }

    private func addMachine(to fields: inout JSONObject) {
        fields.set("temp_nozzle", nozzleTemperature)
        fields.set("temp_bed", bedTemperature)
        fields.set("target_nozzle", nozzleTarget)
        fields.set("target_bed", bedTarget)
        fields.set("axis_x", x)
        fields.set("axis_y", y)
        fields.set("axis_z", z)
        fields.set("fan_extruder", extruderFan)
        fields.set("fan_hotend", hotendFan)
        fields.set("fan_print", printFan)
        fields.set("target_fan_extruder", extruderFanTarget)
        fields.set("target_fan_hotend", hotendFanTarget)
        fields.set("target_fan_print", printFanTarget)
    }

    private func addJob(to fields: inout JSONObject) {
        fields.set("progress", progress)
        fields.set("filament", filamentUsed)
        fields.set("flow", flow)
        fields.set("speed", speed)
        fields.set("time_printing", timePrinting)
        fields.set("time_remaining", timeRemaining)
        fields.set("filament_change_in", filamentChangeIn)
        fields.set("inaccurate_estimates", inaccurateEstimates)
        fields.set("material", material)
        fields.set("total_filament", totalFilament)
        fields.set("total_print_time", totalPrintTime)
        fields.set("odometer_x", odometer?.x)
        fields.set("odometer_y", odometer?.y)
        fields.set("odometer_z", odometer?.z)
        fields.set("odometer_e", odometer?.e)
    }

    private func addSensors(to fields: inout JSONObject) {
        fields.set("slot", slot?.fields)
        fields.set("dialog_id", dialogID)
        fields.set("temp_heatbreak", heatbreakTemperature)
        fields.set("temp_psu", powerSupplyTemperature)
        fields.set("temp_ambient", ambientTemperature)
        fields.set("extruder_fs_state", extruderFilamentSensor?.rawValue)
        fields.set("remote_fs_state", remoteFilamentSensor?.rawValue)
        fields.set("enclosure", enclosure?.fields)
        fields.set("chamber", chamber?.fields)
    }
}

extension Telemetry.TransferTelemetry {
    /// The fields under their names on the wire; they come after the ids that the printer adds.
    var fields: JSONObject {
        var fields = JSONObject()
        fields.set("transfer_id", id)
        fields.set("transfer_progress", progress)
        fields.set("transfer_time_remaining", timeRemaining)
        fields.set("transfer_transferred", transferred)
        fields.set("time_transferring", timeTransferring)
        return fields
    }
}

extension Telemetry.SlotTelemetry {
    fileprivate var fields: JSONObject {
        var fields = JSONObject()
        fields.set("active", active)
        fields.set("state", state)
        fields.set("progress", progress)
        fields.set("command", command)
        for (number, filament) in filaments.sorted(by: { $0.key < $1.key }) {
            var one = JSONObject()
            one.set("material", filament.material)
            one.set("temp", filament.temperature)
            one.set("fan_hotend", filament.hotendFan)
            one.set("fan_print", filament.printFan)
            fields.set(String(number), one)
        }
        return fields
    }
}

extension Telemetry.EnclosureTelemetry {
    fileprivate var fields: JSONObject {
        var fields = JSONObject()
        fields.set("temp", temperature)
        fields.set("fan_rpm", fan)
        fields.set("time_in_use", timeInUse)
        return fields
    }
}

extension Telemetry.ChamberTelemetry {
    fileprivate var fields: JSONObject {
        var fields = JSONObject()
        fields.set("temp", temperature)
        fields.set("target_temp", target)
        fields.set("fan_1_rpm", fan1)
        fields.set("fan_2_rpm", fan2)
        fields.set("fan_pwm_target", fanTarget)
        fields.set("led_intensity", light)
        return fields
    }
}
