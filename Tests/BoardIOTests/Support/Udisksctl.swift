import Foundation
import Testing

@testable import BoardIO

/// A new directory that is removed with the value.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "gantry-board-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
    func write(_ text: String, to name: String) throws {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
    }
    func read(_ name: String) -> String { (try? String(contentsOfFile: file(name), encoding: .utf8)) ?? "" }
}

/// A stick, a `udisksctl` that is a script, and a mount table that is a file.
///
/// The real one mounts; this one writes into the table. Where it says that it has mounted is never where it has: what it
/// says is for people.
struct UdisksRig {
    let folder: TemporaryDirectory
    /// A file in the place of a device.
    let node: String

    init() throws {
        folder = try TemporaryDirectory()
        node = folder.file("sda1")
        try folder.write("", to: "sda1")
        try mounts([])
        try script(Self.willing)
    }

    /// Does all that it is told.
    static let willing = """
        mount) echo "36 35 8:1 / $folder/media/STICK rw,nosuid shared:1 - vfat $device $mode" >>$folder/mountinfo
            echo "Mounted $device at /lost/in/translation" ;;
        unmount) : >$folder/mountinfo; echo "Unmounted $device." ;;
        power-off) ;;
        """

    /// Says no as the real one does.
    static func refusing(_ error: String) -> String {
        """
        *) echo "Error with $device: GDBus.Error:org.freedesktop.UDisks2.Error.\(error)" >&2; exit 1 ;;
        """
    }

    /// What it does for each of its verbs, as branches of a `case`.
    func script(_ branches: String) throws {
        try folder.write(
            """
            folder='\(folder.path)'
            echo "$@" >>$folder/calls
            device=$3 mode=rw
            case "$*" in *,ro*) mode=ro ;; esac
            case $1 in
            \(branches)
            esac
            """, to: "udisksctl")
    }

    /// Calls so far: verb, device and options.
    var calls: [String] { folder.read("calls").split(separator: "\n").map(String.init) }

    /// Verbs of the calls so far.
    var verbs: [String] { calls.map { String($0.prefix { $0 != " " }) } }

    /// Somebody else mounts, or unmounts.
    func mounts(_ paths: [String]) throws {
        let lines = paths.map { "36 35 8:1 / \($0) rw shared:1 - vfat \(node) rw\n" }
        try folder.write(lines.joined(), to: "mountinfo")
    }

    func settings(_ mounting: StickSettings.Mounting, isReadOnly: Bool = true) -> StickSettings {
        var settings = StickSettings()
        settings.mounting = mounting
        settings.isReadOnly = isReadOnly
        settings.directory = folder.file("own")
        settings.mountTable = folder.file("mountinfo")
        // Read by the shell: whatever starts a process meanwhile, the script is never "busy".
        settings.udisks.command = ["sh", folder.file("udisksctl")]
        settings.udisks.limit = 60_000_000_000
        settings.udisks.pause = 1000
        return settings
    }

    var volume: USBFileSystem {
        USBFileSystem(
            node: node, label: "STICK", type: "vfat", uuid: "1A2B-3C4D", isRemovable: true, sizeBytes: 1 << 23)
    }
}
