import Foundation
import Glibc
import Testing

@testable import BoardIO

/// Sticks through udisks2, with a script in its command's place.
@Suite struct UdisksTests {
    private func stick(_ rig: UdisksRig, _ owner: Stick.Owner, isReadOnly: Bool = true) -> Stick {
        Stick(
            name: "STICK", label: "STICK", node: rig.node, path: rig.folder.file("media/STICK"),
            isReadOnly: isReadOnly, owner: owner)
    }

    private func failure(_ rig: UdisksRig, _ text: String) -> StickError {
        StickError(
            .mount, rig.node, type: "vfat",
            .refused("Error with \(rig.node): GDBus.Error:org.freedesktop.UDisks2.Error.\(text)"))
    }

    /// The kernel's mount(2) was tried and failed, as the stick is a file.
    private func isOfKernel(_ event: StickEvent?) -> Bool {
        guard case .failed(let error) = event, case .system = error.cause else { return false }
        return error.operation == .mount || error.operation == .makeFolder
    }

    // MARK: Mounting

    @Test(arguments: [StickSettings.Mounting.auto, .udisks2])
    func whereItIsMountedStandsInTheMountTable(_ mounting: StickSettings.Mounting) throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(mounting))
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .udisks2))])
        #expect(sticks.list == [stick(rig, .udisks2)])
        #expect(
            rig.calls == ["mount --block-device \(rig.node) --no-user-interaction --options noexec,noatime,ro"])
        // Told again, by udev or by the table, it is nothing new.
        #expect(sticks.appeared(rig.volume) == [] && sticks.mountsChanged() == [])
    }

    @Test func writableWhenThatIsWanted() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.udisks2, isReadOnly: false))
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .udisks2, isReadOnly: false))])
        #expect(rig.calls == ["mount --block-device \(rig.node) --no-user-interaction --options noexec,noatime"])
    }

    @Test func readOnlyWhenTheMediumTakesNothingElse() throws {
        let rig = try UdisksRig()
        try rig.script(
            UdisksRig.willing.replacingOccurrences(
                of: "mount) echo", with: "mount) [ $mode = ro ] || { echo write-protected; exit 1; }\n echo"))
        var sticks = Sticks(rig.settings(.udisks2, isReadOnly: false))
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .udisks2))])
        #expect(rig.verbs == ["mount", "mount"])
    }

    @Test(arguments: [StickSettings.Mounting.kernel, .none])
    func unlessWantedItIsNotAsked(_ mounting: StickSettings.Mounting) throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(mounting))
        let events = sticks.appeared(rig.volume)
        #expect(mounting == .none ? events.isEmpty : events.count == 1 && isOfKernel(events.first))
        #expect(rig.calls == [])
    }

    /// udisks2 gets udev's news when we do, and has to look at the stick first.
    @Test(arguments: ["Error looking up object for device /dev/sda1", "Object /x is not a mountable filesystem."])
    func itMayNotKnowTheStickYet(_ text: String) throws {
        let rig = try UdisksRig()
        try rig.script(
            UdisksRig.willing.replacingOccurrences(
                of: "mount) echo",
                with: "mount) [ $(wc -l <$folder/calls) -gt 2 ] || { echo '\(text)'; exit 1; }\n echo"))
        var sticks = Sticks(rig.settings(.udisks2))
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .udisks2))])
        #expect(rig.verbs == ["mount", "mount", "mount"])
    }

    @Test func whatItNeverKnowsIsGivenUp() throws {
        let rig = try UdisksRig()
        try rig.script("mount) echo \"Error looking up object for device $device\"; exit 1 ;;")
        var sticks = Sticks(rig.settings(.udisks2))
        let text = "Error looking up object for device \(rig.node)"
        #expect(
            sticks.appeared(rig.volume) == [.failed(StickError(.mount, rig.node, type: "vfat", .refused(text)))])
        #expect(rig.verbs.count == Udisks.tries)
    }

    // MARK: What can go wrong

    @Test func refusedItIsTheKernelsTurn() throws {
        let rig = try UdisksRig()
        try rig.script(UdisksRig.refusing("NotAuthorized: Not authorized to perform operation"))
        var sticks = Sticks(rig.settings(.auto))
        let events = sticks.appeared(rig.volume)
        #expect(events.count == 2)
        #expect(events.first == .noted(failure(rig, "NotAuthorized: Not authorized to perform operation")))
        #expect(isOfKernel(events.last))
        #expect(sticks.list == [])
    }

    @Test func refusedAndNothingElseWantedItIsAnError() throws {
        let rig = try UdisksRig()
        try rig.script(UdisksRig.refusing("Failed: wrong fs type"))
        var sticks = Sticks(rig.settings(.udisks2))
        #expect(sticks.appeared(rig.volume) == [.failed(failure(rig, "Failed: wrong fs type"))])
        // Another card in the reader, and a udisks2 that is willing again.
        _ = sticks.vanished(rig.node)
        try rig.script(UdisksRig.willing)
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .udisks2))])
    }

    @Test(arguments: [StickSettings.Mounting.auto, .udisks2])
    func whereItIsNotThere(_ mounting: StickSettings.Mounting) throws {
        let rig = try UdisksRig()
        var settings = rig.settings(mounting)
        settings.udisks.command = [rig.folder.file("nowhere/udisksctl")]
        var sticks = Sticks(settings)
        let events = sticks.appeared(rig.volume)
        #expect(events.count == 1)
        // Most boards have none: with `auto` that is no news.
        if mounting == .auto {
            #expect(isOfKernel(events.first))
        } else {
            #expect(events == [.failed(StickError(.mount, rig.node, type: "vfat", .notInstalled))])
        }
    }

    @Test func whoHangsIsEnded() throws {
        let rig = try UdisksRig()
        try rig.script("*) echo $$ >$folder/number; sleep 1000 ;;")
        var settings = rig.settings(.udisks2)
        settings.udisks.limit = 1_000_000_000
        var sticks = Sticks(settings)
        #expect(
            sticks.appeared(rig.volume) == [
                .failed(StickError(.mount, rig.node, type: "vfat", .tookTooLong(seconds: 1)))
            ])
        let number = try #require(pid_t(rig.folder.read("number").trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(kill(number, 0) == -1 && errno == ESRCH)
    }

    /// The daemon did it while its command was still waiting.
    @Test func mountedAlthoughTheCommandHangs() throws {
        let rig = try UdisksRig()
        try rig.script(
            UdisksRig.willing.replacingOccurrences(of: "translation\" ;;", with: "translation\"; sleep 1000 ;;"))
        var settings = rig.settings(.auto)
        settings.udisks.limit = 1_000_000_000
        var sticks = Sticks(settings)
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .udisks2))])
    }

    /// A desktop mounts what is plugged in, and was faster.
    @Test func anAutomounterWasFaster() throws {
        let rig = try UdisksRig()
        try rig.script(
            """
            mount) echo "36 35 8:1 / $folder/media/STICK ro shared:1 - vfat $device ro" >>$folder/mountinfo
                echo "Error mounting $device: GDBus.Error:org.freedesktop.UDisks2.Error.AlreadyMounted: so" >&2; exit 1 ;;
            """)
        var sticks = Sticks(rig.settings(.auto))
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .other))])
    }

    @Test func aMountThatIsNotInTheTableIsNone() throws {
        let rig = try UdisksRig()
        try rig.script("mount) echo Mounted $device at $folder ;;")
        var sticks = Sticks(rig.settings(.udisks2))
        #expect(
            sticks.appeared(rig.volume) == [.failed(StickError(.mount, rig.node, type: "vfat", .noEffect))])
    }

    // MARK: Going

    @Test func ejectedItIsUnmountedAndSwitchedOff() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        #expect(try sticks.eject("STICK") == [.detached(stick(rig, .udisks2), wasEjected: true)])
        #expect(
            rig.calls.dropFirst() == [
                "unmount --block-device \(rig.node) --no-user-interaction",
                "power-off --block-device \(rig.node) --no-user-interaction",
            ])
        #expect(sticks.list == [])
        #expect(throws: StickError(.eject, "STICK", code: ENOENT)) { _ = try sticks.eject("STICK") }
    }

    @Test func inUseItStays() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        try rig.script(UdisksRig.refusing("DeviceBusy: target is busy"))
        let error = #expect(throws: StickError.self) { _ = try sticks.eject("STICK") }
        #expect(error?.description.hasPrefix("Cannot eject STICK through udisks2: Error with") == true)
        #expect(error?.description.hasSuffix("end that first, a print from it above all.") == true)
        #expect(sticks.list == [stick(rig, .udisks2)])
        #expect(rig.verbs == ["mount", "unmount"])
    }

    @Test func whatCannotBeSwitchedOffMayBePulledAllTheSame() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        try rig.script(
            UdisksRig.willing.replacingOccurrences(of: "power-off) ;;", with: "power-off) echo in use; exit 1 ;;"))
        #expect(
            try sticks.eject("STICK") == [
                .detached(stick(rig, .udisks2), wasEjected: true),
                .noted(StickError(.powerOff, rig.node, .refused("in use"))),
            ])
    }

    @Test func anUnmountWithoutEffectIsNoEject() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        try rig.script("unmount) ;;")
        #expect(throws: StickError(.eject, "STICK", .noEffect)) { _ = try sticks.eject("STICK") }
        #expect(sticks.list == [stick(rig, .udisks2)])
    }

    /// An earlier life of Gantry that was killed, or a desktop.
    @Test func whatOthersMountedIsEjectedThroughItToo() throws {
        let rig = try UdisksRig()
        try rig.mounts([rig.folder.file("media/STICK")])
        var sticks = Sticks(rig.settings(.auto))
        #expect(sticks.appeared(rig.volume) == [.attached(stick(rig, .other, isReadOnly: false))])
        #expect(
            try sticks.eject("STICK") == [.detached(stick(rig, .other, isReadOnly: false), wasEjected: true)])
        #expect(rig.verbs == ["unmount", "power-off"])
    }

    @Test(arguments: [StickSettings.Mounting.kernel, .none, .auto])
    func withoutItWhatOthersMountedIsTheirs(_ mounting: StickSettings.Mounting) throws {
        let rig = try UdisksRig()
        try rig.mounts([rig.folder.file("media/STICK")])
        var settings = rig.settings(mounting)
        if mounting == .auto { settings.udisks.command = ["/nowhere/udisksctl"] }
        var sticks = Sticks(settings)
        _ = sticks.appeared(rig.volume)
        #expect(throws: StickError(.eject, "STICK", code: EPERM)) { _ = try sticks.eject("STICK") }
        #expect(rig.calls == [])
    }

    @Test func tornOutItIsUdisksToClearUp() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        try FileManager.default.removeItem(atPath: rig.node)
        #expect(sticks.vanished(rig.node) == [.detached(stick(rig, .udisks2), wasEjected: false)])
        #expect(rig.verbs == ["mount"])
    }

    /// Its mount may be gone before udev tells that the stick is.
    @Test func tornOutAndClearedUpAtOnceItWasNotEjected() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        try FileManager.default.removeItem(atPath: rig.node)
        try rig.mounts([])
        #expect(sticks.mountsChanged() == [.detached(stick(rig, .udisks2), wasEjected: false)])
        #expect(sticks.vanished(rig.node) == [])
    }

    @Test func unmountedBySomebodyElseItWasEjected() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        try rig.mounts([])
        #expect(sticks.mountsChanged() == [.detached(stick(rig, .udisks2), wasEjected: true)])
        // Left alone until it is pulled and plugged again.
        #expect(sticks.appeared(rig.volume) == [])
        #expect(rig.verbs == ["mount"])
    }

    @Test func atTheEndWhatItMountedIsUnmountedAndStaysOn() throws {
        let rig = try UdisksRig()
        var sticks = Sticks(rig.settings(.auto))
        _ = sticks.appeared(rig.volume)
        sticks.close()
        #expect(rig.verbs == ["mount", "unmount"])
        #expect(sticks.list == [])
    }

    @Test func errorsGiveAdvice() {
        let errors: [(UdisksFailure, String)] = [
            (.notInstalled, "Cannot mount /dev/sda1 (vfat) through udisks2: there is no udisksctl. Install udisks2"),
            (.notStarted(code: EAGAIN), "udisksctl cannot be started: Resource temporarily unavailable. "),
            (.tookTooLong(seconds: 20), "through udisks2: no answer within 20 s. See what udisks2 says"),
            (.refused("x: GDBus.Error:org.freedesktop.UDisks2.Error.NotAuthorizedCanObtain: y"), "70-gantry.rules"),
            (.noEffect, "the mount table does not show it"),
        ]
        for (failure, expected) in errors {
            let text = StickError(.mount, "/dev/sda1", type: "vfat", failure).description
            #expect(text.contains(expected), "\(text)")
        }
    }
}
