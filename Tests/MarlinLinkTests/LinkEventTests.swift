import Testing

@testable import MarlinLink

@Suite struct HostActionTests {
    @Test(arguments: [
        ("//action:pause", HostAction.pause), ("// action:paused", .paused), ("//action:resume", .resume),
        ("//action:resumed", .resumed), ("//action:cancel", .cancel), ("//action:start", .start),
        ("// action:ready", .ready), ("// action:not_ready", .notReady), ("//action:poweroff", .powerOff),
        ("//action:pause \r", .pause), ("//action:notification Bed Heating...", .other("notification Bed Heating...")),
        ("//action:prompt_end", .other("prompt_end")),
    ])
    func actions(_ line: String, _ action: HostAction) {
        #expect(HostAction(line: line) == action)
    }

    @Test(arguments: ["// comment", "action:pause", "echo:// action:pause", "/action:pause", "", "//"])
    func others(_ line: String) {
        #expect(HostAction(line: line) == nil)
    }
}

@Suite struct FirmwareIdentityTests {
    private func identity(_ lines: String...) -> FirmwareIdentity {
        var identity = FirmwareIdentity()
        for line in lines {
            let wasTaken = identity.take(line)
            #expect(wasTaken)
        }
        return identity
    }

    @Test func marlin() {
        let identity = identity(
            "FIRMWARE_NAME:Marlin 2.1.2 (Nov 22 2026 07:54:54) SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin "
                + "PROTOCOL_VERSION:1.0 MACHINE_TYPE:3D Printer EXTRUDER_COUNT:2 "
                + "UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff",
            "Cap:SERIAL_XON_XOFF:0", "Cap:AUTOREPORT_TEMP:1", "Cap:EMERGENCY_PARSER:1")
        #expect(identity.firmware == "Marlin 2.1.2 (Nov 22 2026 07:54:54)")
        #expect(identity.machine == "3D Printer")
        #expect(identity.extruders == 2)
        #expect(identity.uuid == "cede2a2f-41a2-4748-9b12-c55c62f367ff")
        #expect(identity.capabilities == ["AUTOREPORT_TEMP", "EMERGENCY_PARSER"])
    }

    @Test func prusa() {
        let identity = identity(
            "FIRMWARE_NAME:Prusa-Firmware 3.13.3 based on Marlin FIRMWARE_URL:https://github.com/prusa3d/Prusa-Firmware "
                + "PROTOCOL_VERSION:1.0 MACHINE_TYPE:Prusa i3 MK3S EXTRUDER_COUNT:1 "
                + "UUID:00000000-0000-0000-0000-000000000000",
            "Cap:PRUSA_MMU2:1")
        #expect(identity.firmware == "Prusa-Firmware 3.13.3 based on Marlin")
        #expect(identity.machine == "Prusa i3 MK3S")
        #expect(identity.capabilities == ["PRUSA_MMU2"])
    }

    @Test func littleIsEnough() {
        let identity = identity("ok FIRMWARE_NAME:Virtual Marlin 1.0 PROTOCOL_VERSION:1.0")
        #expect(identity.firmware == "Virtual Marlin 1.0")
        #expect(identity.extruders == 1)
        #expect(identity.machine.isEmpty)
    }

    @Test(arguments: ["echo:Marlin 2.1.2", "ok", "Capital:1", "FIRMWARE NAME:x"])
    func otherLines(_ line: String) {
        var identity = FirmwareIdentity()
        let wasTaken = identity.take(line)
        #expect(!wasTaken)
        #expect(identity == FirmwareIdentity())
    }
}

@Suite struct DescriptionTests {
    @Test(arguments: [
        JobFailure.stream(.printerReset, text: ""), .stream(.printerHalted, text: "x"),
        .stream(.firmwareError, text: ""),
        .stream(.printerSilent, text: ""), .stream(.tooManyResends(line: 77), text: ""),
        .stream(.resendOutOfRange(line: 77), text: ""), .stream(.notSynchronised, text: ""),
        .stream(.emergencyStopped, text: ""), .stream(.commandTooLong, text: ""),
        .stream(.lineNumbersExhausted, text: ""), .file(.missing(path: "/a")), .link(.portLost(path: "/b", errno: 5)),
    ])
    func failuresAreSentences(_ failure: JobFailure) {
        #expect(failure.description.count > 10)
        #expect(failure.description.contains("."))
    }

    @Test func theFirmwaresOwnWordsAreQuoted() {
        let failure = JobFailure.stream(.firmwareError, text: "Error:MINTEMP triggered, system stopped! Heater_ID: 0")
        #expect(failure.description.hasSuffix("Error:MINTEMP triggered, system stopped! Heater_ID: 0"))
        #expect(JobFailure.stream(.tooManyResends(line: 77), text: "").description.contains("77"))
        #expect(JobFailure.link(.portLost(path: "/dev/x", errno: 5)).description.contains("/dev/x"))
    }
}
