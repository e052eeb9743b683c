import Glibc

/// udisks2 by its command, `udisksctl`: it mounts for whoever polkit lets, so that Gantry needs no rights of its own.
///
/// What the command says is for people; whether and where something is mounted stands in the mount table.
struct Udisks: Equatable, Sendable {
    /// The command and its first arguments.
    var command = ["udisksctl"]
    /// Nanoseconds that one call has. The daemon may have to be started first.
    var limit: UInt64 = 20_000_000_000
    /// Microseconds between two tries to mount.
    var pause: UInt32 = 300_000

    /// Tries to mount. udisks2 hears of a stick when we do, and takes its time to look at it.
    static let tries = 10

    /// Mounts where udisks2 likes.
    func mount(_ node: String, isReadOnly: Bool) throws(UdisksFailure) {
        // nosuid and nodev are udisks2's own.
        let options = ["--options", "noexec,noatime" + (isReadOnly ? ",ro" : "")]
        for _ in 1..<Self.tries {
            do throws(UdisksFailure) {
                return try run("mount", node, options)
            } catch {
                guard error.isTooEarly else { throw error }
            }
            usleep(pause)
        }
        try run("mount", node, options)
    }

    /// Unmounts; what waits is written out first.
    func unmount(_ node: String) throws(UdisksFailure) { try run("unmount", node) }

    /// Flushes the stick's own memory and switches it off, with all its partitions.
    func powerOff(_ node: String) throws(UdisksFailure) { try run("power-off", node) }

    private func run(_ verb: String, _ node: String, _ more: [String] = []) throws(UdisksFailure) {
        let words = command + [verb, "--block-device", node, "--no-user-interaction"] + more
        let ended: Subprocess.Ended
        do throws(Subprocess.Failure) {
            ended = try Subprocess.run(words, limit: limit)
        } catch {
            switch error {
            case .notStarted(ENOENT): throw .notInstalled
            case .notStarted(let code): throw .notStarted(code: code)
            case .tookTooLong: throw .tookTooLong(seconds: Int(limit / 1_000_000_000))
            }
        }
        guard ended.status == 0 else { throw .refused(Self.firstLine(ended)) }
    }

    private static func firstLine(_ ended: Subprocess.Ended) -> String {
        let lines = ended.output.split(whereSeparator: \.isNewline)
        return lines.first { !$0.allSatisfy(\.isWhitespace) }.map { String($0.prefix(300)) }
            ?? "udisksctl ended with \(ended.status)"
    }
}

/// Why udisks2 did not do what it was asked for.
public enum UdisksFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no udisksctl on PATH.
    case notInstalled
    /// udisksctl could not be started; an errno.
    case notStarted(code: Int32)
    /// It did not answer and was ended.
    case tookTooLong(seconds: Int)
    /// It said no, in these words.
    case refused(String)
    /// It says that it did it, but the mount table says otherwise.
    case noEffect

    /// What happened.
    public var description: String {
        switch self {
        case .notInstalled: "there is no udisksctl"
        case .notStarted(let code): "udisksctl cannot be started: \(errorText(code))"
        case .tookTooLong(let seconds): "no answer within \(seconds) s"
        case .refused(let text): text
        case .noEffect: "it says that it did, but the mount table does not show it"
        }
    }

    /// udisksctl does not know the stick, or no file system on it. These are its own words, which nobody translates; with
    /// others it would only be asked once.
    var isTooEarly: Bool {
        guard case .refused(let text) = self else { return false }
        return text.hasPrefix("Error looking up object") || text.contains("is not a mountable filesystem")
    }

    /// What to do. D-Bus names its errors in no language.
    var advice: String {
        switch self {
        case .notInstalled: "Install udisks2, or set mount = kernel in [usb]."
        case .refused(let text) where text.contains("UDisks2.Error.NotAuthorized"):
            "Let this user do it (hardware/polkit/70-gantry.rules), or set mount = kernel in [usb]."
        case .refused(let text) where text.contains("UDisks2.Error.DeviceBusy"):
            "Something still reads or writes it: end that first, a print from it above all."
        default: "See what udisks2 says: journalctl -u udisks2"
        }
    }
}
